using Microsoft.EntityFrameworkCore;
using Portal.Core.Accounts;
using Portal.Core.Addresses;
using Portal.Core.Audit;
using Portal.Core.Data;
using Portal.Core.Domains;
using Portal.Core.Messages;
using Portal.Core.Permissions;
using Portal.Core.Quotas;
using Portal.Core.Recipients;

namespace Portal.Core.Mailboxes;

/// <summary>How the person of a new mailbox gets a first password.</summary>
public enum FirstCredential
{
    /// <summary>A link to choose one, shown once to the administrator.</summary>
    Link,

    /// <summary>A random password, shown once.</summary>
    Password,

    /// <summary>The password given.</summary>
    Given,

    /// <summary>None yet: nobody can sign in until a reset.</summary>
    None,
}

/// <summary>A mailbox to be made.</summary>
public sealed record NewMailbox(string Address, string Name, FirstCredential Credential = FirstCredential.Link, string? Password = null)
{
    /// <summary>Hard limit in bytes; null takes the domain's default.</summary>
    public long? QuotaBytes { get; init; }

    public bool IsDemo { get; init; }

    /// <summary>Roles its person gets besides using the mailbox; the actor must hold all they reach.</summary>
    public IReadOnlyList<Role> Roles { get; init; } = [];
}

/// <summary>A mailbox just made, with what is shown once.</summary>
public sealed record CreatedMailbox(Guid MailboxId, Guid AccountId, NewCredential Credential);

/// <summary>Mailboxes and what an administrator does with them.</summary>
public sealed class MailboxService(IDbContextFactory<PortalDbContext> databases, WriteGate gate, AccountService accounts, TimeProvider clock)
{
    /// <summary>How long a deleted mailbox can be restored.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromDays(30);

    /// <summary>Makes mailbox, account, primary address and standard folders in one transaction.</summary>
    /// <param name="actor">Needs <see cref="Capability.ManageMailboxes"/> for the domain.</param>
    /// <returns>What was made, or why not: bad address, unknown domain, duplicate (also under a race), quota below zero, weak password.</returns>
    public async Task<Outcome<CreatedMailbox>> CreateAsync(Actor actor, NewMailbox wanted, CancellationToken cancel)
    {
        if (!actor.May(Capability.ManageMailboxes)) return new NotPermitted(Capability.ManageMailboxes);   // asked again below for the domain: nobody else's wish costs a hash
        if (!MailAddress.TryParse(wanted.Address.Trim(), out var address) || address.AddressLiteral is not null) return new Invalid("AddressInvalid", wanted.Address) { Field = "Address" };
        if (wanted.Name.Length > 200) return new Invalid("NameLength", 200) { Field = "Name" };
        if (wanted.QuotaBytes < 0) return new Invalid("QuotaNegative") { Field = "Quota" };
        if (wanted.Credential == FirstCredential.Given && PasswordRules.Check(wanted.Password, address) is { } weak) return weak;
        if (wanted.Roles.Count > 0 && !actor.MayEverywhere(Capability.ManageRoles)) return new NotPermitted(Capability.ManageRoles);
        if (!actor.Outranks(wanted.Roles.Select(r => new HeldRole(r, Scope.Everything)))) return new NotPermitted(Capability.ManageRoles);

        var name = string.IsNullOrWhiteSpace(wanted.Name) ? address.LocalPart : wanted.Name.Trim();
        var password = wanted.Credential switch { FirstCredential.Given => wanted.Password, FirstCredential.Password => PasswordRules.Generate(), _ => null };
        var token = wanted.Credential == FirstCredential.Link ? AccountService.NewToken() : null;
        var account = await accounts.NewAccountAsync(address, name, password, wanted.IsDemo, cancel);   // hashing takes long: before the gate

        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        var domain = await FindDomainAsync(db, actor, address.Domain, cancel);
        if (domain is null) return new Invalid("DomainUnknown", address.Domain.Display) { Field = "Address" };
        if (!actor.May(Capability.ManageMailboxes, domain.Id)) return new NotPermitted(Capability.ManageMailboxes);
        if (domain.Kind == DomainKind.Relayed) return new Invalid("AddressInRelayedDomain", domain.DisplayName) { Field = "Address" };
        if (await db.Addresses.AnyAsync(a => a.DomainId == domain.Id && a.LocalPart == address.FoldedLocalPart, cancel)) return new Conflict("AddressTaken", address.ToString()) { Field = "Address" };

        var mailbox = new Mailbox
        {
            Name = name,
            DomainId = domain.Id,
            PrimaryAddress = address.Folded,
            AccountId = account.Id,
            QuotaOverrideBytes = wanted.QuotaBytes ?? domain.DefaultQuotaBytes,
            CreatedAt = clock.GetUtcNow(),
            IsDemo = wanted.IsDemo,
        };
        db.Accounts.Add(account);
        db.RoleAssignments.AddRange(wanted.Roles.Distinct().Select(r => new RoleAssignment { AccountId = account.Id, Role = r }));
        db.Mailboxes.Add(mailbox);
        db.MailboxUses.Add(new MailboxUse { MailboxId = mailbox.Id });
        db.Addresses.Add(new Address { DomainId = domain.Id, LocalPart = address.FoldedLocalPart, Display = address.LocalPart, MailboxId = mailbox.Id, IsPrimary = true, IsDemo = wanted.IsDemo });
        db.Folders.AddRange(Folder.StandardSet(mailbox.Id, clock.GetUtcNow()));
        if (token is not null) db.OneTimeLinks.Add(accounts.NewLink(LinkPurpose.FirstPassword, token, account.Id, AccountService.FirstPasswordLinkLife));
        db.Audit.Add(AuditEntry.Change(actor, clock.GetUtcNow(), "mailbox.create", address.Folded, null, new { mailbox.Name, QuotaBytes = mailbox.QuotaOverrideBytes, Roles = wanted.Roles.Select(r => r.ToString()) }, domain.Id));
        db.Raise(Change.Directory);
        db.Raise(Change.Audit);
        try
        {
            await db.SaveChangesAsync(cancel);
        }
        catch (DbUpdateException e) when (e.IsDuplicate())
        {
            return new Conflict("AddressTaken", address.ToString()) { Field = "Address" };   // somebody was faster
        }

        return new CreatedMailbox(mailbox.Id, account.Id, new(wanted.Credential == FirstCredential.Password ? password : null, token));
    }

    /// <summary>Sets or lifts a mailbox's quota.</summary>
    /// <param name="actor">Who asks; needs <see cref="Capability.SetQuota"/> for the mailbox's domain.</param>
    /// <param name="mailboxId">The mailbox to change.</param>
    /// <param name="version">The version the person saw: a newer one is never overwritten.</param>
    /// <param name="quotaBytes">New hard limit in bytes; null lifts it.</param>
    /// <param name="cancel">Stops the call before anything is saved.</param>
    public Task<Outcome> SetQuotaAsync(Actor actor, Guid mailboxId, int version, long? quotaBytes, CancellationToken cancel) =>
        quotaBytes < 0 ? Task.FromResult<Outcome>(new Invalid("QuotaNegative") { Field = "Quota" }) : ChangeAsync(actor, mailboxId, Capability.SetQuota, async (db, mailbox) =>
        {
            var before = mailbox.QuotaOverrideBytes;
            mailbox.QuotaOverrideBytes = quotaBytes;
            await QuotaWatch.ClearFullAsync(db, [mailbox.Id], quotaBytes, cancel);
            return ("mailbox.quota.set", new { QuotaBytes = before }, new { QuotaBytes = quotaBytes });
        }, cancel, version);

    /// <summary>Changes the name people see.</summary>
    /// <param name="version">The version the person saw: a newer one is never overwritten.</param>
    public Task<Outcome> RenameAsync(Actor actor, Guid mailboxId, int version, string name, CancellationToken cancel) =>
        string.IsNullOrWhiteSpace(name) || name.Length > 200 ? Task.FromResult<Outcome>(new Invalid("NameLength", 200) { Field = "Name" }) : ChangeAsync(actor, mailboxId, Capability.ManageMailboxes, async (db, mailbox) =>
        {
            var before = mailbox.Name;
            mailbox.Name = name.Trim();
            if (await AccountOfAsync(db, mailbox, cancel) is { } account)
            {
                account.DisplayName = mailbox.Name;
                account.Version++;
            }

            return ("mailbox.rename", new { Name = before }, new { mailbox.Name });
        }, cancel, version);

    /// <summary>Refuses its mail and ends its person's sessions.</summary>
    public Task<Outcome> DisableAsync(Actor actor, Guid mailboxId, CancellationToken cancel) => SetStateAsync(actor, mailboxId, MailboxState.Disabled, "mailbox.disable", cancel);

    /// <summary>Takes mail and sign-ins again.</summary>
    public Task<Outcome> EnableAsync(Actor actor, Guid mailboxId, CancellationToken cancel) => SetStateAsync(actor, mailboxId, MailboxState.Active, "mailbox.enable", cancel);

    /// <summary>Deletes with <see cref="Grace"/>: mail is refused, everything is kept until then.</summary>
    public Task<Outcome> DeleteAsync(Actor actor, Guid mailboxId, CancellationToken cancel) =>
        ChangeAsync(actor, mailboxId, Capability.ManageMailboxes, async (db, mailbox) =>
        {
            if (mailbox.State == MailboxState.Deleted) return new Conflict("MailboxDeleted");
            if (await MayNotEndAsync(db, actor, mailbox, cancel) is { } refusal) return refusal;
            (mailbox.StateBeforeDelete, mailbox.State, mailbox.DeletedAt) = (mailbox.State, MailboxState.Deleted, clock.GetUtcNow());
            await SetSignInAsync(db, mailbox, isDisabled: true, cancel);
            return ("mailbox.delete", new { State = mailbox.StateBeforeDelete.ToString() }, new { State = nameof(MailboxState.Deleted), Until = mailbox.DeletedAt + Grace });
        }, cancel);

    /// <summary>Brings a deleted mailbox back as it was, within its grace.</summary>
    public Task<Outcome> RestoreAsync(Actor actor, Guid mailboxId, CancellationToken cancel) =>
        ChangeAsync(actor, mailboxId, Capability.ManageMailboxes, async (db, mailbox) =>
        {
            if (mailbox.State != MailboxState.Deleted) return new Conflict("MailboxNotDeleted");
            if (mailbox.DeletedAt + Grace < clock.GetUtcNow()) return new Conflict("MailboxGraceOver");   // its mail may be going already
            (mailbox.State, mailbox.DeletedAt) = (mailbox.StateBeforeDelete, null);
            await SetSignInAsync(db, mailbox, isDisabled: mailbox.State != MailboxState.Active, cancel);
            return ("mailbox.restore", new { State = nameof(MailboxState.Deleted) }, new { State = mailbox.State.ToString() });
        }, cancel);

    private Task<Outcome> SetStateAsync(Actor actor, Guid mailboxId, MailboxState state, string action, CancellationToken cancel) =>
        ChangeAsync(actor, mailboxId, Capability.ManageMailboxes, async (db, mailbox) =>
        {
            if (mailbox.State == MailboxState.Deleted) return new Conflict("MailboxDeleted");
            if (state != MailboxState.Active && await MayNotEndAsync(db, actor, mailbox, cancel) is { } refusal) return refusal;
            var before = mailbox.State;
            mailbox.State = state;
            await SetSignInAsync(db, mailbox, isDisabled: state != MailboxState.Active, cancel);
            return (action, new { State = before.ToString() }, new { State = state.ToString() });
        }, cancel);

    /// <summary>Nobody shuts themselves out, and nobody the last administrator.</summary>
    private static async Task<Conflict?> MayNotEndAsync(PortalDbContext db, Actor actor, Mailbox mailbox, CancellationToken cancel)
    {
        if (mailbox.AccountId is not { } account) return null;
        if (account == actor.AccountId) return new Conflict("OwnMailbox");
        return await Administrators.IsLastAsync(db, account, cancel) ? new Conflict("LastAdministrator") : null;
    }

    private static async Task SetSignInAsync(PortalDbContext db, Mailbox mailbox, bool isDisabled, CancellationToken cancel)
    {
        if (await AccountOfAsync(db, mailbox, cancel) is not { } account) return;
        account.IsDisabled = isDisabled;
        account.SecurityStamp = PasswordHashing.NewStamp();   // open sessions end
        account.Version++;
    }

    private static async Task<Account?> AccountOfAsync(PortalDbContext db, Mailbox mailbox, CancellationToken cancel) =>
        mailbox.AccountId is { } id ? await db.Accounts.SingleOrDefaultAsync(a => a.Id == id, cancel) : null;

    private static Task<Domain?> FindDomainAsync(PortalDbContext db, Actor actor, DomainName name, CancellationToken cancel) =>
        db.Domains.AsNoTracking().InScopeOf(actor).SingleOrDefaultAsync(d => d.Name == name.Value && d.AliasOfId == null, cancel);

    /// <summary>Authorises in scope and by rank, changes and audits in one transaction.</summary>
    private async Task<Outcome> ChangeAsync(Actor actor, Guid mailboxId, Capability capability, Func<PortalDbContext, Mailbox, Task<ChangeResult>> change, CancellationToken cancel, int? version = null)
    {
        if (!actor.May(capability)) return new NotPermitted(capability);
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        var mailbox = await db.Mailboxes.InScopeOf(actor).SingleOrDefaultAsync(m => m.Id == mailboxId, cancel);
        if (mailbox is null) return new NotFound("Mailbox");   // outside the actor's scope reads like not there
        if (!actor.May(capability, mailbox.DomainId)) return new NotPermitted(capability);
        if (!actor.Outranks(await db.RolesOfAsync(mailbox.AccountId, cancel))) return new NotPermitted(capability);
        if (version is not null && mailbox.Version != version) return Conflict.ChangedByOthers;

        var result = await change(db, mailbox);
        if (result.Refusal is { } refusal) return refusal;
        db.Audit.Add(AuditEntry.Change(actor, clock.GetUtcNow(), result.Action!, mailbox.PrimaryAddress, result.Before, result.After, mailbox.DomainId));
        mailbox.Version++;
        db.Raise(Change.Directory);   // caches on every node follow (DESIGN §7)
        db.Raise(Change.Audit);
        if (await db.SaveChangeAsync(cancel) is { } stale) return stale;   // the act and its audit entry: one transaction, or neither
        await transaction.CommitAsync(cancel);
        db.PublishRaised();
        return Outcome.Done;
    }

    private readonly record struct ChangeResult(string? Action, object? Before, object? After, Refusal? Refusal)
    {
        public static implicit operator ChangeResult((string Action, object? Before, object? After) done) => new(done.Action, done.Before, done.After, null);

        public static implicit operator ChangeResult(Refusal refusal) => new(null, null, null, refusal);
    }
}
