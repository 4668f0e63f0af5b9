using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Addresses;
using Portal.Core.Audit;
using Portal.Core.Data;
using Portal.Core.Domains;
using Portal.Core.Jobs;
using Portal.Core.Mailboxes;
using Portal.Core.Messages;
using Portal.Core.Permissions;
using Portal.Core.Recipients;

namespace Portal.Core.Accounts;

/// <summary>What a system begins with.</summary>
/// <param name="Token">Token of the set-up link; null for the operator.</param>
/// <param name="Organisation">Name people read.</param>
/// <param name="Domain">First domain, as typed.</param>
/// <param name="Administrator">Address of the first administrator, in that domain.</param>
/// <param name="AdministratorName">Their name; null takes the local part.</param>
/// <param name="Password">Their password.</param>
public sealed record SetupRequest(string? Token, string Organisation, string Domain, string Administrator, string? AdministratorName, string Password);

/// <summary>A link to the set-up: opens it once.</summary>
public sealed record SetupLink(string Token, DateTimeOffset ExpiresAt)
{
    /// <summary>Where the portal's set-up page stands, without a slash in front; the token follows.</summary>
    public const string Path = "setup/";
}

/// <summary>Makes a system out of an empty database: organisation, first domain, first administrator. Once.</summary>
public sealed class SetupService(IDbContextFactory<PortalDbContext> databases, WriteGate gate, AccountService accounts, SecretBox secrets, TimeProvider clock)
{
    /// <summary>Key of the <see cref="Setting"/> that holds the organisation's name.</summary>
    public const string OrganisationKey = "organisation.name";

    public static readonly TimeSpan LinkLifetime = TimeSpan.FromHours(24);

    private const int MaxOrganisationLength = 200;

    /// <summary>Whether there is an administrator.</summary>
    public async Task<bool> IsSetUpAsync(CancellationToken cancel)
    {
        await using var db = await databases.CreateDbContextAsync(cancel);
        return await HasAdministratorAsync(db, cancel);
    }

    /// <summary>A new link while there is no administrator, else null. Links given before live on: of several nodes each prints its own.</summary>
    public async Task<SetupLink?> IssueLinkAsync(CancellationToken cancel)
    {
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        if (await HasAdministratorAsync(db, cancel)) return null;

        var link = new SetupLink(AccountService.NewToken(), clock.GetUtcNow() + LinkLifetime);
        db.OneTimeLinks.Add(new OneTimeLink { Purpose = LinkPurpose.Setup, TokenHash = HashOf(link.Token), ExpiresAt = link.ExpiresAt });
        await db.SaveChangesAsync(cancel);
        return link;
    }

    /// <summary>Whether the link would open the set-up now; null when it would, else why not.</summary>
    public async Task<Refusal?> CheckLinkAsync(string? token, CancellationToken cancel)
    {
        await using var db = await databases.CreateDbContextAsync(cancel);
        if (await HasAdministratorAsync(db, cancel)) return new Conflict("SetupDone");
        return token is not null && await Usable(db, token).AnyAsync(cancel) ? null : new Invalid("SetupLinkInvalid");
    }

    /// <summary>Sets the system up. Of two at once one wins; the other reads that it is done.</summary>
    /// <param name="actor">The operator, or a visitor with a link.</param>
    /// <returns>The administrator's account, <see cref="Conflict"/> when it is done already, or <see cref="Invalid"/> with the field.</returns>
    public async Task<Outcome<Guid>> SetUpAsync(Actor actor, SetupRequest request, CancellationToken cancel)
    {
        if (actor.Kind != ActorKind.Operator && await CheckLinkAsync(request.Token, cancel) is { } noLink) return noLink;   // before the costly hash
        if (Check(request, out var domainName, out var address) is { } refusal) return refusal;

        var now = clock.GetUtcNow();
        var account = await accounts.NewAccountAsync(address!, NameOf(request, address!), request.Password, isDemo: false, cancel);   // hashing takes long: before the gate
        var keys = await DkimKeyPair.MakeAsync(cancel);

        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        // The row's lock is held to commit: whoever is second waits here, and then sees the first one's administrator.
        await db.ChangeCounters.Where(c => c.Area == Change.Settings).ExecuteUpdateAsync(c => c.SetProperty(x => x.Value, x => x.Value + 1), cancel);
        if (await HasAdministratorAsync(db, cancel)) return new Conflict("SetupDone");
        if (actor.Kind != ActorKind.Operator && await Usable(db, request.Token!).ExecuteUpdateAsync(l => l.SetProperty(x => x.UsedAt, now), cancel) == 0) return new Invalid("SetupLinkInvalid");
        await db.OneTimeLinks.Where(l => l.Purpose == LinkPurpose.Setup && l.UsedAt == null).ExecuteUpdateAsync(l => l.SetProperty(x => x.UsedAt, now), cancel);

        await StageAsync(db, actor, request, (domainName, keys), address!, account, cancel);
        db.Raise(Change.Directory);
        db.Raise(Change.Settings);
        db.Raise(Change.Audit);
        try
        {
            await db.SaveChangesAsync(cancel);
        }
        catch (DbUpdateException e) when (e.IsDuplicate())
        {
            return new Conflict("AddressTaken", address!.ToString());
        }

        await transaction.CommitAsync(cancel);
        db.PublishRaised();
        return account.Id;
    }

    private static Refusal? Check(SetupRequest request, out DomainName domain, out MailAddress? address)
    {
        address = null;
        domain = default;
        if (string.IsNullOrWhiteSpace(request.Organisation)) return new Invalid("OrganisationMissing") { Field = nameof(SetupRequest.Organisation) };
        if (request.Organisation.Length > MaxOrganisationLength) return new Invalid("TextTooLong", MaxOrganisationLength) { Field = nameof(SetupRequest.Organisation) };
        if (request.AdministratorName?.Length > MaxOrganisationLength) return new Invalid("TextTooLong", MaxOrganisationLength) { Field = nameof(SetupRequest.AdministratorName) };
        if (!DomainName.TryParse(request.Domain, out domain)) return new Invalid("DomainInvalid", request.Domain) { Field = nameof(SetupRequest.Domain) };
        if (!MailAddress.TryParse(request.Administrator, out address)) return new Invalid("AddressInvalid", request.Administrator) { Field = nameof(SetupRequest.Administrator) };
        if (address.Domain != domain) return new Invalid("AdministratorElsewhere", address.ToString(), domain.Display) { Field = nameof(SetupRequest.Administrator) };
        return PasswordRules.Check(request.Password, address);
    }

    private async Task StageAsync(PortalDbContext db, Actor actor, SetupRequest request, (DomainName Name, DkimKeyPair Keys) first, MailAddress address, Account account, CancellationToken cancel)
    {
        var now = clock.GetUtcNow();
        var domain = await db.Domains.SingleOrDefaultAsync(d => d.Name == first.Name.Value, cancel);
        if (domain is null)
        {
            db.Domains.Add(domain = new Domain { Name = first.Name.Value, DisplayName = first.Name.Display, CreatedAt = now });
            DkimKeySteps.AddPair(db, secrets, domain.Id, first.Keys, [], now);
        }

        db.Accounts.Add(account);
        // Who sets the system up in the browser is signed in when it is done.
        if (actor.Kind == ActorKind.Visitor) db.SignIns.Add(new SignIn { AccountId = account.Id, At = now, Channel = actor.Channel, Address = actor.Address, Result = SignInResultKind.Succeeded });
        db.RoleAssignments.Add(new RoleAssignment { AccountId = account.Id, Role = Role.Administrator });
        db.RoleAssignments.Add(new RoleAssignment { AccountId = account.Id, Role = Role.User });
        var mailbox = new Mailbox { Name = account.DisplayName, DomainId = domain.Id, PrimaryAddress = address.Folded, AccountId = account.Id, CreatedAt = now };
        db.Mailboxes.Add(mailbox);
        db.MailboxUses.Add(new MailboxUse { MailboxId = mailbox.Id });
        db.Folders.AddRange(Folder.StandardSet(mailbox.Id, now));
        db.Addresses.Add(new Address { DomainId = domain.Id, LocalPart = address.FoldedLocalPart, Display = address.LocalPart, MailboxId = mailbox.Id, IsPrimary = true });

        var organisation = await db.Settings.SingleOrDefaultAsync(s => s.Key == OrganisationKey, cancel);
        if (organisation is null) db.Settings.Add(new Setting { Key = OrganisationKey, Value = request.Organisation.Trim() });
        else organisation.Value = request.Organisation.Trim();
        db.Audit.Add(AuditEntry.Change(actor, now, "system.setup", request.Organisation.Trim(), null, new { domain = domain.Name, administrator = address.Folded }, domain.Id));
    }

    private static string NameOf(SetupRequest request, MailAddress address) =>
        string.IsNullOrWhiteSpace(request.AdministratorName) ? address.LocalPart : request.AdministratorName.Trim();

    private static Task<bool> HasAdministratorAsync(PortalDbContext db, CancellationToken cancel) =>
        db.RoleAssignments.AnyAsync(r => r.Role == Role.Administrator && r.DomainId == null, cancel);

    private IQueryable<OneTimeLink> Usable(PortalDbContext db, string token)
    {
        var (hash, now) = (HashOf(token), clock.GetUtcNow());
        return db.OneTimeLinks.Where(l => l.TokenHash == hash && l.Purpose == LinkPurpose.Setup && l.UsedAt == null && l.ExpiresAt > now);
    }

    private static byte[] HashOf(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));
}
