using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Portal.Core.Data;

namespace Portal.Core.Lists;

/// <summary>The lists as the engine asks them: all entries in memory, right within a second of a change on every node; who decided is counted every few seconds.</summary>
public sealed partial class SenderLists(IDbContextFactory<PortalDbContext> databases, WriteGate gate, ChangeFeed feed, TimeProvider clock, ILogger<SenderLists> logger) : BackgroundService
{
    private const int RowsATurn = 100;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);
    private readonly ChangeFedCache<int, ListTable> table = new(feed, clock, Change.Lists, 1);
    private readonly ConcurrentDictionary<Guid, Hits> hits = new();
    private readonly SemaphoreSlim reading = new(1);

    /// <summary>Whether there is nothing to ask for: then nobody need look at a sender.</summary>
    public async ValueTask<bool> AreEmptyAsync(CancellationToken cancel) => (await TableAsync(cancel)).Entries.Count == 0;

    /// <summary>What the lists say of mail from a sender to somebody of ours; null when they say nothing. It is not counted.</summary>
    /// <param name="domainId">The recipient's domain; null where there is none.</param>
    public async ValueTask<ListAnswer?> FindAsync(SenderFacts sender, Guid? domainId, CancellationToken cancel) =>
        (await TableAsync(cancel)).Find(sender, domainId, clock.GetUtcNow());

    /// <summary>The same where only the envelope is known: null also where an entry on the From field could still come first.</summary>
    public async ValueTask<ListAnswer?> FindRefusalAsync(SenderFacts envelope, Guid? domainId, CancellationToken cancel)
    {
        var entries = await TableAsync(cancel);
        var now = clock.GetUtcNow();
        return entries.Find(envelope, domainId, now) is { Decisive.Kind: ListKind.Refuse } answer && !entries.CouldGiveWay(answer.Decisive, domainId, now) ? answer : null;
    }

    /// <summary>Counts a decision. Never blocks; what a kill loses is a few seconds of a figure.</summary>
    public void Count(ListedSender entry)
    {
        var now = clock.GetUtcNow();
        hits.AddOrUpdate(entry.Id, _ => new(1, now), (_, before) => new(before.Count + 1, now));
    }

    internal ValueTask<ListTable> TableAsync(CancellationToken cancel) => table.TryGet(0, out var fresh) ? new(fresh) : new(ReadAsync(cancel));

    /// <summary>One reads, whoever else asks waits for it: there may be 20,000.</summary>
    private async Task<ListTable> ReadAsync(CancellationToken cancel)
    {
        await reading.WaitAsync(cancel);
        try
        {
            return (await table.GetAsync(0, async (_, stop) => await LoadAsync(stop), cancel))!;
        }
        finally
        {
            reading.Release();
        }
    }

    /// <summary>Writes what was counted.</summary>
    internal async Task FlushAsync(CancellationToken cancel)
    {
        foreach (var ids in hits.Keys.Chunk(RowsATurn))
        {
            var counted = ids.Select(id => (Id: id, Hits: hits.TryRemove(id, out var taken) ? taken : null)).Where(c => c.Hits is not null).ToList();
            try
            {
                using var turn = await gate.EnterAsync(cancel);
                await using var db = await databases.CreateDbContextAsync(cancel);
                await using var transaction = await db.Database.BeginTransactionAsync(cancel);
                foreach (var (id, more) in counted.OrderBy(c => c.Id))   // several nodes count: in one order, so that none waits for the other
                {
                    await db.ListHits.Where(h => h.EntryId == id)
                        .ExecuteUpdateAsync(h => h.SetProperty(x => x.Count, x => x.Count + more!.Count).SetProperty(x => x.LastAt, more!.LastAt), cancel);
                }

                await transaction.CommitAsync(cancel);
            }
            catch
            {
                foreach (var (id, more) in counted) hits.AddOrUpdate(id, _ => more!, (_, since) => new(since.Count + more!.Count, since.LastAt));
                throw;
            }
        }
    }

    public override void Dispose()
    {
        reading.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken)) await TryFlushAsync();
        }
        catch (OperationCanceledException)
        {
            // the host stops
        }

        await TryFlushAsync();
    }

    private async Task TryFlushAsync()
    {
        try
        {
            await FlushAsync(CancellationToken.None);
        }
        catch (Exception e)
        {
            LogFailed(logger, e);   // the catch-all of this loop: the counts are kept for the next round
        }
    }

    private async Task<ListTable> LoadAsync(CancellationToken cancel)
    {
        await using var db = await databases.CreateDbContextAsync(cancel);
        var entries = await db.ListEntries.AsNoTracking().OrderBy(e => e.Id).Take(ListService.MaxEntries)
            .Select(e => new ListedSender(e.Id, e.Kind, e.Match, e.Pattern, e.DomainId, e.ExpiresAt) { Domain = db.Domains.Where(d => d.Id == e.DomainId).Select(d => d.Name).FirstOrDefault() })
            .ToListAsync(cancel);
        return entries.Count == 0 ? ListTable.Empty : new ListTable(entries);
    }

    private sealed record Hits(long Count, DateTimeOffset LastAt);

    [LoggerMessage(Level = LogLevel.Warning, Message = "How often list entries decided could not be written; trying again")]
    private static partial void LogFailed(ILogger logger, Exception error);
}
