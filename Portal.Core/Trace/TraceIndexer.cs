using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Portal.Core.Data;

namespace Portal.Core.Trace;

/// <summary>
/// Writes the search terms of new traces, about a second behind them: in the transaction of the mail they would halve its rate
/// (DESIGN §8). Turns are small, and while mail waits at the gate they are rare.
/// </summary>
public sealed partial class TraceIndexer(IDbContextFactory<PortalDbContext> databases, WriteGate gate, TimeProvider clock, ILogger<TraceIndexer> logger) : BackgroundService
{
    /// <summary>Most terms a turn writes.</summary>
    internal const int MaxTermsInTurn = 500;

    private const int MaxTracesInTurn = 200;
    private const long AdvisoryLock = 0x5472616365;   // any constant of ours; "Trace"

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PauseWhenBusy = TimeSpan.FromMilliseconds(250);

    private bool wasWaitedFor;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await CatchUpAsync(stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                // The loop's one catch-all: search reads what has no terms yet, so a database that is away costs nothing but time.
                LogTurnFailed(logger, e);
            }
        }
    }

    /// <summary>Takes turns until nothing is left.</summary>
    internal async Task CatchUpAsync(CancellationToken cancel)
    {
        while (true)
        {
            var begun = clock.GetTimestamp();
            if (await TurnAsync(cancel) == 0) return;
            var mine = clock.GetElapsedTime(begun);
            // Mail goes first: when somebody waited while we wrote, the next turn comes later.
            await Task.Delay(wasWaitedFor ? PauseWhenBusy : mine, clock, cancel);
        }
    }

    /// <summary>One turn: the oldest traces without terms, as many as fit.</summary>
    /// <returns>How many terms and traces were written; 0 when there was nothing to do, or another node is at it.</returns>
    internal async Task<int> TurnAsync(CancellationToken cancel)
    {
        await using var db = await databases.CreateDbContextAsync(cancel);
        var (terms, finished) = await ReadAsync(db, cancel);
        if (terms.Count == 0 && finished.Count == 0) return 0;

        using var turn = await gate.EnterAsync(cancel);
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        if (!await IsAloneAsync(db, cancel)) return 0;
        await InsertAsync(db, terms, cancel);
        await db.Traces.Where(t => finished.Contains(t.QueueId)).ExecuteUpdateAsync(t => t.SetProperty(x => x.IsIndexed, true), cancel);
        await transaction.CommitAsync(cancel);
        wasWaitedFor = gate.HasWaiters;
        return terms.Count + finished.Count;
    }

    /// <summary>What the next turn has to write: terms, and the traces that are complete with them.</summary>
    private static async Task<(List<TraceTerm> Terms, List<Guid> Finished)> ReadAsync(PortalDbContext db, CancellationToken cancel)
    {
        var traces = await db.Traces.AsNoTracking().Where(t => !t.IsIndexed).OrderBy(t => t.QueueId).Take(MaxTracesInTurn).ToListAsync(cancel);
        var ids = traces.ConvertAll(t => t.QueueId);
        var recipients = (await db.TraceRecipients.AsNoTracking().Where(r => ids.Contains(r.QueueId)).Select(r => new { r.QueueId, r.Recipient }).ToListAsync(cancel)).ToLookup(r => r.QueueId, r => r.Recipient);
        List<TraceTerm> terms = [];
        List<Guid> finished = [];
        foreach (var trace in traces)
        {
            var wanted = TraceText.TermsOf(trace, recipients[trace.QueueId]);
            if (terms.Count + wanted.Count > MaxTermsInTurn)
            {
                // A message to very many takes turns of its own: what is there already is not written again.
                if (terms.Count == 0) return await PartOfAsync(db, trace.QueueId, wanted, cancel);
                break;
            }

            terms.AddRange(wanted.Select(term => new TraceTerm { Term = term, QueueId = trace.QueueId }));
            finished.Add(trace.QueueId);
        }

        return (terms, finished);
    }

    private static async Task<(List<TraceTerm> Terms, List<Guid> Finished)> PartOfAsync(PortalDbContext db, Guid queueId, IReadOnlySet<string> wanted, CancellationToken cancel)
    {
        var there = await db.TraceTerms.Where(t => t.QueueId == queueId).Select(t => t.Term).ToListAsync(cancel);
        var missing = wanted.Except(there).ToList();
        var part = missing.Take(MaxTermsInTurn).Select(term => new TraceTerm { Term = term, QueueId = queueId }).ToList();
        return (part, missing.Count <= MaxTermsInTurn ? [queueId] : []);
    }

    // One parameter, not one a value: SQLite finds each of them by its name, among all the others. A turn repeated after a kill meets its own rows.
    private static async Task InsertAsync(PortalDbContext db, List<TraceTerm> terms, CancellationToken cancel)
    {
        if (terms.Count == 0) return;
        if (!db.IsPostgres)
        {
            var rows = JsonSerializer.Serialize(terms.ConvertAll(t => new[] { t.Term, Convert.ToHexString(t.QueueId.ToByteArray(bigEndian: true)) }));   // as the model stores it
            await db.Database.ExecuteSqlAsync($"""INSERT INTO "TraceTerm" ("Term", "QueueId") SELECT value ->> 0, unhex(value ->> 1) FROM json_each({rows}) WHERE true ON CONFLICT DO NOTHING""", cancel);
        }
        else
        {
            var (texts, ids) = (terms.ConvertAll(t => t.Term), terms.ConvertAll(t => t.QueueId));
            await db.Database.ExecuteSqlAsync($"""INSERT INTO "TraceTerm" ("Term", "QueueId") SELECT * FROM unnest({texts}, {ids}) ON CONFLICT DO NOTHING""", cancel);
        }
    }

    /// <summary>On PostgreSQL one node at a time; the lock goes with the transaction.</summary>
    private static async Task<bool> IsAloneAsync(PortalDbContext db, CancellationToken cancel) =>
        !db.IsPostgres || await db.Database.SqlQuery<bool>($"""SELECT pg_try_advisory_xact_lock({AdvisoryLock}) AS "Value" """).SingleAsync(cancel);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Search terms of the trace could not be written; the next try follows in a second")]
    private static partial void LogTurnFailed(ILogger logger, Exception e);
}
