using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Addresses;
using Portal.Core.Alerts;
using Portal.Core.Audit;
using Portal.Core.Data;
using Portal.Core.Permissions;

namespace Portal.Core.Accounts;

/// <summary>A new password or the link to choose one; shown once, stored nowhere.</summary>
/// <param name="Password">Null when a link was asked for.</param>
/// <param name="LinkToken">Token of the first-password link; null when a password was made.</param>
public sealed record NewCredential(string? Password, string? LinkToken);

/// <summary>What a person may change of their own profile.</summary>
public sealed record ProfileChange(string DisplayName, string? Language, string? TimeZone, ColourScheme Scheme);

/// <summary>People who sign in: credentials, roles and profile.</summary>
public sealed class AccountService(IDbContextFactory<PortalDbContext> databases, WriteGate gate, PasswordHashing hashing, AccountAuthenticator authenticator, TimeProvider clock)
{
    public static readonly TimeSpan FirstPasswordLinkLife = TimeSpan.FromDays(7);

    private const int MaxUnlockTries = 5;

    /// <summary>Resets somebody else's password: sessions end, cached verdicts with them. Rank-safe. One's own is changed with the present one.</summary>
    /// <param name="actor">Needs <see cref="Capability.ResetPasswords"/> and every capability the account holds.</param>
    /// <param name="accountId">Whose.</param>
    /// <param name="asLink">True makes a link to choose a password; false a random password.</param>
    /// <param name="cancel">Stops before anything is saved.</param>
    public async Task<Outcome<NewCredential>> ResetPasswordAsync(Actor actor, Guid accountId, bool asLink, CancellationToken cancel)
    {
        if (actor.AccountId == accountId) return new Conflict("OwnPassword");   // else a session left open is enough to take the account over
        if (!actor.May(Capability.ResetPasswords)) return new NotPermitted(Capability.ResetPasswords);   // asked again below: nobody else's wish costs a hash
        var password = PasswordRules.Generate();
        var token = asLink ? NewToken() : null;
        var hashed = await HashAsync(accountId, asLink ? Guid.NewGuid() + password : password, cancel);   // with a link the old password ends at once all the same
        var outcome = await ChangeAsync(actor, accountId, Capability.ResetPasswords, async (db, account) =>
        {
            TakePassword(account, hashed);
            await SpendLinksAsync(db, account.Id, cancel);
            if (token is not null) db.OneTimeLinks.Add(NewLink(LinkPurpose.FirstPassword, token, account.Id, FirstPasswordLinkLife));
            await SignInThrottleStore.WelcomeAsync(db, account.UserName!, clock.GetUtcNow(), cancel);
            await db.TellAsync(account, asLink ? OwnerNoticeKind.PasswordLink : OwnerNoticeKind.PasswordReset, actor, clock.GetUtcNow(), cancel);
            return AuditEntry.Change(actor, clock.GetUtcNow(), "account.password.reset", account.UserName!, null, new { by = asLink ? "link" : "password" });
        }, cancel);
        return outcome.Refusal is { } refusal ? refusal : new NewCredential(asLink ? null : password, token);
    }

    /// <summary>Forgets the failures that slow this account down, and lets it in where strangers have to wait.</summary>
    public async Task<Outcome> UnlockAsync(Actor actor, Guid accountId, CancellationToken cancel)
    {
        // Overwrites nothing: whoever was faster with this account leaves it to be unlocked as it is then.
        for (var tries = 1; ; tries++)
        {
            var outcome = await ChangeAsync(actor, accountId, Capability.ResetPasswords, async (db, account) =>
            {
                var pairs = await SignInThrottleStore.WelcomeAsync(db, account.UserName!, clock.GetUtcNow(), cancel);
                return AuditEntry.Change(actor, clock.GetUtcNow(), "account.unlock", account.UserName!, new { slowedNetworks = pairs }, null);
            }, cancel);
            if (tries == MaxUnlockTries || outcome.Refusal is not Conflict { IsStale: true }) return outcome;
        }
    }

    /// <summary>Gives the account exactly these roles, everywhere; those it has in a domain only are left alone. Nobody grants what they lack.</summary>
    /// <param name="version">The version the person saw: a newer one is never overwritten.</param>
    public Task<Outcome> SetRolesAsync(Actor actor, Guid accountId, int version, IReadOnlyCollection<Role> roles, CancellationToken cancel) =>
        ChangeAsync(actor, accountId, Capability.ManageRoles, async (db, account) =>
        {
            if (!actor.MayEverywhere(Capability.ManageRoles) || !actor.Outranks(roles.Select(r => new HeldRole(r, Scope.Everything)))) return new NotPermitted(Capability.ManageRoles);
            if (account.Version != version) return Conflict.ChangedByOthers;
            var held = await db.RoleAssignments.Where(r => r.AccountId == account.Id).ToListAsync(cancel);
            var everywhere = held.FindAll(r => r.DomainId is null);
            if (everywhere.Any(r => r.Role == Role.Administrator) && !roles.Contains(Role.Administrator) && await Administrators.IsLastAsync(db, account.Id, cancel))
                return new Conflict("LastAdministrator");
            if (roles.Except(everywhere.Select(r => r.Role)).Any()) await SpendLinksAsync(db, account.Id, cancel);   // whoever kept a link to a lesser account shall not have this one
            db.RoleAssignments.RemoveRange(everywhere);
            RoleAssignment[] wanted = [.. roles.Distinct().Select(r => new RoleAssignment { AccountId = account.Id, Role = r })];
            db.RoleAssignments.AddRange(wanted);
            var kept = held.Where(r => r.DomainId is not null);
            return AuditEntry.Change(actor, clock.GetUtcNow(), "account.roles.set", account.UserName!, await NamesAsync(db, held, cancel), await NamesAsync(db, [.. kept, .. wanted], cancel));
        }, cancel);

    /// <summary>Roles as the audit names them; one that counts in a domain only has the domain behind it.</summary>
    private static async Task<List<string>> NamesAsync(PortalDbContext db, List<RoleAssignment> held, CancellationToken cancel)
    {
        var ids = held.Select(r => r.DomainId).OfType<Guid>().ToList();
        var domains = await db.Domains.AsNoTracking().Where(d => ids.Contains(d.Id)).ToDictionaryAsync(d => d.Id, d => d.Name, cancel);
        return [.. held.Select(r => r.DomainId is { } id ? $"{r.Role}@{domains[id]}" : r.Role.ToString()).Order(StringComparer.Ordinal)];
    }

    /// <summary>Ends every session of an account; one's own, or of others with <see cref="Capability.ResetPasswords"/>.</summary>
    public Task<Outcome> SignOutEverywhereAsync(Actor actor, Guid accountId, CancellationToken cancel) =>
        ChangeAsync(actor, accountId, Capability.ResetPasswords, (_, account) =>
        {
            account.SecurityStamp = PasswordHashing.NewStamp();
            return Task.FromResult<AuditOrRefusal>(AuditEntry.Change(actor, clock.GetUtcNow(), "account.sessions.end", account.UserName!, null, null));
        }, cancel);

    /// <summary>Changes one's own password; the present one is asked again (ASVS 2.1.6), as at a door: a session left open is no place to guess it.</summary>
    public async Task<Outcome> ChangeOwnPasswordAsync(Actor actor, string present, string wanted, CancellationToken cancel)
    {
        if (actor.AccountId is not { } own) return new NotPermitted(Capability.UseOwnMail);
        var answer = await authenticator.ConfirmAsync(actor, present, cancel);
        if (answer.Kind == AuthenticationKind.Busy) return new Conflict("Busy");
        if (answer.Kind == AuthenticationKind.SlowedDown) return new Conflict("PasswordSlowedDown", answer.RetryAfter);
        if (answer.Kind != AuthenticationKind.Succeeded) return new Invalid("PasswordWrong") { Field = "Present" };
        if (PasswordRules.Check(wanted, MailAddress.Parse(actor.Name)) is { } refusal) return refusal;
        var hashed = await HashAsync(own, wanted, cancel);
        return await ChangeAsync(actor, own, Capability.UseOwnMail, async (db, account) =>
        {
            TakePassword(account, hashed);
            await SpendLinksAsync(db, account.Id, cancel);
            await db.TellAsync(account, OwnerNoticeKind.PasswordChanged, null, clock.GetUtcNow(), cancel);
            return AuditEntry.Change(actor, clock.GetUtcNow(), "account.password.change", account.UserName!, null, null);
        }, cancel);
    }

    /// <summary>Changes one's own name, language, time zone and colours.</summary>
    public Task<Outcome> ChangeProfileAsync(Actor actor, ProfileChange change, CancellationToken cancel) =>
        actor.AccountId is not { } own ? Task.FromResult<Outcome>(new NotPermitted(Capability.UseOwnMail)) : ChangeAsync(actor, own, Capability.UseOwnMail, (_, account) =>
        {
            if (string.IsNullOrWhiteSpace(change.DisplayName) || change.DisplayName.Length > 200) return Task.FromResult<AuditOrRefusal>(new Invalid("NameLength", 200) { Field = "DisplayName" });
            if (change.TimeZone is not null && !TimeZoneInfo.TryFindSystemTimeZoneById(change.TimeZone, out var _)) return Task.FromResult<AuditOrRefusal>(new Invalid("TimeZoneUnknown") { Field = "TimeZone" });
            var before = new { account.DisplayName, account.Language, account.TimeZone, Scheme = account.Scheme.ToString() };
            (account.DisplayName, account.Language, account.TimeZone, account.Scheme) = (change.DisplayName.Trim(), change.Language, change.TimeZone, change.Scheme);
            return Task.FromResult<AuditOrRefusal>(AuditEntry.Change(actor, clock.GetUtcNow(), "account.profile.change", account.UserName!, before, change));
        }, cancel);

    /// <summary>Chooses a password by a first-password link. The link works once.</summary>
    public async Task<Outcome<string>> RedeemFirstPasswordAsync(string token, string password, string? clientAddress, CancellationToken cancel)
    {
        if (await FindLinkAsync(LinkPurpose.FirstPassword, token, cancel) is not { AccountId: { } accountId } link) return new Conflict("LinkSpent");
        string name;
        await using (var look = await databases.CreateDbContextAsync(cancel)) name = (await look.Accounts.AsNoTracking().SingleAsync(a => a.Id == accountId, cancel)).UserName!;
        if (PasswordRules.Check(password, MailAddress.Parse(name)) is { } refusal) return refusal;

        var hashed = await HashAsync(accountId, password, cancel);
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        var account = await db.Accounts.SingleOrDefaultAsync(a => a.Id == accountId, cancel);
        if (account is null or { IsDisabled: true }) return new Conflict("LinkSpent");
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        if (!await SpendLinkAsync(db, link.Id, cancel)) return new Conflict("LinkSpent");   // two at once: one wins
        TakePassword(account, hashed);
        await SpendLinksAsync(db, account.Id, cancel);
        await db.TellAsync(account, OwnerNoticeKind.PasswordChosen, null, clock.GetUtcNow(), cancel);
        account.Version++;
        db.SignIns.Add(new SignIn { AccountId = account.Id, At = clock.GetUtcNow(), Channel = Channel.Portal, Address = clientAddress, Result = SignInResultKind.Succeeded });   // the page that asked signs them in
        db.Audit.Add(AuditEntry.Change(Actor.Visitor(clientAddress), clock.GetUtcNow(), "account.password.first", name, null, null));
        db.Raise(Change.Directory);
        db.Raise(Change.Audit);
        await db.SaveChangesAsync(cancel);
        await transaction.CommitAsync(cancel);
        db.PublishRaised();
        return name;
    }

    /// <summary>Last sign-ins of an account, newest first: one's own, or with <see cref="Capability.ViewDirectory"/>.</summary>
    public async Task<IReadOnlyList<SignIn>> RecentSignInsAsync(Actor actor, Guid accountId, int limit, CancellationToken cancel)
    {
        if (actor.AccountId != accountId && !actor.May(Capability.ViewDirectory)) return [];
        await using var db = await databases.CreateDbContextAsync(cancel);
        if (actor.AccountId != accountId && !await db.Accounts.InScopeOf(db, actor).AnyAsync(a => a.Id == accountId, cancel)) return [];
        return await db.SignIns.AsNoTracking().Where(s => s.AccountId == accountId).OrderByDescending(s => s.At).Take(Math.Clamp(limit, 1, 200)).ToListAsync(cancel);
    }

    /// <summary>A link that still works; null when it is spent, expired or never was.</summary>
    public async Task<OneTimeLink?> FindLinkAsync(LinkPurpose purpose, string token, CancellationToken cancel)
    {
        var (hash, now) = (HashOf(token), clock.GetUtcNow());
        await using var db = await databases.CreateDbContextAsync(cancel);
        return await db.OneTimeLinks.AsNoTracking().SingleOrDefaultAsync(l => l.TokenHash == hash && l.Purpose == purpose && l.UsedAt == null && l.ExpiresAt > now, cancel);
    }

    /// <summary>A link to store; the token itself goes to the person only.</summary>
    internal OneTimeLink NewLink(LinkPurpose purpose, string token, Guid? accountId, TimeSpan life) =>
        new() { Purpose = purpose, TokenHash = HashOf(token), AccountId = accountId, ExpiresAt = clock.GetUtcNow() + life };

    /// <summary>Marks a link used, for one of however many try at once; false for all the others.</summary>
    internal async Task<bool> SpendLinkAsync(PortalDbContext db, Guid linkId, CancellationToken cancel)
    {
        var now = clock.GetUtcNow();
        return await db.OneTimeLinks.Where(l => l.Id == linkId && l.UsedAt == null && l.ExpiresAt > now).ExecuteUpdateAsync(l => l.SetProperty(x => x.UsedAt, now), cancel) == 1;
    }

    /// <summary>An account row with a password, or with none that anybody knows; the caller saves it.</summary>
    internal async Task<Account> NewAccountAsync(MailAddress address, string displayName, string? password, bool isDemo, CancellationToken cancel)
    {
        var name = address.Folded;
        var account = new Account
        {
            UserName = name,
            NormalizedUserName = name.ToUpperInvariant(),
            Email = name,
            NormalizedEmail = name.ToUpperInvariant(),
            EmailConfirmed = true,
            DisplayName = displayName,
            SecurityStamp = PasswordHashing.NewStamp(),
            CreatedAt = clock.GetUtcNow(),
            IsDemo = isDemo,
        };
        if (password is not null) await hashing.SetAsync(account, password, cancel);
        return account;
    }

    /// <summary>Hash, verifier and stamp on a row that nobody saves: hashing takes long and waits its turn, which nobody may do inside the gate.</summary>
    private async Task<Account> HashAsync(Guid accountId, string password, CancellationToken cancel)
    {
        var hashed = new Account { Id = accountId };
        await hashing.SetAsync(hashed, password, cancel);
        return hashed;
    }

    private static void TakePassword(Account account, Account hashed) =>
        (account.PasswordHash, account.ScramVerifier, account.SecurityStamp) = (hashed.PasswordHash, hashed.ScramVerifier, hashed.SecurityStamp);

    /// <summary>Ends every open link to choose a password: a newer decision about the account outlives an older link.</summary>
    private Task<int> SpendLinksAsync(PortalDbContext db, Guid accountId, CancellationToken cancel)
    {
        var now = clock.GetUtcNow();
        return db.OneTimeLinks.Where(l => l.AccountId == accountId && l.Purpose == LinkPurpose.FirstPassword && l.UsedAt == null)
            .ExecuteUpdateAsync(l => l.SetProperty(x => x.UsedAt, now), cancel);
    }

    internal static string NewToken() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    private static byte[] HashOf(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));

    /// <summary>Authorises, changes and audits one account in one transaction. One's own account needs no capability.</summary>
    private async Task<Outcome> ChangeAsync(Actor actor, Guid accountId, Capability capability, Func<PortalDbContext, Account, Task<AuditOrRefusal>> change, CancellationToken cancel)
    {
        var isOwn = actor.AccountId == accountId;
        if (!isOwn && !actor.May(capability)) return new NotPermitted(capability);
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        var account = await db.Accounts.SingleOrDefaultAsync(a => a.Id == accountId, cancel);
        if (account is null) return new NotFound("Account");
        if (!isOwn && !await db.Accounts.InScopeOf(db, actor, capability).AnyAsync(a => a.Id == accountId, cancel)) return new NotFound("Account");   // outside the actor's scope reads like not there
        if (!isOwn && !actor.Outranks(await db.RolesOfAsync(accountId, cancel))) return new NotPermitted(capability);   // rank-safe, DESIGN §6
        if (isOwn && capability == Capability.ManageRoles && !actor.May(capability)) return new NotPermitted(capability);

        var result = await change(db, account);
        if (result.Refusal is { } refusal) return refusal;
        db.Audit.Add(result.Entry!);
        account.Version++;
        db.Raise(Change.Directory);
        db.Raise(Change.Audit);
        if (await db.SaveChangeAsync(cancel) is { } stale) return stale;
        await transaction.CommitAsync(cancel);
        db.PublishRaised();
        return Outcome.Done;
    }

    private readonly record struct AuditOrRefusal(AuditEntry? Entry, Refusal? Refusal)
    {
        public static implicit operator AuditOrRefusal(AuditEntry entry) => new(entry, null);

        public static implicit operator AuditOrRefusal(Refusal refusal) => new(null, refusal);
    }
}
