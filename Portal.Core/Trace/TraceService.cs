using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;
using Portal.Core.Permissions;

namespace Portal.Core.Trace;

/// <summary>What was decided about every message, refusals too.</summary>
public sealed class TraceService(IDbContextFactory<PortalDbContext> databases, TraceWriter refusals)
{
    /// <summary>Lists are counted exactly up to here.</summary>
    public const int CountLimit = Paging.CountLimit;

    /// <summary>Traces, newest first. Reads the search terms and, for what has none yet, the traces themselves.</summary>
    /// <param name="actor">Who asks; needs <see cref="Capability.ViewTrace"/>. Whose role is scoped to domains sees what those domains sent or got.</param>
    /// <param name="query">What to look for.</param>
    /// <param name="cancel">Stops the call.</param>
    /// <returns>A page, <see cref="NotPermitted"/>, or <see cref="Invalid"/> ("TraceTextNotUnderstood") when a word of the text is nothing that can be looked up.</returns>
    public async Task<Outcome<TracePage>> SearchAsync(Actor actor, TraceQuery query, CancellationToken cancel)
    {
        if (!actor.May(Capability.ViewTrace)) return new NotPermitted(Capability.ViewTrace);
        if (TraceText.Read(query.Text) is not { } search) return new Invalid("TraceTextNotUnderstood") { Field = "Text" };

        await using var db = await databases.CreateDbContextAsync(cancel);
        var scope = await TraceScope.OfAsync(db, actor, cancel);
        var limit = Math.Clamp(query.Limit, 1, TraceQuery.MaxLimit);
        // The tail first: what is indexed between the two reads is then found twice, never not at all.
        var tail = await TraceTail.SearchAsync(db, search, query, scope, limit + 1, cancel);
        var indexed = await TraceSelection.Indexed(db, search, query, scope).Take(limit + 1).ToListAsync(cancel);
        var ids = indexed.Concat(tail.QueueIds).Distinct().OrderDescending().Take(limit + 1).ToList();
        var rows = await RowsAsync(db, [.. ids.Take(limit)], scope, cancel);
        return new TracePage(rows, ids.Count > limit ? ids[limit - 1] : null, tail.IsPartial, refusals.Dropped);
    }

    /// <summary>How many traces match, counted up to <see cref="CountLimit"/>; the answer <see cref="CountLimit"/> + 1 means more.</summary>
    /// <returns>A number, or what <see cref="SearchAsync"/> refuses.</returns>
    public async Task<Outcome<int>> CountAsync(Actor actor, TraceQuery query, CancellationToken cancel)
    {
        if (!actor.May(Capability.ViewTrace)) return new NotPermitted(Capability.ViewTrace);
        if (TraceText.Read(query.Text) is not { } search) return new Invalid("TraceTextNotUnderstood") { Field = "Text" };

        await using var db = await databases.CreateDbContextAsync(cancel);
        var scope = await TraceScope.OfAsync(db, actor, cancel);
        var whole = query with { Before = null };
        var tail = await TraceTail.SearchAsync(db, search, whole, scope, CountLimit, cancel);
        var indexed = await TraceSelection.Indexed(db, search, whole, scope).Take(CountLimit + 1).CountAsync(cancel);
        return Math.Min(indexed + tail.QueueIds.Count, CountLimit + 1);
    }

    /// <summary>Everything about one message. Content facts (subject, author) only with <see cref="Capability.ViewContentFacts"/>; their column is not read otherwise.</summary>
    /// <param name="actor">Who asks; needs <see cref="Capability.ViewTrace"/>.</param>
    /// <param name="queueId">The message.</param>
    /// <param name="cancel">Stops the call.</param>
    /// <returns>The message, <see cref="NotPermitted"/> or <see cref="NotFound"/>, which is also what lies outside the actor's scope.</returns>
    public async Task<Outcome<TraceDetail>> GetAsync(Actor actor, Guid queueId, CancellationToken cancel)
    {
        if (!actor.May(Capability.ViewTrace)) return new NotPermitted(Capability.ViewTrace);

        await using var db = await databases.CreateDbContextAsync(cancel);
        var scope = await TraceScope.OfAsync(db, actor, cancel);
        var trace = await db.Traces.AsNoTracking().SingleOrDefaultAsync(t => t.QueueId == queueId, cancel);
        if (trace is null) return new NotFound("Trace");
        var recipients = scope.Of(db.TraceRecipients.AsNoTracking().Where(r => r.QueueId == queueId), trace);
        var outcomes = await recipients.GroupBy(r => r.Outcome).Select(g => new { g.Key, Count = g.Count() }).ToDictionaryAsync(g => g.Key, g => g.Count, cancel);
        if (!scope.Sees(trace, outcomes.Count)) return new NotFound("Trace");
        TraceRecipient? worst = null;
        if (outcomes.Count > 0)
        {
            var state = outcomes.Keys.MinBy(TraceStates.RankOf);
            worst = await recipients.Where(r => r.Outcome == state).OrderBy(r => r.Index).FirstOrDefaultAsync(cancel);
        }

        var account = trace.AccountId is { } id ? await db.Accounts.AsNoTracking().Where(a => a.Id == id).Select(a => a.UserName).SingleOrDefaultAsync(cancel) : null;
        var steps = await StepsAsync(db, queueId, actor.May(Capability.ViewContentFacts), cancel);
        return scope.Cut(new TraceDetail(trace, account, outcomes, worst, steps));
    }

    /// <summary>Recipients of one message, in envelope order; all of them, or those of one address.</summary>
    /// <param name="actor">Who asks; needs <see cref="Capability.ViewTrace"/>.</param>
    /// <param name="queueId">The message.</param>
    /// <param name="recipient">A folded address; null for all.</param>
    /// <param name="skip">Recipients before the page.</param>
    /// <param name="take">Recipients on the page, at most <see cref="Paging.MaxTake"/>.</param>
    /// <returns>A page, <see cref="NotPermitted"/> or <see cref="NotFound"/>.</returns>
    public async Task<Outcome<Page<TraceRecipient>>> RecipientsAsync(Actor actor, Guid queueId, string? recipient, int skip, int take, CancellationToken cancel)
    {
        if (!actor.May(Capability.ViewTrace)) return new NotPermitted(Capability.ViewTrace);

        await using var db = await databases.CreateDbContextAsync(cancel);
        var scope = await TraceScope.OfAsync(db, actor, cancel);
        if (await db.Traces.AsNoTracking().SingleOrDefaultAsync(t => t.QueueId == queueId, cancel) is not { } trace) return new NotFound("Trace");
        var recipients = scope.Of(db.TraceRecipients.AsNoTracking().Where(r => r.QueueId == queueId), trace);
        if (recipient is not null) recipients = recipients.Where(r => r.Recipient == recipient);
        var page = await recipients.ToPageAsync(recipients.OrderBy(r => r.Index), skip, take, cancel);
        return recipient is not null || scope.Sees(trace, page.Total) ? page : new NotFound("Trace");
    }

    private static async Task<List<TraceStep>> StepsAsync(PortalDbContext db, Guid queueId, bool withContentFacts, CancellationToken cancel)
    {
        var events = db.TraceEvents.AsNoTracking().Where(e => e.QueueId == queueId).OrderBy(e => e.Id).Take(1000);
        // Two queries and not one with a condition: the column must not leave the database without the capability (DESIGN §8).
        var rows = withContentFacts
            ? await events.Select(e => new { e.Id, e.At, e.Kind, e.Facts, e.ContentFacts }).ToListAsync(cancel)
            : await events.Select(e => new { e.Id, e.At, e.Kind, e.Facts, ContentFacts = (string?)null }).ToListAsync(cancel);
        return rows.ConvertAll(e => new TraceStep(e.Id, e.At, e.Kind, TraceFacts.Read(e.Facts), TraceFacts.ReadContent(e.ContentFacts)));
    }

    private static async Task<List<TraceRow>> RowsAsync(PortalDbContext db, List<Guid> ids, TraceScope scope, CancellationToken cancel)
    {
        if (ids.Count == 0) return [];
        var traces = await db.Traces.AsNoTracking().Where(t => ids.Contains(t.QueueId)).ToDictionaryAsync(t => t.QueueId, cancel);
        var recipients = await FirstRecipientsAsync(db, ids, cancel);
        var counts = await db.TraceRecipients.Where(r => ids.Contains(r.QueueId)).GroupBy(r => r.QueueId).Select(g => new { g.Key, Count = g.Count() }).ToDictionaryAsync(g => g.Key, g => g.Count, cancel);
        // A week that was dropped between the two reads leaves ids without rows.
        return [.. ids.Where(traces.ContainsKey).Select(id => scope.Cut(traces[id], recipients[id], counts.GetValueOrDefault(id)))];
    }

    /// <summary>A few recipients of each message: the first of the envelope and, before them, those that ask for attention.</summary>
    private static async Task<ILookup<Guid, TraceRecipient>> FirstRecipientsAsync(PortalDbContext db, List<Guid> ids, CancellationToken cancel)
    {
        var first = await db.TraceRecipients.AsNoTracking().Where(r => ids.Contains(r.QueueId) && r.Index < 20).ToListAsync(cancel);
        var worst = await db.TraceRecipients.AsNoTracking()
            .Where(r => ids.Contains(r.QueueId) && r.Index >= 20 && r.Outcome != RecipientOutcome.Delivered && r.Outcome != RecipientOutcome.Relayed)
            .OrderBy(r => r.QueueId).ThenBy(r => r.Index).Take(1000).ToListAsync(cancel);
        return first.Concat(worst).OrderBy(r => TraceStates.RankOf(r.Outcome)).ThenBy(r => r.Index).ToLookup(r => r.QueueId);
    }
}
