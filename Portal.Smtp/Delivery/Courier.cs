using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Portal.Core.Addresses;
using Portal.Core.Queue;
using Portal.Core.Recipients;

namespace Portal.Smtp.Delivery;

/// <summary>Takes claimed entries to where they go: chooses the route, keeps the line, and hands what happened to <see cref="Aftermath"/> (DESIGN §4).</summary>
internal sealed partial class Courier(
    RouteSelector routes, RecipientDirectory directory, QueuedMessages messages, MailQueue queue, LocalCourier local, Aftermath aftermath, SenderRewriting rewriting, IOptions<DeliveryOptions> options, TimeProvider clock, ILogger<Courier> logger)
{
    /// <summary>What each recipient adds to the time for the envelope: some servers let each one wait a little.</summary>
    private static readonly TimeSpan PerRecipient = TimeSpan.FromSeconds(10);

    /// <summary>Delivers entries of one route key. When it returns every one is settled or given back.</summary>
    /// <param name="stop">No further message is begun.</param>
    /// <param name="abort">What is on its way is broken off.</param>
    public async Task DeliverAsync(IReadOnlyList<QueueEntry> claimed, CourierLine line, CancellationToken stop, CancellationToken abort)
    {
        line.Refresh();
        try
        {
            // One transaction needs one reverse-path, ENVID and RET (RFC 3461 §4.3, §4.4), and one Delivered-To.
            foreach (var message in claimed.GroupBy(e => (e.MessageId, e.ReversePath, e.EnvelopeId, e.Return, e.ForwardedBy)))
            {
                if (stop.IsCancellationRequested) break;
                await GuardAsync([.. message], line, abort);
            }
        }
        finally
        {
            // What was settled is no longer ours and stays as it is.
            if (stop.IsCancellationRequested || abort.IsCancellationRequested) await aftermath.ReleaseAsync(claimed, null, abort);
        }
    }

    private async Task GuardAsync(List<QueueEntry> entries, CourierLine line, CancellationToken abort)
    {
        QueuedMessage? message = null;
        try
        {
            message = await messages.FindAsync(entries[0].MessageId, abort) ?? throw new InvalidOperationException("A queue entry without its message.");
            message = message.SentOnBy(entries[0].ForwardedBy);
            await DeliverMessageAsync(message, entries, line, abort);
        }
        catch (Exception e) when (!abort.IsCancellationRequested)
        {
            // The queue's one catch-all: never lost, never hot.
            LogFault(logger, entries[0].QueueId, e);
            await aftermath.DeferForFaultAsync(message, entries, e, abort);
        }
    }

    private async Task DeliverMessageAsync(QueuedMessage message, List<QueueEntry> entries, CourierLine line, CancellationToken abort)
    {
        var removed = entries.FindAll(e => e.Cause == DeferCause.Removed);
        if (removed.Count > 0) await aftermath.SettleAsync(message, removed.ConvertAll(e => new EntryResult(e)), abort);

        var here = entries.FindAll(e => e.Kind != QueueKind.Relay && !removed.Contains(e));
        if (here.Count > 0) await local.DeliverAsync(message, here, abort);

        var byRoute = new Dictionary<Guid, (RouteChoice Choice, List<QueueEntry> Entries)>();
        var ours = new Dictionary<DomainName, bool>();   // a domain that is not ours is asked for once, however many recipients it has
        foreach (var entry in entries.Except(removed).Except(here))
        {
            if (await IsServedHereAsync(entry, ours, abort))
            {
                await aftermath.ReleaseAsync([entry], QueueEntry.LocalRouteKey, abort, QueueKind.Expand);   // its mailbox has moved here, or its domain
                continue;
            }

            var choice = await routes.ChooseAsync(entry.ReversePath, entry.ForwardPath, abort);
            if (choice.RouteKey != entry.RouteKey)
            {
                await aftermath.ReleaseAsync([entry], choice.RouteKey, abort);   // routes have changed since it was queued
                continue;
            }

            if (!byRoute.TryGetValue(choice.Route?.Id ?? Guid.Empty, out var together)) byRoute[choice.Route?.Id ?? Guid.Empty] = together = (choice, []);
            together.Entries.Add(entry);
        }

        foreach (var (choice, together) in byRoute.Values)
            foreach (var chunk in together.Chunk(options.Value.MaxRecipientsPerTransaction)) await TransactAsync(message, choice, [.. chunk], line, abort);
    }

    private async ValueTask<bool> IsServedHereAsync(QueueEntry entry, Dictionary<DomainName, bool> ours, CancellationToken abort)
    {
        if (!MailAddress.TryParse(entry.ForwardPath, out var address) || address.AddressLiteral is not null) return false;
        if (!ours.TryGetValue(address.Domain, out var isOurs)) ours[address.Domain] = isOurs = await directory.IsOursAsync(address.Domain, abort);
        return isOurs && await directory.IsServedHereAsync(address, abort);
    }

    /// <summary>One mail transaction, and another for whom the server would rather take separately.</summary>
    private async Task TransactAsync(QueuedMessage message, RouteChoice choice, List<QueueEntry> entries, CourierLine line, CancellationToken abort)
    {
        while (entries.Count > 0)
        {
            if (await TryAsync(message, choice, entries, line, abort) is not { } results) return;

            // RFC 5321 §4.5.3.1.10: who was one too many goes in the next transaction, as long as each one moves somebody.
            var over = results.Any(r => r.IsDelivered) ? results.FindAll(Aftermath.IsTooManyRecipients) : [];
            await aftermath.SettleAsync(message, results.FindAll(r => !over.Contains(r)), abort);
            entries = over.ConvertAll(r => r.Entry);
        }
    }

    /// <summary>Null when the entries turned out to be somebody else's.</summary>
    private async Task<List<EntryResult>?> TryAsync(QueuedMessage message, RouteChoice choice, List<QueueEntry> entries, CourierLine line, CancellationToken abort)
    {
        using var timer = new CancellationTokenSource(options.Value.AttemptTimeout, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, abort);
        using var envelopeTimer = new CancellationTokenSource(options.Value.ReachTimeout + (entries.Count * PerRecipient), clock);
        using var envelope = CancellationTokenSource.CreateLinkedTokenSource(envelopeTimer.Token, either.Token);
        try
        {
            while (true)
            {
                var dialled = await line.ConnectAsync(choice, envelope.Token);
                if (dialled.Connection is not { } connection)
                    return entries.ConvertAll(e => new EntryResult(e) { Reply = dialled.Refusal, Failure = dialled.Failure, Stage = dialled.Failure?.Stage ?? SmtpStage.Resolve });

                if (!await queue.OwnsAsync(entries, either.Token))
                {
                    LogNotOurs(logger, message.QueueId);
                    await aftermath.ReleaseAsync(entries, null, abort);
                    return null;
                }

                var isReused = connection.Messages > 0;
                var result = await connection.SendAsync(MailOf(message, entries), envelope.Token, either.Token);
                if (isReused && result is { Failure: { Stage: SmtpStage.Mail, Reply: null } } && result.Replies.All(r => r is null))
                {
                    await line.HangUpAsync();   // it had tired of waiting between two messages: a new connection is no second try
                    continue;
                }

                if (result.Failure is { } failure) line.Note(failure);
                return [.. entries.Select((e, i) => Result(e, result.Replies[i], result.Failure, connection))];
            }
        }
        catch (OperationCanceledException) when (!abort.IsCancellationRequested)
        {
            await line.HangUpAsync();
            var (stage, limit) = timer.IsCancellationRequested ? (SmtpStage.Content, options.Value.AttemptTimeout) : (SmtpStage.Connect, options.Value.ReachTimeout);
            var failure = new SmtpFailure(stage, DeferCause.Network, $"{choice.RouteKey}: the whole try took more than {limit.TotalMinutes} min") { Fault = SmtpFault.TookTooLong };
            line.Note(failure);
            return entries.ConvertAll(e => new EntryResult(e) { Failure = failure, Stage = failure.Stage });
        }
    }

    private static EntryResult Result(QueueEntry entry, RecipientReply? reply, SmtpFailure? failure, SmtpConnection connection) => reply is { } said
        ? new EntryResult(entry) { Reply = said.Reply, Stage = said.Stage, Connection = connection }
        : new EntryResult(entry) { Failure = failure, Stage = failure!.Stage, Connection = connection };

    /// <summary>The envelope sender of this copy: of somebody else's mail that an address of ours sends on, a path of ours (SRS); the queue and its reports know whose it is.</summary>
    private string ReversePathOf(QueueEntry entry) =>
        entry is { AccountId: null, ForwardedBy: { } forwarder, ReversePath.Length: > 0 } && MailAddress.TryParse(entry.ReversePath, out var sender) && MailAddress.TryParse(forwarder, out var by)
            ? (rewriting.Rewrite(sender, by.Domain) ?? sender).ToString()
            : entry.ReversePath;

    private OutgoingMail MailOf(QueuedMessage message, List<QueueEntry> entries) => new()
    {
        ReversePath = ReversePathOf(entries[0]),
        Recipients = entries.ConvertAll(e => new OutgoingRecipient(e.ForwardPath, e.Notify, e.OriginalRecipient)),
        SizeBytes = message.SizeBytes,
        Needs = message.Needs,
        EnvelopeId = entries[0].EnvelopeId,
        Return = entries[0].Return,
        OpenContentAsync = message.OpenAsync,
    };

    [LoggerMessage(Level = LogLevel.Error, Message = "Delivery of {QueueId} failed by a fault of ours; it is tried again later")]
    private static partial void LogFault(ILogger logger, Guid queueId, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Entries of {QueueId} are somebody else's by now; nothing was sent")]
    private static partial void LogNotOurs(ILogger logger, Guid queueId);
}
