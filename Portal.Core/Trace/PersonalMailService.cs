using Microsoft.EntityFrameworkCore;
using Portal.Core.Addresses;
using Portal.Core.Data;
using Portal.Core.Permissions;

namespace Portal.Core.Trace;

/// <summary>One message to or from a mailbox, as helpdesk may know it: never its content, not even the subject.</summary>
/// <param name="IsIncoming">It was for the mailbox; false when its owner sent it.</param>
/// <param name="Others">Who sent it, or the first of those it went to, the worst outcome first; empty for a bounce, and where nobody was named.</param>
/// <param name="Outcome">Of the mailbox's own recipient, or of the worst other.</param>
/// <param name="Rule">What decided, a key of the Rules resource; null when nothing special did.</param>
/// <param name="Reply">The last reply of another server; null when there is none.</param>
public sealed record PersonalMail(Guid QueueId, DateTimeOffset At, bool IsIncoming, IReadOnlyList<string> Others, RecipientOutcome Outcome, string? Rule, string? Reply);

/// <summary>What became of a person's mail lately, for whoever helps them. It reads the trace without its content facts.</summary>
public sealed class PersonalMailService(IDbContextFactory<PortalDbContext> databases)
{
    /// <summary>Most messages told.</summary>
    public const int MaxLimit = 50;

    private const int OthersShown = 3;

    /// <summary>The last messages to or from a mailbox by any of its addresses, newest first.</summary>
    /// <param name="actor">Who asks; needs <see cref="Capability.ViewMailOutcomes"/> for the mailbox, and every capability its person holds.</param>
    /// <param name="mailboxId">Whose mail.</param>
    /// <param name="limit">Up to <see cref="MaxLimit"/>.</param>
    /// <param name="cancel">Stops the call.</param>
    /// <returns>The messages, <see cref="NotPermitted"/> or <see cref="NotFound"/>.</returns>
    public async Task<Outcome<IReadOnlyList<PersonalMail>>> RecentAsync(Actor actor, Guid mailboxId, int limit, CancellationToken cancel)
    {
        if (!actor.May(Capability.ViewMailOutcomes)) return new NotPermitted(Capability.ViewMailOutcomes);

        await using var db = await databases.CreateDbContextAsync(cancel);
        var owner = await db.Mailboxes.InScopeOf(actor, Capability.ViewMailOutcomes).Where(m => m.Id == mailboxId).Select(m => new { m.AccountId }).SingleOrDefaultAsync(cancel);
        if (owner is null) return new NotFound("Mailbox");
        if (!actor.Outranks(await db.RolesOfAsync(owner.AccountId, cancel))) return new NotPermitted(Capability.ViewMailOutcomes);   // rank-safe, DESIGN §6

        var own = await AddressesAsync(db, mailboxId, cancel);
        limit = Math.Clamp(limit, 1, MaxLimit);
        var ids = await NewestAsync(db, own, limit, cancel);
        var traces = await db.Traces.AsNoTracking().Where(t => ids.Contains(t.QueueId)).ToDictionaryAsync(t => t.QueueId, cancel);
        var recipients = (await db.TraceRecipients.AsNoTracking().Where(r => ids.Contains(r.QueueId)).Take(10_000).ToListAsync(cancel)).ToLookup(r => r.QueueId);
        return ids.Where(traces.ContainsKey).SelectMany(id => Told(traces[id], [.. recipients[id].OrderBy(r => r.Index)], own)).Take(limit).ToList();
    }

    /// <summary>Every address of the mailbox, folded: its names, in its domain and in those that stand for it.</summary>
    private static async Task<HashSet<string>> AddressesAsync(PortalDbContext db, Guid mailboxId, CancellationToken cancel)
    {
        var names = await (from a in db.Addresses.AsNoTracking()
                           where a.MailboxId == mailboxId && a.LocalPart != ""
                           from d in db.Domains
                           where d.Id == a.DomainId || d.AliasOfId == a.DomainId
                           select new { a.LocalPart, d.Name }).Take(1_000).ToListAsync(cancel);
        return [.. names.Select(n => FoldedOf($"{n.LocalPart}@{n.Name}")).OfType<string>()];
    }

    // The tail first: what is indexed between the two reads is then found twice, never not at all.
    private static async Task<List<Guid>> NewestAsync(PortalDbContext db, HashSet<string> own, int limit, CancellationToken cancel)
    {
        if (own.Count == 0) return [];
        var (search, query, everything) = (new TraceSearch([], [[.. own]]), new TraceQuery(), await TraceScope.OfAsync(db, Actor.System(), cancel));
        var tail = await TraceTail.SearchAsync(db, search, query, everything, limit, cancel);
        var indexed = await TraceSelection.Indexed(db, search, query, everything).Take(limit).ToListAsync(cancel);
        return [.. tail.QueueIds.Concat(indexed).Distinct().OrderDescending().Take(limit)];
    }

    /// <summary>One row for what the mailbox got, one for what it sent: a letter to oneself is both.</summary>
    private static IEnumerable<PersonalMail> Told(MessageTrace trace, List<TraceRecipient> recipients, HashSet<string> own)
    {
        if (recipients.Find(r => FoldedOf(r.Recipient) is { } address && own.Contains(address)) is { } mine)
            yield return new(trace.QueueId, trace.At, true, trace.ReversePath is { Length: > 0 } sender ? [sender] : [], mine.Outcome, mine.Rule ?? trace.Rule, null);

        if (FoldedOf(trace.ReversePath) is not { } from || !own.Contains(from)) yield break;
        var worst = recipients.OrderBy(r => TraceStates.RankOf(r.Outcome)).ThenBy(r => r.Index).ToList();
        var outcome = TraceStates.StateOf(trace, worst.Select(r => r.Outcome)) ?? RecipientOutcome.Queued;
        var reply = trace.Outcome == TraceOutcome.Accepted && worst.Count > 0 ? worst[0].Reply : null;
        yield return new(trace.QueueId, trace.At, false, [.. worst.Take(OthersShown).Select(r => r.Recipient)], outcome, trace.Rule ?? worst.FirstOrDefault()?.Rule, reply);
    }

    private static string? FoldedOf(string? text) => MailAddress.TryParse(text, out var address) ? address.Folded : null;
}
