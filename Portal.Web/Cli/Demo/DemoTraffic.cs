using System.Globalization;
using System.Text;
using MimeKit;
using Portal.Core.Messages;
using Portal.Core.Queue;
using Portal.Core.Trace;
using Portal.Web.Hosting;

namespace Portal.Web.Cli.Demo;

/// <summary>The demo's day of mail: real messages through the one durable commit, dated over the last 24 hours.</summary>
/// <param name="mailboxes">Mailbox by local part.</param>
/// <param name="domain">The organisation's domain, in A-label form.</param>
internal sealed class DemoTraffic(ContentSpoolFactory spools, MailWriter writer, IReadOnlyDictionary<string, Guid> mailboxes, string domain, DateTimeOffset now)
{
    private const int AtOnce = 32;
    private const string HostName = "mx.northlight.example";
    private readonly Random random = new(20_261_124);

    /// <summary>Delivers every letter of the script; mail for outside is told as relayed.</summary>
    public async Task<int> SendAsync(IReadOnlyList<DemoLetter> letters, CancellationToken cancel)
    {
        var acceptances = new List<Acceptance>();
        var at = now.AddHours(-23.5);
        var step = TimeSpan.FromHours(23) / letters.Count;
        string? previousId = null;
        foreach (var letter in letters)
        {
            at += step * (0.5 + random.NextDouble());
            if (at > now.AddMinutes(-2)) at = now.AddMinutes(-2);
            var message = Compose(letter, at, letter.AnswersPrevious ? previousId : null);
            previousId = message.MessageId;
            acceptances.Add(await AcceptAsync(letter, message, at, cancel));
        }

        foreach (var chunk in acceptances.Chunk(AtOnce)) await WriteAsync(chunk);
        return acceptances.Count;
    }

    /// <summary>Mail that waits, each for a reason of its own.</summary>
    public async Task<IReadOnlyList<TraceEvent>> DeferAsync(CancellationToken cancel)
    {
        var events = new List<TraceEvent>();
        foreach (var waiting in DemoTroubles.Waiting)
        {
            var at = now.AddMinutes(-waiting.MinutesAgo);
            var letter = new DemoLetter(waiting.Sender, [$"<{waiting.Recipient}>"], waiting.Subject, waiting.Text, false);
            var acceptance = await AcceptAsync(letter, Compose(letter, at, null), at, cancel);
            var entry = new QueueEntry
            {
                QueueId = acceptance.QueueId,
                Kind = QueueKind.Relay,
                ReversePath = acceptance.ReversePath,
                ForwardPath = waiting.Recipient,
                RouteKey = waiting.Recipient[(waiting.Recipient.IndexOf('@', StringComparison.Ordinal) + 1)..],
                State = waiting.IsHeld ? QueueState.Held : QueueState.Due,
                CreatedAt = at,
                NextAttemptAt = now.AddMinutes(90 + 25 * events.Count),
                ExpiresAt = at.AddDays(5),
                Attempt = waiting.Tries,
                Cause = waiting.Cause,
                LastReply = waiting.Reply,
                LastRule = waiting.Rule,
                SizeBytes = acceptance.Content.RawBytes,
                IsDemo = true,
            };
            var outcome = waiting.IsHeld ? RecipientOutcome.Held : RecipientOutcome.Deferred;
            await WriteAsync([acceptance with
            {
                Entries = [entry],
                Recipients = [new TraceRecipient { QueueId = acceptance.QueueId, Index = 0, Recipient = waiting.Recipient, Outcome = outcome, Rule = waiting.Rule, Reply = waiting.Reply, UpdatedAt = now.AddMinutes(-10) }],
            }]);
            events.Add(new TraceEvent
            {
                Id = Guid.CreateVersion7(now.AddMinutes(-10)),
                QueueId = acceptance.QueueId,
                At = now.AddMinutes(-10),
                Kind = TraceEventKind.Attempt,
                Facts = TraceFacts.Write([new TraceFact(waiting.Rule, new Dictionary<string, string> { ["recipient"] = waiting.Recipient, ["reply"] = waiting.Reply, ["attempt"] = waiting.Tries.ToString(CultureInfo.InvariantCulture) })]),
            });
        }

        return events;
    }

    private MimeMessage Compose(DemoLetter letter, DateTimeOffset at, string? answers)
    {
        var message = new MimeMessage { Subject = letter.Subject, Date = at, MessageId = $"{Guid.CreateVersion7(at):N}@{domain}" };
        message.From.Add(AddressOf(letter.Sender));
        message.To.AddRange(letter.Recipients.Select(AddressOf));
        if (answers is not null) message.InReplyTo = answers;
        message.Body = new TextPart("plain") { Text = letter.Text };
        return message;
    }

    private async Task<Acceptance> AcceptAsync(DemoLetter letter, MimeMessage message, DateTimeOffset at, CancellationToken cancel)
    {
        var queueId = Guid.CreateVersion7(at);
        var content = await StoreAsync(message, cancel);
        var local = letter.Recipients.Where(mailboxes.ContainsKey).ToList();
        var from = AddressOf(letter.Sender).Address;
        var deliveries = local.Select((r, i) => new LocalDelivery(mailboxes[r], SpecialUse.Inbox, FlagsAt(at), i)).ToList();
        if (!letter.IsFromOutside) deliveries.Add(new LocalDelivery(mailboxes[letter.Sender], SpecialUse.Sent, MailFlags.Seen, -1));
        var client = letter.IsFromOutside ? $"192.0.2.{10 + from.Length}" : "198.51.100.24";
        var trace = new MessageTrace
        {
            QueueId = queueId,
            At = at,
            Source = letter.IsFromOutside ? TraceSource.Mx : TraceSource.Submission,
            ClientAddress = client,
            Helo = letter.IsFromOutside ? $"mail.{from[(from.IndexOf('@', StringComparison.Ordinal) + 1)..]}" : "[198.51.100.24]",
            ReversePath = from,
            MessageIdHeader = message.MessageId,
            SizeBytes = content.RawBytes,
            Outcome = TraceOutcome.Accepted,
            Reply = $"250 2.0.0 Queued as {queueId}",
            DurationMilliseconds = random.Next(20, 400),
            Tls = "TLSv1.3 TLS_AES_256_GCM_SHA384",
            IsDemo = true,
        };
        return new Acceptance
        {
            QueueId = queueId,
            At = at,
            Content = content,
            TraceFields = Encoding.ASCII.GetBytes($"Return-Path: <{from}>\r\nReceived: from {trace.Helo} ([{client}]) by {HostName} with ESMTPS id {queueId};\r\n\t{at.UtcDateTime.ToString("ddd, dd MMM yyyy HH:mm:ss", CultureInfo.InvariantCulture)} +0000\r\n"),
            Head = MessageHead.Parse(content.Head.Span),
            ReversePath = from,
            Deliveries = deliveries,
            Trace = trace,
            Event = SessionEvent(queueId, at, letter, local),
            Recipients = [.. letter.Recipients.Select((r, i) => Outcome(queueId, at, i, r))],
        };
    }

    private TraceRecipient Outcome(Guid queueId, DateTimeOffset at, int index, string recipient)
    {
        var isLocal = mailboxes.ContainsKey(recipient);
        return new TraceRecipient
        {
            QueueId = queueId,
            Index = index,
            Recipient = AddressOf(recipient).Address,
            Outcome = isLocal ? RecipientOutcome.Delivered : RecipientOutcome.Relayed,
            Rule = isLocal ? "recipient.mailbox" : "recipient.relay",
            Reply = isLocal ? null : "250 2.0.0 Ok: queued",
            UpdatedAt = isLocal ? at : at.AddSeconds(2),
        };
    }

    private TraceEvent SessionEvent(Guid queueId, DateTimeOffset at, DemoLetter letter, List<string> local) => new()
    {
        Id = Guid.CreateVersion7(at),
        QueueId = queueId,
        At = at,
        Kind = TraceEventKind.Session,
        Facts = TraceFacts.Write([.. letter.Recipients.Take(20).Select(r => new TraceFact(local.Contains(r) ? "recipient.mailbox" : "recipient.relay", new Dictionary<string, string> { ["recipient"] = AddressOf(r).Address }))]),
        ContentFacts = TraceFacts.WriteContent(new Dictionary<string, string> { ["subject"] = letter.Subject }),
    };

    private async Task<MailContent> StoreAsync(MimeMessage message, CancellationToken cancel)
    {
        using var octets = new MemoryStream();
        var format = FormatOptions.Default.Clone();
        format.NewLineFormat = NewLineFormat.Dos;
        await message.WriteToAsync(format, octets, cancel);
        using var spool = spools.Create();
        await spool.WriteAsync(octets.GetBuffer().AsMemory(0, (int)octets.Length), cancel);
        return await spool.CompleteAsync(cancel);
    }

    private async Task WriteAsync(IReadOnlyList<Acceptance> acceptances)
    {
        var results = await Task.WhenAll(acceptances.Select(writer.WriteAsync));
        foreach (var acceptance in acceptances) acceptance.Content.Dispose();
        if (results.Any(r => r != WriteResult.Committed)) throw new StartRefused(CliText.Say("DemoNoRoom"));
    }

    private MailFlags FlagsAt(DateTimeOffset at) =>
        (now - at > TimeSpan.FromHours(5) && random.Next(10) > 1 ? MailFlags.Seen : MailFlags.None) | (random.Next(25) == 0 ? MailFlags.Flagged : MailFlags.None);

    private MailboxAddress AddressOf(string name) => name.Contains('<', StringComparison.Ordinal)
        ? MailboxAddress.Parse(name)
        : new MailboxAddress(DemoScript.People.FirstOrDefault(p => p.LocalPart == name)?.Name ?? name, $"{name}@{domain}");
}
