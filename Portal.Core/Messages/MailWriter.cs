using System.Data.Common;
using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Portal.Core.Data;

namespace Portal.Core.Messages;

/// <summary>
/// The only place that makes mail durable (DESIGN §3): whatever has gathered since the last commit goes into one transaction, and only
/// then is anybody told. A batch is closed before its commit begins, with what is there at that moment: it never waits for more, and
/// what arrives meanwhile is of a later one. So a message waits for those before it only, which are bounded in number, octets and age
/// (<see cref="MailWriterOptions"/>). A failed batch is run again message by message, so that only the culprit hears of it; what keeps
/// failing is committed alone (<see cref="SetAside"/>).
/// </summary>
public sealed partial class MailWriter(
    MailLanes lanes, WriteGate gate, ChangeFeed feed, DiskSpace disk, SetAside setAside, IOptions<MailWriterOptions> options, TimeProvider clock, ILogger<MailWriter> logger) : BackgroundService
{
    private readonly Channel<Waiting> waiting = Channel.CreateUnbounded<Waiting>(new() { SingleReader = true });
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
        if (!acceptance.IsDiscarded) await acceptance.Content.CommitBlobAsync(CancellationToken.None);

        var entry = new Waiting(acceptance, clock.GetTimestamp());
        // Before it is counted too: who looks between the two would take the last time anybody waited for the wait of this one.
        if (Volatile.Read(ref waitingMessages) == 0) Interlocked.Exchange(ref oldestWaitingSince, entry.Since);
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
            setAside.ForgetOld();
            var alone = batch.FindAll(w => setAside.Holds(w.Acceptance));
            batch.RemoveAll(alone.Contains);
            if (batch.Count > 0) await CommitOrSplitAsync(batch);
            foreach (var entry in alone) await CommitOrSplitAsync([entry]);   // after the others, whose batch it would break once more
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
            foreach (var entry in batch) Fail(entry, e);
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
                Fail(entry, e);
            }
        }
    }

    private async Task CommitAsync(IReadOnlyList<Waiting> batch)
    {
        var acceptances = batch.Select(w => w.Acceptance).ToList();
        var commit = new MailCommit(lanes.FolderIds, clock);
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
            Fault?.Invoke(CommitPoint.Committing, acceptances);
            await lane.CommitAsync();
            Fault?.Invoke(CommitPoint.AfterCommit, acceptances);
        }
        catch (Exception e)
        {
            var transactionId = lane?.TransactionId;
            await CloseLaneAsync();   // rolls back; the next batch begins on a fresh connection
            if (!isUnclear) throw;

            LogCommitUnclear(logger, e);
            if (!await IsStoredAsync(transactionId, commit.Written)) throw;
        }

        foreach (var mailbox in commit.TouchedMailboxes) feed.Publish(Change.Mail, mailbox);
        if (acceptances.Any(a => a.Entries.Count > 0 || a.Precondition is not null)) feed.Publish(Change.Queue);
        if (acceptances.Any(a => a.Quarantined.Count > 0)) feed.Publish(Change.Quarantine);
        feed.Publish(Change.Trace);
        foreach (var entry in batch)
        {
            setAside.Stored(entry.Acceptance);
            entry.Done.TrySetResult(commit.Superseded.Contains(entry.Acceptance.QueueId) ? WriteResult.Superseded : WriteResult.Committed);
        }
    }

    /// <summary>What became of a commit whose answer was lost; throws what reads as an outage where nobody can tell.</summary>
    private async Task<bool> IsStoredAsync(ulong? transactionId, IReadOnlyCollection<Acceptance> written)
    {
        try
        {
            return await lanes.Unclear.IsStoredAsync(transactionId, written);
        }
        catch (Exception e)
        {
            // DESIGN §3: an unknown that cannot be checked is 451. The client comes again with the same message under another queue id, and
            // where the commit did happen, its recipients have it twice: the duplicate of RFC 1047, which no answer avoids but one
            // that may lose mail. An outage: it is no message's fault, and none is tried again alone, under an id that may be there.
            throw new IOException("It cannot be found out whether a commit happened.", e);
        }
    }

    private void Fail(Waiting entry, Exception cause)
    {
        var acceptance = entry.Acceptance;
        if (!cause.IsOutage() && setAside.Failed(acceptance)) LogSetAside(logger, acceptance.QueueId, SetAside.KeyOf(acceptance), cause);
        LogFailed(logger, acceptance.QueueId, cause);
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

    [LoggerMessage(Level = LogLevel.Critical, Message = "Message {QueueId} (SHA-256 {Hash}) has failed three times and is kept apart from others from now on; look at its cause")]
    private static partial void LogSetAside(ILogger logger, Guid queueId, string hash, Exception exception);
}

/// <summary>Where a test may break a commit.</summary>
internal enum CommitPoint
{
    Begun,
    BeforeCommit,

    /// <summary>From here on nobody knows without asking whether it happened.</summary>
    Committing,
    AfterCommit,
}
