using Microsoft.EntityFrameworkCore;
using Portal.Core.Accounts;
using Portal.Core.Audit;
using Portal.Core.Data;
using Portal.Core.Jobs;
using Portal.Core.Permissions;
using Portal.Core.Quotas;

namespace Portal.Core.Mailboxes;

/// <summary>Changes mailboxes in the caller's transaction, each with an audit entry of its own; rank-safe row by row.</summary>
internal static class MailboxActs
{
    /// <summary>Applies the change to rows the caller has selected in scope and with the capability.</summary>
    /// <returns>The rows left alone, and those that were not right already.</returns>
    public static async Task<(List<WorkRefusal> Refused, List<Guid> Changed)> ApplyAsync(PortalDbContext db, Actor actor, MailboxChange change, IReadOnlyList<Mailbox> mailboxes, DateTimeOffset now, CancellationToken cancel)
    {
        var accountIds = mailboxes.Select(m => m.AccountId).OfType<Guid>().ToList();
        var roles = await db.RolesOfAsync(accountIds, cancel);
        var administrators = change.Act == MailboxAct.Disable ? await Administrators.LockAsync(db, cancel) : [];
        var accounts = change.Act == MailboxAct.SetQuota ? [] : await db.Accounts.Where(a => accountIds.Contains(a.Id)).ToDictionaryAsync(a => a.Id, cancel);
        var refused = new List<WorkRefusal>();
        var (reached, changed) = (new List<Guid>(), new List<Guid>());
        foreach (var mailbox in mailboxes)
        {
            if (mailbox.AccountId is { } id && !actor.Outranks(roles[id])) refused.Add(new(mailbox.PrimaryAddress, nameof(NotPermitted)));
            else if (change.Act == MailboxAct.Disable && mailbox.AccountId is { } own && own == actor.AccountId) refused.Add(new(mailbox.PrimaryAddress, "OwnMailbox"));
            else if (mailbox.AccountId is { } last && administrators.Count == 1 && administrators.Contains(last)) refused.Add(new(mailbox.PrimaryAddress, "LastAdministrator"));
            else if (mailbox.State == MailboxState.Deleted && change.Act != MailboxAct.SetQuota) refused.Add(new(mailbox.PrimaryAddress, "MailboxDeleted"));
            else
            {
                administrators.Remove(mailbox.AccountId ?? Guid.Empty);
                if (Apply(db, actor, change, mailbox, accounts.GetValueOrDefault(mailbox.AccountId ?? Guid.Empty), now)) changed.Add(mailbox.Id);
                reached.Add(mailbox.Id);
            }
        }

        if (change.Act == MailboxAct.SetQuota) await QuotaWatch.ClearFullAsync(db, reached, change.QuotaBytes, cancel);

        db.Raise(Change.Directory);
        db.Raise(Change.Audit);
        return (refused, changed);
    }

    /// <returns>False when it was right already.</returns>
    private static bool Apply(PortalDbContext db, Actor actor, MailboxChange change, Mailbox mailbox, Account? account, DateTimeOffset now)
    {
        object before, after;
        if (change.Act == MailboxAct.SetQuota)
        {
            if (mailbox.QuotaOverrideBytes == change.QuotaBytes) return false;
            (before, after) = (new { QuotaBytes = mailbox.QuotaOverrideBytes }, new { change.QuotaBytes });
            mailbox.QuotaOverrideBytes = change.QuotaBytes;
        }
        else
        {
            var state = change.Act == MailboxAct.Disable ? MailboxState.Disabled : MailboxState.Active;
            if (mailbox.State == state) return false;
            (before, after) = (new { State = mailbox.State.ToString() }, new { State = state.ToString() });
            mailbox.State = state;
            if (account is not null)
            {
                account.IsDisabled = state == MailboxState.Disabled;
                account.SecurityStamp = PasswordHashing.NewStamp();   // open sessions end
                account.Version++;
            }
        }

        mailbox.Version++;
        db.Audit.Add(AuditEntry.Change(actor, now, change.Action, mailbox.PrimaryAddress, before, after, mailbox.DomainId));
        return true;
    }
}
