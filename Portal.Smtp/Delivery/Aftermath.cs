using Microsoft.Extensions.Logging;
using Portal.Core.Data;
using Portal.Core.Messages;
using Portal.Core.Queue;
using Portal.Core.Trace;
using Portal.Smtp.Protocol;
using Portal.Smtp.Reports;

namespace Portal.Smtp.Delivery;

/// <summary>What became of one entry, as the courier saw it.</summary>
internal sealed record EntryResult(QueueEntry Entry)
{
    /// <summary>The reply that decided: the peer's, or ours where nobody was asked.</summary>
    public PeerReply? Reply { get; init; }

    /// <summary>What ended the connection before a reply; null when there is one.</summary>
    public SmtpFailure? Failure { get; init; }

    public SmtpStage Stage { get; init; }

    /// <summary>Who was asked; null when it came to no connection.</summary>
    public SmtpConnection? Connection { get; init; }

    /// <summary>What an address of ours comes to; null for what leaves this system or can't be delivered.</summary>
    public LocalPlacement? Placement { get; init; }

    public bool IsDelivered => Failure is null && Stage == SmtpStage.End && Reply?.IsPositive == true;

    /// <summary>In one line, for queue, trace and DSN.</summary>
    public string? Words => Failure is { } failure ? failure.Reply?.ToString() ?? failure.Message : Reply?.ToString();
}

/// <summary>Turns what the courier saw into outcomes, next tries and DSNs, and makes them durable together (DESIGN §4).</summary>
internal sealed partial class Aftermath(MailQueue queue, MailWriter writer, DsnComposer reports, RetrySchedule schedule, TimeProvider clock, ILogger<Aftermath> logger)
{
    /// <summary>So often a copy waits for a receipt that can't be made; after that it is delivered without.</summary>
    private const int TriesForReceipt = 3;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>So long past its end an entry waits for a DSN that can't be made; after that it ends without.</summary>
    private static readonly TimeSpan ReportPatience = TimeSpan.FromDays(1);

    /// <summary>Settles the results of one message. Returns when they are durable; waits for a database that is away until <paramref name="stop"/>.</summary>
    public async Task SettleAsync(QueuedMessage message, IReadOnlyList<EntryResult> results, CancellationToken stop)
    {
        var judged = results.Select(r => (Result: r, Settlement: Judge(r))).ToList();
        var attempt = new Attempt(message.QueueId, [.. judged.Select(j => j.Settlement)], [.. judged.Select(j => AttemptReport.FactOf(j.Result, j.Settlement))]);
        var about = judged.Select(j => AttemptReport.RecipientOf(j.Result, j.Settlement, clock.GetUtcNow())).OfType<DsnRecipient>().ToList();
        await ConcludeAsync(message, attempt, about, stop);
        foreach (var (result, settlement) in judged)
        {
            // A report of ours that failed is told to nobody, lest reports answer reports; nor is its text somebody else's to read (DESIGN §6).
            if (result.Entry.ReversePath.Length == 0 && settlement.Kind is SettlementKind.Failed or SettlementKind.Expired)
                LogUnheard(logger, message.QueueId, result.Entry.ForwardPath, settlement.Kind, settlement.Reply);
            else LogSettled(logger, message.QueueId, result.Entry.ForwardPath, settlement.Kind, settlement.Reply);
        }
    }

    /// <summary>Gives entries back untouched, or moves them under another route key.</summary>
    /// <param name="becomes">What they are from now on: who was elsewhere may be here by now, or the other way round; null when they stay what they were.</param>
    public Task ReleaseAsync(IReadOnlyList<QueueEntry> entries, string? routeKey, CancellationToken stop, QueueKind? becomes = null) => entries.Count == 0
        ? Task.CompletedTask
        : PersistAsync(
            new Attempt(entries[0].QueueId, [.. entries.Select(e => new Settlement(e, routeKey is null ? SettlementKind.Released : SettlementKind.Rerouted) { RouteKey = routeKey, Becomes = becomes, NextAttemptAt = e.NextAttemptAt })], []), stop);

    /// <summary>Makes a piece of an expansion durable; the entry goes back to the queue for the next one.</summary>
    public Task PlaceAsync(QueueEntry entry, LocalPlacement piece, CancellationToken stop) =>
        PersistAsync(new Attempt(entry.QueueId, [new Settlement(entry, SettlementKind.Released) { Placement = piece }], []), stop);

    /// <summary>A fault of ours: the entries wait like any others, so that a poison message neither stops the rest nor runs hot, and end when their time is over.</summary>
    /// <param name="message">Null when it could not even be found.</param>
    public async Task DeferForFaultAsync(QueuedMessage? message, IReadOnlyList<QueueEntry> entries, Exception fault, CancellationToken stop)
    {
        var expired = entries.Where(schedule.IsExpired).ToList();
        var waiting = entries.Except(expired).Select(e => FaultOf(e, fault)).ToList();
        if (waiting.Count > 0) await PersistAsync(new Attempt(entries[0].QueueId, waiting, FactsOf(waiting)), stop);
        foreach (var entry in expired)   // each alone: one that was settled before the fault would take the others' DSN with it
        {
            var end = entry.Cause == DeferCause.Removed
                ? new Settlement(entry, SettlementKind.Removed) { Cause = DeferCause.Removed }
                : new Settlement(entry, SettlementKind.Expired) { Cause = DeferCause.LocalFault, Reply = LocalError(fault) };
            List<DsnRecipient> about = AttemptReport.RecipientOf(new EntryResult(entry), end, clock.GetUtcNow()) is { } report ? [report] : [];
            await ConcludeAsync(message, new Attempt(entry.QueueId, [end], FactsOf([end])), about, stop);
        }
    }

    internal Settlement Judge(EntryResult result)
    {
        var entry = result.Entry;
        if (entry.Cause == DeferCause.Removed) return new(entry, SettlementKind.Removed) { Cause = DeferCause.Removed };
        if (result.Placement is { } placement) return new(entry, placement.IsExpansion ? SettlementKind.Expanded : SettlementKind.Stored) { Placement = placement };
        if (result.IsDelivered)
            return new(entry, result.Connection!.Extensions.Dsn ? SettlementKind.Delivered : SettlementKind.Relayed) { Reply = result.Words };
        if (result.Failure is null && result.Reply is { IsPermanent: true } never && !IsTooManyRecipients(result))
            return new(entry, SettlementKind.Failed) { Cause = result.Connection is null && entry.Kind == QueueKind.Relay ? DeferCause.Dns : DeferCause.None, Reply = never.ToString() };   // as CauseOf

        var cause = result.Failure?.Cause ?? CauseOf(entry, result.Reply, result.Connection);
        if (schedule.IsExpired(entry)) return new(entry, SettlementKind.Expired) { Cause = cause, Reply = result.Words };
        return new(entry, SettlementKind.Deferred)
        {
            Cause = cause,
            Reply = result.Words,
            Obstacle = Obstacle.Of(result),
            NextAttemptAt = schedule.NextAttempt(entry),
            SendsDelayNotice = schedule.IsLate(entry) && entry.ReversePath.Length > 0 && AttemptReport.Wants(entry, DsnNotify.Delay),
        };
    }

    /// <summary>RFC 5321 §4.5.3.1.10: some servers say 552 where they mean 452, too many recipients.</summary>
    internal static bool IsTooManyRecipients(EntryResult result) =>
        result is { Stage: SmtpStage.Recipient, Reply: { Code: 552, Status: null or "5.5.3" } or { Code: 452, Status: null or "4.5.3" } };

    // Without a connection the reply is ours, and ours are about the DNS.
    private static DeferCause CauseOf(QueueEntry entry, PeerReply? reply, SmtpConnection? connection) =>
        reply is null || entry.Kind != QueueKind.Relay ? DeferCause.LocalFault : connection is null ? DeferCause.Dns : reply.IsTransient || reply.IsPermanent ? ReplyCause.Of(reply) : DeferCause.RemoteFault;

    /// <summary>Makes outcomes durable with the DSN that is due. A DSN that can't be made never costs what the peers have said.</summary>
    private async Task ConcludeAsync(QueuedMessage? message, Attempt attempt, List<DsnRecipient> about, CancellationToken stop)
    {
        if (about.Count == 0)
        {
            await PersistAsync(attempt, stop);
            return;
        }

        var left = message is null ? WithoutReport(attempt) : attempt;
        try
        {
            if (message is not null)
            {
                if (await ReportAsync(message, attempt, about, stop)) return;
                left = attempt with { Facts = [.. attempt.Facts, new TraceFact("dsn.nobody", new Dictionary<string, string> { ["to"] = attempt.Settlements[0].Entry.ReversePath })] };
            }
        }
        catch (Exception e)
        {
            LogReportFailed(logger, attempt.QueueId, e);   // also when we stop: who has the message must not get it twice
            left = WithoutReport(attempt);
        }

        await PersistAsync(left, stop);
    }

    /// <summary>Commits outcomes and their DSN together. False when there is nobody to tell, and the outcomes are still to be settled.</summary>
    private async Task<bool> ReportAsync(QueuedMessage message, Attempt attempt, List<DsnRecipient> about, CancellationToken stop)
    {
        var entry = attempt.Settlements[0].Entry;
        if (await reports.ComposeAsync(message, entry, about, stop) is not { } dsn) return false;

        using var content = dsn.Content;
        var fact = new TraceFact("dsn.sent", new Dictionary<string, string> { ["dsn"] = dsn.QueueId.ToString(), ["to"] = entry.ReversePath });
        var told = attempt with { Facts = [.. attempt.Facts, fact] };
        switch (await writer.WriteAsync(dsn with { Precondition = (db, cancel) => queue.StageAsync(db, told, cancel) }))
        {
            case WriteResult.Committed:
                return true;
            case WriteResult.Superseded:
                LogSuperseded(logger, message.QueueId);   // some are others' by now: what is still ours keeps what its peer has said
                await PersistAsync(WithoutReport(attempt), stop);
                return true;
            default:
                LogNotReported(logger, message.QueueId);
                await PersistAsync(WithoutReport(attempt), stop);
                return true;
        }
    }

    /// <summary>No DSN now: what needs one waits, though not for ever; what was delivered stays delivered.</summary>
    private Attempt WithoutReport(Attempt attempt)
    {
        var settlements = attempt.Settlements.Select(s => s.Kind switch
        {
            SettlementKind.Delivered or SettlementKind.Relayed => s,
            SettlementKind.Stored or SettlementKind.Expanded when s.Entry.Attempt >= TriesForReceipt => s,   // the mail counts for more than its receipt
            SettlementKind.Deferred => s with { SendsDelayNotice = false },
            _ when clock.GetUtcNow() >= s.Entry.ExpiresAt + ReportPatience => s,
            _ => new Settlement(s.Entry, SettlementKind.Deferred) { Cause = s.Kind == SettlementKind.Removed ? DeferCause.Removed : DeferCause.LocalFault, Reply = s.Reply, NextAttemptAt = clock.GetUtcNow() + schedule.Wait(1, 0.5) },
        }).ToList();
        var waiting = settlements.Except(attempt.Settlements).GroupBy(s => s.Entry.ForwardPath).ToDictionary(s => s.Key, s => s.First().Rule);
        return attempt with
        {
            Settlements = settlements,
            Facts = [.. attempt.Facts.Select(f => waiting.TryGetValue(f.Inputs.GetValueOrDefault("recipient", ""), out var rule) ? f with { Rule = rule } : f)],
        };
    }

    private async Task PersistAsync(Attempt attempt, CancellationToken stop)
    {
        while (true)
        {
            try
            {
                await queue.SettleAsync(attempt, CancellationToken.None);
                return;
            }
            catch (Exception e) when (!e.IsOutage())
            {
                LogRefused(logger, attempt.QueueId, e);
                await PersistPlainlyAsync(attempt, e);
                return;
            }
            catch (Exception e) when (!stop.IsCancellationRequested)
            {
                // The peer has been told already: forgetting that would send the message twice.
                LogNotSettled(logger, attempt.QueueId, e);
                await Task.Delay(Patience, clock, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>The database is there and says no, and would say so for ever: once more without anybody's words. What was delivered stays delivered.</summary>
    private async Task PersistPlainlyAsync(Attempt attempt, Exception fault)
    {
        var settlements = attempt.Settlements.Select(s => s.Kind switch
        {
            SettlementKind.Delivered or SettlementKind.Relayed => new Settlement(s.Entry, s.Kind) { Reply = LocalError(fault) },
            SettlementKind.Released or SettlementKind.Rerouted => new Settlement(s.Entry, SettlementKind.Released) { NextAttemptAt = clock.GetUtcNow() + schedule.Wait(1, 0.5) },
            _ => FaultOf(s.Entry, fault),
        }).ToList();
        try
        {
            await queue.SettleAsync(new Attempt(attempt.QueueId, settlements, FactsOf(settlements)), CancellationToken.None);
        }
        catch (Exception e)
        {
            LogGivenUp(logger, attempt.QueueId, e);   // the claims go back to the queue with the next beats
        }
    }

    private Settlement FaultOf(QueueEntry entry, Exception fault) => new(entry, SettlementKind.Deferred)
    {
        Cause = entry.Cause == DeferCause.Removed ? DeferCause.Removed : DeferCause.LocalFault,   // what an administrator ended stays ended
        Reply = LocalError(fault),
        NextAttemptAt = schedule.NextAttempt(entry) is var next && next > clock.GetUtcNow() ? next : clock.GetUtcNow() + schedule.Wait(1, 0.5),
    };

    private static string LocalError(Exception fault) => $"451 4.3.0 Local error ({fault.GetType().Name})";

    private static List<TraceFact> FactsOf(IReadOnlyList<Settlement> settlements) =>
        [.. settlements.Where(s => s.Reply is not null).Select(s => new TraceFact(s.Rule, new Dictionary<string, string> { ["recipient"] = s.Entry.ForwardPath, ["cause"] = nameof(DeferCause.LocalFault), ["reply"] = s.Reply! }))];

    [LoggerMessage(Level = LogLevel.Information, Message = "{QueueId} to {Recipient}: {Kind}, {Reply}")]
    private static partial void LogSettled(ILogger logger, Guid queueId, string recipient, SettlementKind kind, string? reply);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{QueueId} to {Recipient}: {Kind}, {Reply}; it has no sender, and nobody hears of it")]
    private static partial void LogUnheard(ILogger logger, Guid queueId, string recipient, SettlementKind kind, string? reply);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Entries of {QueueId} were somebody else's when their DSN was to be written")]
    private static partial void LogSuperseded(ILogger logger, Guid queueId);

    [LoggerMessage(Level = LogLevel.Warning, Message = "No room for the DSN about {QueueId}; it waits")]
    private static partial void LogNotReported(ILogger logger, Guid queueId);

    [LoggerMessage(Level = LogLevel.Error, Message = "The DSN about {QueueId} could not be made; it waits")]
    private static partial void LogReportFailed(ILogger logger, Guid queueId, Exception exception);

    [LoggerMessage(Level = LogLevel.Error, Message = "The outcome of {QueueId} could not be written; trying again")]
    private static partial void LogNotSettled(ILogger logger, Guid queueId, Exception exception);

    [LoggerMessage(Level = LogLevel.Error, Message = "The database refuses the outcome of {QueueId}; writing it without its words")]
    private static partial void LogRefused(ILogger logger, Guid queueId, Exception exception);

    [LoggerMessage(Level = LogLevel.Error, Message = "The database refuses every outcome of {QueueId}; giving it up")]
    private static partial void LogGivenUp(ILogger logger, Guid queueId, Exception exception);
}
