using Microsoft.EntityFrameworkCore;
using Portal.Core.Addresses;
using Portal.Core.Audit;
using Portal.Core.Data;
using Portal.Core.Permissions;

namespace Portal.Core.Messages;

/// <summary>Anybody's mail, for the operator, who can read the data folder anyway; every reading is audited.</summary>
public sealed class OperatorMailService(IDbContextFactory<PortalDbContext> databases, WriteGate gate, MailOpener opener, TimeProvider clock)
{
    /// <summary>Items of one call.</summary>
    public const int PageRows = 500;

    /// <summary>A page of a mailbox's items in the order they came, all folders.</summary>
    /// <param name="actor">Needs <see cref="Capability.ReadAnyMail"/>.</param>
    /// <param name="address">Any address of the mailbox.</param>
    /// <param name="after">0 to begin, else the last id of the page before; a page shorter than <see cref="PageRows"/> is the last.</param>
    /// <param name="cancel">Stops the call.</param>
    public async Task<Outcome<List<ListedMail>>> ListAllAsync(Actor actor, string address, long after, CancellationToken cancel)
    {
        var mailbox = await FindMailboxAsync(actor, address, cancel);
        if (!mailbox.IsDone) return mailbox.Refusal;
        if (after == 0) await AuditAsync(actor, "mail.list", address, mailbox.Value.DomainId, null, cancel);

        await using var db = await databases.CreateDbContextAsync(cancel);
        var rows = await db.MailItems.AsNoTracking()
            .Where(i => i.MailboxId == mailbox.Value.Id && i.DeletedAt == null && i.Id > after).OrderBy(i => i.Id).Take(PageRows)
            .Join(db.Messages, i => i.MessageId, m => m.Id, (i, m) => new { i, m })
            .Join(db.Folders, x => x.i.FolderId, f => f.Id, (x, f) => new ListedMail(x.i.Id, f.Name, x.m.MessageIdHeader, x.m.Subject, x.m.HeaderFrom, x.i.InternalDate, x.m.SizeBytes))
            .ToListAsync(cancel);
        return rows.OrderBy(r => r.Id).ToList();
    }

    /// <summary>The stored bytes of one item of a mailbox, exactly.</summary>
    public async Task<Outcome<Stream>> OpenRawAsync(Actor actor, string address, long itemId, CancellationToken cancel)
    {
        var mailbox = await FindMailboxAsync(actor, address, cancel);
        if (!mailbox.IsDone) return mailbox.Refusal;

        long? messageId;
        await using (var db = await databases.CreateDbContextAsync(cancel))
            messageId = await db.MailItems.Where(i => i.Id == itemId && i.MailboxId == mailbox.Value.Id).Select(i => (long?)i.MessageId).SingleOrDefaultAsync(cancel);
        if (messageId is null) return new NotFound("MailItem");

        await AuditAsync(actor, "mail.read", address, mailbox.Value.DomainId, new { itemId }, cancel);
        return await opener.OpenRawAsync(messageId.Value, cancel);
    }

    private async Task<Outcome<Target>> FindMailboxAsync(Actor actor, string address, CancellationToken cancel)
    {
        if (!actor.May(Capability.ReadAnyMail)) return new NotPermitted(Capability.ReadAnyMail);
        if (!MailAddress.TryParse(address, out var parsed)) return new Invalid("AddressInvalid", address);

        await using var db = await databases.CreateDbContextAsync(cancel);
        var target = await db.Addresses.AsNoTracking().Where(a => a.LocalPart == parsed.FoldedLocalPart && a.MailboxId != null)
            .Join(db.Domains.Where(d => d.Name == parsed.Domain.Value), a => a.DomainId, d => d.Id, (a, d) => new Target(a.MailboxId!.Value, d.Id)).SingleOrDefaultAsync(cancel);
        return target is null ? new NotFound("Mailbox") : target;
    }

    private async Task AuditAsync(Actor actor, string action, string address, Guid domainId, object? what, CancellationToken cancel)
    {
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        db.Audit.Add(AuditEntry.Change(actor, clock.GetUtcNow(), action, address, null, what, domainId));
        db.Raise(Change.Audit);
        await db.SaveChangesAsync(cancel);
    }

    private sealed record Target(Guid Id, Guid DomainId);
}
