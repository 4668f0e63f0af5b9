using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;
using Portal.Core.Mailboxes;
using Portal.Core.Messages;
using Portal.Core.Permissions;
using Portal.Core.Queue;

namespace Portal.Core.Reports;

/// <summary>The figures of the Overview page. Flow, queue and storage are of the whole system and shown to whoever sees all of it.</summary>
public sealed class OverviewService(IDbContextFactory<PortalDbContext> databases, FlowCounter flows, FirstMail first, DiskSpace disk, TimeProvider clock)
{
    private const int CausesShown = 4;
    private const int HoursShown = 24;

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

    private async Task<FlowFigures> FlowAsync(PortalDbContext db, DateTimeOffset now, CancellationToken cancel)
    {
        var beyond = now.AddDays(1);   // a clock that goes ahead
        var running = now - TimeSpan.FromTicks(now.UtcTicks % TimeSpan.TicksPerHour);
        var begins = Enumerable.Range(0, HoursShown).Select(i => running.AddHours(i - HoursShown + 1)).ToList();
        TimeRange[] spans =
        [
            new(now.AddHours(-1), beyond), new(now.AddHours(-2), now.AddHours(-1)), new(now.AddDays(-1), now.AddHours(-2)), new(now.AddDays(-2), now.AddDays(-1)),
            .. begins.Select(at => new TimeRange(at, at == running ? beyond : at.AddHours(1))),
        ];
        var counted = await flows.CountAsync(db, now, spans, cancel);
        var day = counted[0] + counted[1] + counted[2];
        return new FlowFigures(
            counted[0].Flow, counted[1].Flow, day.Flow, counted[3].Flow,
            [.. begins.Zip(counted.Skip(4), (at, counts) => new FlowHour(at, counts.Flow))],
            [.. day.Rules.OrderByDescending(r => r.Value).ThenBy(r => r.Key, StringComparer.Ordinal).Take(CausesShown).Select(r => (r.Key, r.Value))]);
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

    private async Task<StartFigures> StartAsync(PortalDbContext db, CancellationToken cancel)
    {
        var domain = await db.Domains.AsNoTracking().Where(d => d.AliasOfId == null).OrderBy(d => d.CreatedAt).Select(d => new { d.Id, d.Name }).FirstOrDefaultAsync(cancel);
        var (hasCome, hasSent) = await first.LookAsync(db, cancel);
        return new StartFigures(
            await db.Mailboxes.Where(m => m.State != MailboxState.Deleted).Take(2).CountAsync(cancel) > 1,
            hasCome, hasSent,
            domain?.Name, domain?.Id);
    }
}
