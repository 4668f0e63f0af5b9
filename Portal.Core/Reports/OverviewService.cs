using System.Net;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Addresses;
using Portal.Core.Data;
using Portal.Core.Mailboxes;
using Portal.Core.Messages;
using Portal.Core.Permissions;
using Portal.Core.Queue;
using Portal.Core.Trace;

namespace Portal.Core.Reports;

/// <summary>The figures of the Overview page. Flow, queue and storage are of the whole system and shown to whoever sees all of it.</summary>
public sealed class OverviewService(IDbContextFactory<PortalDbContext> databases, DiskSpace disk, TimeProvider clock)
{
    private const int CausesShown = 4;
    private const int TracesLookedAt = 10_000;

    /// <summary>The figures now.</summary>
    /// <param name="actor">Needs one of <see cref="Capability.ManageDomains"/>, <see cref="Capability.ManageMailboxes"/>, <see cref="Capability.ViewQueue"/>.</param>
    public async Task<Outcome<OverviewFigures>> GetAsync(Actor actor, CancellationToken cancel)
    {
        if (!actor.May(Capability.ManageDomains) && !actor.May(Capability.ManageMailboxes) && !actor.May(Capability.ViewQueue)) return new NotPermitted(Capability.ManageDomains);

        var now = clock.GetUtcNow();
        await using var db = await databases.CreateDbContextAsync(cancel);
        return new OverviewFigures(
            actor.MayEverywhere(Capability.ViewTrace) ? await FlowAsync(db, now, cancel) : null,
            actor.MayEverywhere(Capability.ViewQueue) ? await QueueAsync(db, cancel) : null,
            actor.MayEverywhere(Capability.ManageMailboxes) ? await StorageAsync(db, cancel) : null,
            actor.MayEverywhere(Capability.ManageDomains) ? await StartAsync(db, cancel) : null,
            now);
    }

    private static async Task<FlowFigures> FlowAsync(PortalDbContext db, DateTimeOffset now, CancellationToken cancel)
    {
        var hour = await CountAsync(db, now.AddHours(-1), now.AddDays(1), cancel);
        var hourBefore = await CountAsync(db, now.AddHours(-2), now.AddHours(-1), cancel);
        var rest = await CountAsync(db, now.AddDays(-1), now.AddHours(-2), cancel);
        var dayBefore = await CountAsync(db, now.AddDays(-2), now.AddDays(-1), cancel);
        var from = TraceIds.LowestAt(now.AddDays(-1));
        var outcomes = await db.TraceRecipients.Where(r => r.QueueId >= from).GroupBy(r => r.Outcome).Select(g => new { g.Key, Count = g.LongCount() }).ToDictionaryAsync(g => g.Key, g => g.Count, cancel);
        return new FlowFigures(
            hour, hourBefore, hour + hourBefore + rest, dayBefore,
            outcomes.GetValueOrDefault(RecipientOutcome.Relayed),
            outcomes.GetValueOrDefault(RecipientOutcome.Failed) + outcomes.GetValueOrDefault(RecipientOutcome.Expired),
            await CausesAsync(db, from, cancel));
    }

    private static async Task<IReadOnlyList<(string Rule, long Count)>> CausesAsync(PortalDbContext db, Guid from, CancellationToken cancel)
    {
        var rules = await db.Traces.Where(TraceStates.OfTrace(TraceFilter.Refused)!)
            .Where(t => t.QueueId >= from && t.Rule != null)
            .GroupBy(t => t.Rule!)
            .Select(g => new { Rule = g.Key, Count = g.Sum(t => (long)t.Count) })
            .OrderByDescending(g => g.Count).ThenBy(g => g.Rule).Take(CausesShown)
            .ToListAsync(cancel);
        return [.. rules.Select(r => (r.Rule, r.Count))];
    }

    // A range of time is a range of queue ids: the key itself answers.
    private static async Task<Flow> CountAsync(PortalDbContext db, DateTimeOffset from, DateTimeOffset until, CancellationToken cancel)
    {
        var (lowest, beyond) = (TraceIds.LowestAt(from), TraceIds.LowestAt(until));
        var groups = await db.Traces
            .Where(t => t.QueueId >= lowest && t.QueueId < beyond)
            .GroupBy(t => new { t.Source, t.Outcome })
            .Select(g => new { g.Key.Source, g.Key.Outcome, Count = g.Sum(t => (long)t.Count) })
            .ToListAsync(cancel);
        return new Flow(
            groups.Where(g => g is { Source: TraceSource.Mx, Outcome: TraceOutcome.Accepted }).Sum(g => g.Count),
            groups.Where(g => g is { Source: TraceSource.Submission or TraceSource.Portal, Outcome: TraceOutcome.Accepted }).Sum(g => g.Count),
            groups.Where(g => g.Outcome == TraceOutcome.Refused).Sum(g => g.Count),
            groups.Where(g => g.Outcome == TraceOutcome.Deferred).Sum(g => g.Count));
    }

    private static async Task<QueueFigures> QueueAsync(PortalDbContext db, CancellationToken cancel)
    {
        var groups = await db.QueueEntries
            .GroupBy(e => new { e.Cause, e.State })
            .Select(g => new { g.Key.Cause, g.Key.State, Count = g.Count(), Oldest = g.Min(e => e.CreatedAt) })
            .ToListAsync(cancel);
        var causes = groups.GroupBy(g => g.Cause).Select(g => (g.Key, Count: g.Sum(x => x.Count))).OrderByDescending(g => g.Count).ToList();
        return new QueueFigures(causes, groups.Sum(g => g.Count), groups.Where(g => g.State == QueueState.Held).Sum(g => g.Count), groups.Count == 0 ? null : groups.Min(g => g.Oldest));
    }

    private async Task<StorageFigures> StorageAsync(PortalDbContext db, CancellationToken cancel)
    {
        var mailboxes = await db.Mailboxes.CountAsync(m => m.State != MailboxState.Deleted, cancel);
        var used = await db.MailboxUses.SumAsync(u => u.Bytes, cancel);
        var nearlyFull = await MailboxQueries.Matching(db, Actor.System(), new MailboxQuery { NearlyFull = true }).CountAsync(cancel);
        return new StorageFigures(mailboxes, used, nearlyFull, disk.FreeBytes, disk.IsLow);
    }

    private static async Task<StartFigures> StartAsync(PortalDbContext db, CancellationToken cancel)
    {
        var domain = await db.Domains.AsNoTracking().Where(d => d.AliasOfId == null).OrderBy(d => d.CreatedAt).Select(d => new { d.Id, d.Name }).FirstOrDefaultAsync(cancel);
        return new StartFigures(
            await db.Mailboxes.Where(m => m.State != MailboxState.Deleted).Take(2).CountAsync(cancel) > 1,
            await HasMailFromOutsideAsync(FirstAndLast(db), cancel),
            await HasOwnMailAsync(FirstAndLast(db), cancel),
            domain?.Name, domain?.Id);
    }

    // The first and the last traces only: no index says who sent, and where nobody has, all of a million would be read each time the page is opened.
    private static IReadOnlyList<IQueryable<MessageTrace>> FirstAndLast(PortalDbContext db) =>
        [db.Traces.AsNoTracking().OrderBy(t => t.QueueId).Take(TracesLookedAt), db.Traces.AsNoTracking().OrderByDescending(t => t.QueueId).Take(TracesLookedAt)];

    // A scanner in the office says nothing about whether the world gets through.
    private static async Task<bool> HasMailFromOutsideAsync(IReadOnlyList<IQueryable<MessageTrace>> looked, CancellationToken cancel)
    {
        foreach (var traces in looked)
        {
            var clients = traces.Where(t => t.Source == TraceSource.Mx && t.Outcome == TraceOutcome.Accepted).Select(t => t.ClientAddress).AsAsyncEnumerable();
            await foreach (var client in clients.WithCancellation(cancel))
            {
                if (IPAddress.TryParse(client, out var address) && PublicNetworks.Contains(address)) return true;
            }
        }

        return false;
    }

    private static async Task<bool> HasOwnMailAsync(IReadOnlyList<IQueryable<MessageTrace>> looked, CancellationToken cancel)
    {
        foreach (var traces in looked)
        {
            if (await traces.AnyAsync(t => (t.Source == TraceSource.Submission || t.Source == TraceSource.Portal) && t.Outcome == TraceOutcome.Accepted, cancel)) return true;
        }

        return false;
    }
}
