using System.Collections.Concurrent;
using System.Data.Common;
using System.Threading.Channels;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Portal.Core.Data;

namespace Portal.Core.Messages;

/// <summary>
/// The only place that makes mail durable (DESIGN §3): whatever has gathered since the last commit goes into one transaction, and only
/// then is anybody told. A batch is closed before its commit begins, with what is there at that moment: it never waits for more, and
/// what arrives meanwhile is of a later one. So a message waits for those before it only, which are bounded in number, octets and age
/// (<see cref="MailWriterOptions"/>). A failed batch is run again message by message, so that only the culprit hears of it.
/// </summary>
public sealed partial class MailWriter(
    IDbContextFactory<PortalDbContext> databases, MailLanes lanes, WriteGate gate, ChangeFeed feed, DiskSpace disk, IOptions<MailWriterOptions> options, TimeProvider clock, ILogger<MailWriter> logger) : BackgroundService
{
    private const int TriesBeforeSetAside = 3;
    private readonly Channel<Waiting> waiting = Channel.CreateUnbounded<Waiting>(new() { SingleReader = true });
    private readonly ConcurrentDictionary<string, int> culprits = new();
    private readonly FolderIds folderIds = new(databases);
    private MailLane? lane;
    private int waitingMessages;
    private long waitingBytes;
    private long oldestWaitingSince;

    /// <summary>False when no more mail can be taken now: answer 452 4.3.1 at MAIL.</summary>
    public bool HasRoom => IsQueueOpen && !disk.IsLow;

    /// <summary>Test seam of the fault proofs: called at named points of a commit; throws to break it there.</summary>
    internal Action<CommitPoint, IReadOnlyList<Acceptance>>? Fault { get; set; }

    private bool IsQueueOpen =>
        Volatile.Read(ref waitingMessages) < options.Value.MaxWaitingMessages
        && Interlocked.Read(ref waitingBytes) < options.Value.MaxWaitingBytes
        && (Volatile.Read(ref waitingMessages) == 0 || clock.GetElapsedTime(Interlocked.Read(ref oldestWaitingSince)) < options.Value.MaxWait);

    /// <summary>Makes an acceptance durable. Takes no cancellation: from the final dot on, a client that leaves cancels nothing.</summary>
    public async Task<WriteResult> WriteAsync(Acceptance acceptance)
    {
        if (!HasRoom) return WriteResult.Busy;
        await acceptance.Content.CommitBlobAsync(CancellationToken.None);

        var entry = new Waiting(acceptance, clock.GetTimestamp());
        if (Interlocked.Increment(ref waitingMessages) == 1) Interlocked.Exchange(ref oldestWaitingSince, entry.Since);
        Interlocked.Add(ref waitingBytes, acceptance.Content.WaitingBytes);
        try
        {
            if (!waiting.Writer.TryWrite(entry)) return WriteResult.Failed;   // stopping
            return await entry.Done.Task;
        }
        finally
        {
            Interlocked.Decrement(ref waitingMessages);
            Interlocked.Add(ref waitingBytes, -acceptance.Content.WaitingBytes);
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        waiting.Writer.TryComplete();   // what has been handed over is still committed
        if (ExecuteTask is { } running) await running.WaitAsync(cancellationToken);
        await base.StopAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var batch = new List<Waiting>();
        while (await waiting.Reader.WaitToReadAsync(CancellationToken.None))
        {
            Gather(batch);
            if (batch.Count == 0) continue;
            Interlocked.Exchange(ref oldestWaitingSince, batch[0].Since);
            await CommitOrSplitAsync(batch);
            Interlocked.Exchange(ref oldestWaitingSince, clock.GetTimestamp());
            batch.Clear();
        }

        await CloseLaneAsync();
    }

    private async Task CloseLaneAsync()
    {
        var closing = lane;
        lane = null;
        if (closing is null) return;
        try
        {
            await closing.DisposeAsync();
        }
        catch (DbException e)
        {
            LogLaneLost(logger, e);   // the connection was gone already; the database has rolled back
        }
    }

    private void Gather(List<Waiting> batch)
    {
        var bytes = 0L;
        while (batch.Count < options.Value.MaxBatchMessages && bytes < options.Value.MaxBatchBytes && waiting.Reader.TryRead(out var next))
        {
            batch.Add(next);
            bytes += next.Acceptance.Content.WaitingBytes;
        }
    }

    private async Task CommitOrSplitAsync(List<Waiting> batch)
    {
        try
        {
            await CommitAsync(batch);
            return;
        }
        catch (Exception e) when (batch.Count > 1 && !e.IsOutage())   // running each message alone would only take longer then
        {
            LogBatchFailed(logger, batch.Count, e);
        }
        catch (Exception e)
        {
            // The writer's one catch-all: whatever went wrong, the client hears "later" and nothing is half done.
            foreach (var entry in batch) SetAside(entry, e);
            return;
        }

        foreach (var entry in batch)
        {
            try
            {
                await CommitAsync([entry]);
            }
            catch (Exception e)
            {
                SetAside(entry, e);
            }
        }
    }

    private async Task CommitAsync(IReadOnlyList<Waiting> batch)
    {
        var acceptances = batch.Select(w => w.Acceptance).ToList();
        var commit = new MailCommit(folderIds, clock);
        var isUnclear = false;
        try
        {
            using var turn = await gate.EnterAsync(CancellationToken.None);
            lane ??= await lanes.OpenAsync();
            await lane.BeginAsync();
            Fault?.Invoke(CommitPoint.Begun, acceptances);
            await commit.StageAsync(lane, acceptances);
            Fault?.Invoke(CommitPoint.BeforeCommit, acceptances);
            isUnclear = true;
            await lane.CommitAsync();
            Fault?.Invoke(CommitPoint.AfterCommit, acceptances);
        }
        catch (Exception e)
        {
            await CloseLaneAsync();   // rolls back; the next batch begins on a fresh connection
            if (!isUnclear) throw;

            // The answer to COMMIT was lost: the queue id tells whether it happened (DESIGN §3).
            LogCommitUnclear(logger, e);
            if (!await IsStoredAsync(acceptances)) throw;
        }

        foreach (var mailbox in commit.TouchedMailboxes) feed.Publish(Change.Mail, mailbox);
        if (acceptances.Any(a => a.Entries.Count > 0 || a.Precondition is not null)) feed.Publish(Change.Queue);
        feed.Publish(Change.Trace);
        foreach (var entry in batch)
            entry.Done.TrySetResult(commit.Superseded.Contains(entry.Acceptance.QueueId) ? WriteResult.Superseded : WriteResult.Committed);
    }

    /// <summary>Whether the batch is in the database; all of it or nothing, so one id answers.</summary>
    private async Task<bool> IsStoredAsync(List<Acceptance> acceptances)
    {
        await using var db = await databases.CreateDbContextAsync();
        var ids = acceptances.Select(a => a.QueueId).ToList();
        return await db.Messages.AsNoTracking().AnyAsync(m => ids.Contains(m.QueueId));
    }

    private void SetAside(Waiting entry, Exception cause)
    {
        if (!cause.IsOutage())
        {
            var key = Convert.ToHexString(entry.Acceptance.Content.Hash);
            if (culprits.Count > 1_000) culprits.Clear();
            if (culprits.AddOrUpdate(key, 1, (_, tries) => tries + 1) >= TriesBeforeSetAside) LogSetAside(logger, entry.Acceptance.QueueId, key, cause);
        }

        LogFailed(logger, entry.Acceptance.QueueId, cause);
        entry.Done.TrySetResult(WriteResult.Failed);
    }

    private sealed class Waiting(Acceptance acceptance, long since)
    {
        public Acceptance Acceptance { get; } = acceptance;

        public long Since { get; } = since;

        public TaskCompletionSource<WriteResult> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "A batch of {Count} messages failed; each is tried alone")]
    private static partial void LogBatchFailed(ILogger logger, int count, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The answer to a commit was lost; asking the database for it")]
    private static partial void LogCommitUnclear(ILogger logger, Exception exception);

    [LoggerMessage(Level = LogLevel.Debug, Message = "The writer's connection was already lost")]
    private static partial void LogLaneLost(ILogger logger, Exception exception);

    [LoggerMessage(Level = LogLevel.Error, Message = "Message {QueueId} could not be stored")]
    private static partial void LogFailed(ILogger logger, Guid queueId, Exception exception);

    [LoggerMessage(Level = LogLevel.Critical, Message = "Message {QueueId} (SHA-256 {Hash}) has failed three times: it stops the store wherever it comes; look at its cause")]
    private static partial void LogSetAside(ILogger logger, Guid queueId, string hash, Exception exception);
}

/// <summary>Where a test may break a commit.</summary>
internal enum CommitPoint
{
    Begun,
    BeforeCommit,
    AfterCommit,
}
