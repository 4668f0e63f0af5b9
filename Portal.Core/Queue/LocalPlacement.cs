using Microsoft.EntityFrameworkCore;
using Portal.Core.Addresses;
using Portal.Core.Data;
using Portal.Core.Messages;
using Portal.Core.Recipients;
using Portal.Core.Trace;

namespace Portal.Core.Queue;

/// <summary>A target outside that an address of ours stands for.</summary>
/// <param name="ForwardPath">Whom; domain in A-label form.</param>
/// <param name="RouteKey">What its entry waits under.</param>
public readonly record struct RelayTarget(string ForwardPath, string RouteKey);

/// <summary>What a queued address of ours comes to, or a piece of it: a copy of the stored message for each mailbox, an entry for each target outside.</summary>
/// <param name="Mailboxes">Who gets a copy; one that has the message already gets no second.</param>
/// <param name="Relays">Who gets an entry; a target the message goes to already gets no second.</param>
/// <param name="RelayNotify">What those are asked to report.</param>
/// <param name="IsExpansion">Whether the address stands for anything but one mailbox.</param>
public sealed record LocalPlacement(IReadOnlyList<Guid> Mailboxes, IReadOnlyList<RelayTarget> Relays, DsnNotify RelayNotify, bool IsExpansion)
{
    /// <summary>Whether any of the address's mailboxes is here, served with this piece or before it.</summary>
    public bool ReachesMailboxes { get; init; }

    /// <summary>False when one of the mailboxes is no more: what was resolved is old, and has to be again.</summary>
    internal async Task<bool> StandsAsync(PortalDbContext db, CancellationToken cancel) =>
        Mailboxes.Count == 0 || await db.MailboxUses.AsNoTracking().CountAsync(u => Mailboxes.Contains(u.MailboxId), cancel) == Mailboxes.Distinct().Count();

    /// <summary>The copies, to be placed with whatever else the transaction places.</summary>
    internal async Task<IReadOnlyList<StoredCopy>> CopiesAsync(PortalDbContext db, QueueEntry entry, CancellationToken cancel)
    {
        if (Mailboxes.Count == 0) return [];
        var message = await db.Messages.AsNoTracking().Where(m => m.Id == entry.MessageId).Select(m => new { m.SizeBytes, m.ReceivedAt }).SingleAsync(cancel);
        return [.. Mailboxes.Select(m => new StoredCopy(m, entry.MessageId, message.SizeBytes, message.ReceivedAt) { Folder = entry.IsJunk ? SpecialUse.Junk : SpecialUse.Inbox })];
    }

    /// <summary>Queues the targets outside, in the caller's transaction. Two who add to one message at once meet on the trace's key, and the loser runs again.</summary>
    internal async Task QueueRelaysAsync(PortalDbContext db, QueueEntry entry, DateTimeOffset at, CancellationToken cancel)
    {
        if (Relays.Count == 0) return;
        var known = await KnownAsync(db, entry.QueueId, cancel);
        var index = await db.TraceRecipients.Where(r => r.QueueId == entry.QueueId).MaxAsync(r => (int?)r.Index, cancel) ?? -1;
        foreach (var relay in Relays)
        {
            var folded = MailAddress.Parse(relay.ForwardPath).Folded;
            if (!known.Add(folded)) continue;
            db.QueueEntries.Add(EntryOf(entry, relay, at));
            db.TraceRecipients.Add(new TraceRecipient { QueueId = entry.QueueId, Index = ++index, Recipient = folded, Outcome = RecipientOutcome.Queued, Rule = RecipientRules.Forwarded, UpdatedAt = at });
        }

        await db.SaveChangesAsync(cancel);
        await db.Traces.Where(t => t.QueueId == entry.QueueId).ExecuteUpdateAsync(t => t.SetProperty(x => x.IsIndexed, false), cancel);   // the search has new terms to learn
    }

    /// <summary>Folded addresses the message goes to or went to; who was refused at RCPT is not among them.</summary>
    internal static async Task<HashSet<string>> KnownAsync(PortalDbContext db, Guid queueId, CancellationToken cancel) =>
        [.. await db.TraceRecipients.AsNoTracking()
            .Where(r => r.QueueId == queueId && r.Outcome != RecipientOutcome.Refused && (r.Outcome != RecipientOutcome.Deferred || r.Rule!.StartsWith("attempt.")))
            .Select(r => r.Recipient).ToListAsync(cancel)];   // at most 1,000 and what they forward to

    private QueueEntry EntryOf(QueueEntry entry, RelayTarget relay, DateTimeOffset at) => new()
    {
        MessageId = entry.MessageId,
        QueueId = entry.QueueId,
        Kind = QueueKind.Relay,
        ReversePath = entry.ReversePath,
        ForwardPath = relay.ForwardPath,
        RouteKey = relay.RouteKey,
        State = QueueState.Due,
        CreatedAt = entry.CreatedAt,
        NextAttemptAt = at,
        ExpiresAt = entry.ExpiresAt,
        SizeBytes = entry.SizeBytes,
        AccountId = entry.AccountId,
        Notify = RelayNotify,
        Return = entry.Return,
        EnvelopeId = entry.EnvelopeId,
        OriginalRecipient = entry.OriginalRecipient,
        ForwardedBy = MailAddress.Parse(entry.ForwardPath).Folded,
        IsDemo = entry.IsDemo,
    };
}
