using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;

namespace Portal.Core.Messages;

/// <summary>Whose mail a query may touch: asked in every query, so that somebody else's item reads as not there.</summary>
internal static class MailQueries
{
    /// <summary>The mailbox of an account; nobody else's, and none that is being deleted.</summary>
    public static IQueryable<Mailbox> OwnedBy(this IQueryable<Mailbox> mailboxes, Actor actor)
    {
        var owner = actor.AccountId;
        return mailboxes.Where(m => owner != null && m.AccountId == owner && m.State == MailboxState.Active);
    }

    /// <summary>The mailbox's id; null when the account has none.</summary>
    public static Task<Guid?> OwnMailboxIdAsync(this PortalDbContext db, Actor actor, CancellationToken cancel) =>
        db.Mailboxes.OwnedBy(actor).OrderBy(m => m.CreatedAt).Select(m => (Guid?)m.Id).FirstOrDefaultAsync(cancel);

    /// <summary>Lines of a list with what the message says of itself.</summary>
    public static IQueryable<MailRow> Rows(this PortalDbContext db, IQueryable<MailItem> items) =>
        items.Join(db.Messages, i => i.MessageId, m => m.Id, (i, m) => new MailRow(
            i.Id, i.FolderId, i.Uid ?? 0, m.Id, m.HeaderFrom, m.HeaderTo, m.Subject, m.Preview, i.InternalDate, i.SizeBytes, i.Flags, m.HasAttachments, i.DeletedAt)
        {
            ParserVersion = m.ParserVersion,
        });
}
