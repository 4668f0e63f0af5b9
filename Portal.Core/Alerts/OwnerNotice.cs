using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Portal.Core.Accounts;
using Portal.Core.Data;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;

namespace Portal.Core.Alerts;

/// <summary>What the owner of a mailbox is told by mail.</summary>
public enum OwnerNoticeKind
{
    /// <summary>They changed their password.</summary>
    PasswordChanged,

    /// <summary>Somebody else gave the account a new password.</summary>
    PasswordReset,

    /// <summary>Somebody else ended the password and made a link to choose one.</summary>
    PasswordLink,

    /// <summary>A password was chosen by such a link.</summary>
    PasswordChosen,

    /// <summary>The mailbox is nearly full.</summary>
    Quota,
}

/// <summary>
/// A mail to a mailbox of ours that is still to be written: decided in the transaction of what it tells, and ended in the one that puts the
/// mail into the inbox, so that none is lost and none comes twice.
/// </summary>
public sealed class OwnerNotice
{
    public long Id { get; init; }

    public Guid MailboxId { get; init; }

    public OwnerNoticeKind Kind { get; init; }

    public DateTimeOffset At { get; init; }

    /// <summary>In which role it was done: <see cref="Role.Administrator"/>, <see cref="Role.Helpdesk"/> or <see cref="OperatorRole"/>; null where nobody else did it. No name: the audit shows it to whoever may see it.</summary>
    public string? By { get; init; }

    /// <summary>Octets held and allowed when it was decided; 0 for what is not about them.</summary>
    public long UsedBytes { get; init; }

    public long QuotaBytes { get; init; }

    /// <summary>The command line has no role.</summary>
    public const string OperatorRole = "Operator";
}

internal static class OwnerNotices
{
    /// <summary>Stages a notice for the account's mailboxes, in the caller's transaction; an account without one has nobody to tell.</summary>
    public static async Task TellAsync(this PortalDbContext db, Account account, OwnerNoticeKind kind, Actor? by, DateTimeOffset now, CancellationToken cancel)
    {
        var mailboxes = await db.Mailboxes.AsNoTracking().Where(m => m.AccountId == account.Id && m.State != MailboxState.Deleted).Select(m => m.Id).Take(10).ToListAsync(cancel);
        db.OwnerNotices.AddRange(mailboxes.Select(m => new OwnerNotice { MailboxId = m, Kind = kind, At = now, By = by is null ? null : RoleOf(by) }));
        db.Raise(Change.Work);
    }

    private static string RoleOf(Actor actor)
    {
        if (actor.Kind != ActorKind.Account) return OwnerNotice.OperatorRole;
        return actor.HeldRoles.Any(r => r.Role == Role.Administrator) ? nameof(Role.Administrator) : nameof(Role.Helpdesk);
    }
}

internal sealed class OwnerNoticeConfiguration : IEntityTypeConfiguration<OwnerNotice>
{
    public void Configure(EntityTypeBuilder<OwnerNotice> notice)
    {
        notice.Property(n => n.By).HasMaxLength(40);
        notice.HasIndex(n => n.MailboxId);
        notice.HasOne<Mailbox>().WithMany().HasForeignKey(n => n.MailboxId).OnDelete(DeleteBehavior.Cascade);
    }
}
