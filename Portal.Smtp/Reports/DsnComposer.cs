using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Portal.Core.Addresses;
using Portal.Core.Messages;
using Portal.Core.Queue;
using Portal.Core.Recipients;
using Portal.Core.Trace;

namespace Portal.Smtp.Reports;

/// <summary>Turns a report into a message with the null reverse-path, for a mailbox here or for the queue. A DSN never answers a DSN (RFC 5321 §6.1).</summary>
internal sealed partial class DsnComposer(
    ContentSpoolFactory spools, RecipientDirectory recipients, RouteSelector routes, IOptions<SmtpOptions> options, TimeProvider clock, ILogger<DsnComposer> logger)
{
    private const string MadeRule = "dsn.made";
    private const int MaxReturnedBytes = 1024 * 1024;
    private const int MaxHeaderBytes = 64 * 1024;

    /// <summary>The DSN ready to be committed; null when there is nobody to tell. The caller disposes its content.</summary>
    /// <param name="message">The message it is about.</param>
    /// <param name="entry">One of its entries: reverse-path, ENVID and RET are the same for all.</param>
    public async Task<Acceptance?> ComposeAsync(QueuedMessage message, QueueEntry entry, IReadOnlyList<DsnRecipient> about, CancellationToken cancel)
    {
        if (entry.ReversePath.Length == 0 || about.Count == 0) return null;
        if (!MailAddress.TryParse(entry.ReversePath, out var sender)) return null;

        var resolution = await recipients.ResolveTakenAsync(sender, cancel);
        if (resolution.State is not RecipientState.Ok && !resolution.State.IsElsewhere())
        {
            LogNobody(logger, message.QueueId, resolution.Rule);   // a sender that is no more: nobody is told, and the trace has it
            return null;
        }

        var queueId = Guid.CreateVersion7(clock.GetUtcNow());
        var (original, isWhole) = await OriginalAsync(message, entry.Return == DsnReturn.Full && about.Any(r => r.Action == DsnAction.Failed), cancel);
        var octets = DsnWriter.Write(new DsnReport
        {
            QueueId = queueId,
            At = clock.GetUtcNow(),
            HostName = options.Value.HostName,
            Recipient = sender.ToString(),
            EnvelopeId = entry.EnvelopeId,
            ArrivedAt = message.ReceivedAt,
            MessageIdHeader = message.MessageIdHeader,
            Recipients = about,
            Original = original,
            IsOriginalWhole = isWhole,
        });

        using var spool = spools.Create();
        await spool.WriteAsync(octets, cancel);
        return await AcceptAsync(queueId, message, sender, resolution, await spool.CompleteAsync(cancel), cancel);
    }

    private async Task<Acceptance> AcceptAsync(Guid queueId, QueuedMessage message, MailAddress sender, RecipientResolution resolution, MailContent content, CancellationToken cancel)
    {
        var at = clock.GetUtcNow();
        var isElsewhere = resolution.State.IsElsewhere();
        IReadOnlyList<string> relays = isElsewhere ? [sender.ToString()] : resolution.Relays;
        var entries = new List<QueueEntry>();
        foreach (var relay in relays) entries.Add(await EntryAsync(queueId, relay, isElsewhere ? null : sender.Folded, content.RawBytes, at, cancel));
        return OwnMail.Of(queueId, content, TraceSource.Dsn, MadeRule, options.Value.HostName, at) with
        {
            Deliveries = [.. resolution.Mailboxes.Select(m => new LocalDelivery(m.MailboxId, SpecialUse.Inbox, MailFlags.None, 0))],
            Entries = entries,
            Event = new TraceEvent
            {
                QueueId = queueId,
                At = at,
                Kind = TraceEventKind.Dsn,
                Facts = TraceFacts.Write([new TraceFact(MadeRule, new Dictionary<string, string> { ["about"] = message.QueueId.ToString() })]),
            },
            Recipients = Rows(queueId, sender, resolution, entries, at),
        };
    }

    private static List<TraceRecipient> Rows(Guid queueId, MailAddress sender, RecipientResolution resolution, List<QueueEntry> entries, DateTimeOffset at)
    {
        var rows = new List<TraceRecipient>();
        if (resolution.State == RecipientState.Ok) Add(sender.Folded, resolution.Mailboxes.Count > 0 ? RecipientOutcome.Delivered : RecipientOutcome.Relayed, resolution.Rule);
        foreach (var entry in entries) Add(MailAddress.Parse(entry.ForwardPath).Folded, RecipientOutcome.Queued, MadeRule);
        foreach (var dropped in resolution.Dropped) Add(dropped.Address, RecipientOutcome.Refused, dropped.Rule);
        return rows;

        void Add(string recipient, RecipientOutcome outcome, string rule) =>
            rows.Add(new TraceRecipient { QueueId = queueId, Index = rows.Count, Recipient = recipient, Outcome = outcome, Rule = rule, UpdatedAt = at });
    }

    private async Task<QueueEntry> EntryAsync(Guid queueId, string forwardPath, string? forwardedBy, long sizeBytes, DateTimeOffset at, CancellationToken cancel) => new()
    {
        QueueId = queueId,
        Kind = QueueKind.Relay,
        ReversePath = "",
        ForwardPath = forwardPath,
        ForwardedBy = forwardedBy,
        RouteKey = await routes.RouteKeyForAsync("", forwardPath, cancel),
        State = QueueState.Due,
        CreatedAt = at,
        NextAttemptAt = at,
        ExpiresAt = at + options.Value.QueueLifetime,
        SizeBytes = sizeBytes,
        Notify = DsnNotify.Never,   // RFC 3464 §2: nothing is reported about a report
    };

    /// <summary>What of the message goes back: all of it when that is asked for a failure and it can travel inside another, else its header (RFC 3461 §4.3).</summary>
    private static async Task<(ReadOnlyMemory<byte> Octets, bool IsWhole)> OriginalAsync(QueuedMessage message, bool isAskedWhole, CancellationToken cancel)
    {
        var isWhole = isAskedWhole && message.SizeBytes <= MaxReturnedBytes && !message.Needs.HasFlag(MessageNeeds.Odd);
        await using var stream = await message.OpenAsync(cancel);
        var octets = new byte[isWhole ? message.SizeBytes : Math.Min(message.SizeBytes, MaxHeaderBytes)];
        await stream.ReadExactlyAsync(octets, cancel);
        if (isWhole) return (octets, true);

        var header = octets.AsMemory(0, Math.Min(MessageHead.Parse(octets).HeaderBytes, octets.Length));
        var lastLine = header.Span.LastIndexOf("\r\n"u8);
        return (lastLine < 0 ? header : header[..(lastLine + 2)], false);   // a header longer than our bound ends with a whole line
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "No DSN about {QueueId}: its sender is not to be reached here ({Rule})")]
    private static partial void LogNobody(ILogger logger, Guid queueId, string rule);
}
