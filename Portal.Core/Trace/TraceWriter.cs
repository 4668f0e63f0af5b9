using System.Threading.Channels;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Portal.Core.Addresses;
using Portal.Core.Data;

namespace Portal.Core.Trace;

/// <summary>
/// Writes what was refused and left no message behind: through a bounded buffer every 250 ms. Past 50 a minute from one network
/// refusals are counted in one row of their own (<see cref="CountedRule"/>); what the buffer can't take is counted as dropped, never silent.
/// </summary>
public sealed partial class TraceWriter(IDbContextFactory<PortalDbContext> databases, WriteGate gate, ChangeFeed feed, TimeProvider clock, ILogger<TraceWriter> logger) : BackgroundService
{
    /// <summary>Rule of the row that counts what is no longer written one by one.</summary>
    public const string CountedRule = "refused.counted";

    private const int BufferRows = 10_000;
    private const int RowsPerNetworkAndMinute = 50;
    private const int MaxNetworks = 10_000;
    private const int BatchRows = 500;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    private readonly Channel<Refused> buffer = Channel.CreateBounded<Refused>(new BoundedChannelOptions(BufferRows) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
    private readonly Dictionary<string, Window> windows = [];
    private long dropped;

    /// <summary>Refusals that could not be written since the start.</summary>
    public long Dropped => Interlocked.Read(ref dropped);

    /// <summary>Takes a refusal to be written soon. Never blocks, never throws.</summary>
    public void Record(MessageTrace trace, TraceEvent? traceEvent = null, IReadOnlyList<TraceRecipient>? recipients = null)
    {
        if (!buffer.Writer.TryWrite(new(trace, traceEvent, recipients ?? []))) Interlocked.Increment(ref dropped);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken)) await FlushAsync();
        }
        catch (OperationCanceledException)
        {
            // the host stops
        }

        await FlushAsync();
    }

    /// <summary>Writes all that waits now.</summary>
    internal async Task FlushAsync()
    {
        var batch = new List<Refused>();
        while (true)
        {
            batch.Clear();
            while (batch.Count < BatchRows && buffer.Reader.TryRead(out var next)) batch.Add(next);
            if (batch.Count == 0 && !windows.Values.Any(w => w.Uncounted > 0)) return;
            try
            {
                await WriteAsync(batch);
            }
            catch (Exception e)
            {
                // The one catch-all of this loop: a refusal lost from the trace is counted; mail goes on.
                Interlocked.Add(ref dropped, batch.Count);
                LogFailed(logger, batch.Count, e);
                return;
            }
        }
    }

    private async Task WriteAsync(List<Refused> batch)
    {
        var single = batch.Select(Written).OfType<Refused>().ToList();
        using var turn = await gate.EnterAsync(CancellationToken.None);
        await using var db = await databases.CreateDbContextAsync();
        try
        {
            await InsertAsync(db, single);
        }
        catch (DbUpdateException e) when (single.Count > 1)
        {
            LogFailed(logger, single.Count, e);   // one by one: only the culprit stays out
            foreach (var refused in single) await InsertAloneAsync(refused);
        }

        foreach (var window in windows.Values.Where(w => w is { Uncounted: > 0, CountingRow: not null }))
        {
            var more = window.Uncounted;
            var counted = await db.Traces.Where(t => t.QueueId == window.CountingRow).ExecuteUpdateAsync(t => t.SetProperty(x => x.Count, x => x.Count + more));
            window.Uncounted = 0;
            if (counted > 0) continue;
            Interlocked.Add(ref dropped, more);   // the row that should count them was never written
            window.CountingRow = null;
        }

        feed.Publish(Change.Trace);
    }

    private static Task<int> InsertAsync(PortalDbContext db, List<Refused> rows)
    {
        foreach (var (trace, traceEvent, recipients) in rows)
        {
            db.Traces.Add(trace);
            if (traceEvent is not null) db.TraceEvents.Add(traceEvent);
            db.TraceRecipients.AddRange(recipients);
        }

        return db.SaveChangesAsync();
    }

    private async Task InsertAloneAsync(Refused refused)
    {
        try
        {
            await using var db = await databases.CreateDbContextAsync();
            await InsertAsync(db, [refused]);
        }
        catch (DbUpdateException e)
        {
            Interlocked.Increment(ref dropped);
            LogFailed(logger, 1, e);
        }
    }

    /// <summary>Fifty a minute and network are written as they are; in place of the one after them a row that counts, which the rest only raise: null.</summary>
    private Refused? Written(Refused refused)
    {
        var now = clock.GetUtcNow();
        var network = refused.Trace.ClientAddress is { } address ? Networks.Of(address) : "";
        if (windows.Count > MaxNetworks)
            foreach (var old in windows.Where(w => now - w.Value.Began > TimeSpan.FromMinutes(1) && w.Value.Uncounted == 0).Select(w => w.Key).ToList())
                windows.Remove(old);
        if (!windows.TryGetValue(network, out var window) || now - window.Began > TimeSpan.FromMinutes(1)) windows[network] = window = new(now);
        if (++window.Rows <= RowsPerNetworkAndMinute) return refused;
        if (window.CountingRow is not null)
        {
            window.Uncounted++;
            return null;
        }

        var one = refused.Trace;
        window.CountingRow = one.QueueId;
        // It stands for senders, recipients and reasons of all kinds: those of the first would mislead.
        return new(new MessageTrace { QueueId = one.QueueId, At = one.At, Source = one.Source, ClientAddress = one.ClientAddress, Outcome = TraceOutcome.Refused, Rule = CountedRule }, null, []);
    }

    private sealed record Refused(MessageTrace Trace, TraceEvent? Event, IReadOnlyList<TraceRecipient> Recipients);

    private sealed class Window(DateTimeOffset began)
    {
        public DateTimeOffset Began { get; } = began;

        public int Rows { get; set; }

        public Guid? CountingRow { get; set; }

        public int Uncounted { get; set; }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Count} refusals could not be written to the trace")]
    private static partial void LogFailed(ILogger logger, int count, Exception exception);
}
