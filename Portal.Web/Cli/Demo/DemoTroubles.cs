using Portal.Core.Queue;
using Portal.Core.Trace;

namespace Portal.Web.Cli.Demo;

/// <summary>Mail that waits.</summary>
internal sealed record DemoWaiting(string Sender, string Recipient, string Subject, string Text, int MinutesAgo, int Tries, DeferCause Cause, string Reply, bool IsHeld = false)
{
    /// <summary>What the trace says of the last try.</summary>
    public string Rule => Cause switch
    {
        _ when IsHeld => "queue.hold",
        DeferCause.Network => "attempt.connectTimedOut",
        DeferCause.Dns => "attempt.noAnswer",
        DeferCause.Tls => "attempt.certificateNotValid",
        _ => "attempt.deferred",
    };
}

/// <summary>A session that was refused.</summary>
internal sealed record DemoRefusal(string Client, string Helo, string Sender, string Recipient, string Rule, string Reply, int Times);

/// <summary>What goes wrong on the demo's day, as it does on every day; names are reserved ones (RFC 2606), replies those of real servers.</summary>
internal static class DemoTroubles
{
    public static readonly IReadOnlyList<DemoWaiting> Waiting =
    [
        new("tomas.lindqvist", "stand@trade-fair.example", "Stand 4B12: power supply", "Hello,\r\n\r\nWe need one socket more on the left side, 16 A. Is that still possible?\r\n\r\nTomas Lindqvist\r\n", 190, 5, DeferCause.Greylisted, "450 4.2.0 <stand@trade-fair.example>: Recipient address rejected: Greylisted, see you in five minutes"),
        new("claire.dubois", "dispatch@fjord-shipping.example", "Pick-up on Thursday", "Good morning,\r\n\r\nTwo pallets are ready from 9:00 at gate 2.\r\n\r\nClaire Dubois\r\n", 320, 6, DeferCause.Network, "connect to mx1.fjord-shipping.example: timed out"),
        new("george.hill", "l.brandstaetter@audit-partners.example", "Open items, both houses", "Dear Ms Brandstätter,\r\n\r\nas promised, the open items of both houses.\r\n\r\nGeorge Hill\r\n", 75, 3, DeferCause.RemoteQuota, "452 4.2.2 The email account that you tried to reach is over quota"),
        new("wang.jing", "caigou@lanzhou-pumps.example", "样机借用协议", "您好：\r\n\r\n样机借用协议已盖章，原件今天寄出。\r\n\r\n王静\r\n", 410, 6, DeferCause.Dns, "the name servers of lanzhou-pumps.example do not answer"),
        new("isabel.moreno", "press@instrument-news.example", "Embargoed until Monday: the new PT-400", "Dear editors,\r\n\r\nthe text below may be published from Monday, 8:00.\r\n\r\nIsabel Moreno\r\n", 40, 2, DeferCause.RemotePolicy, "451 4.7.1 Try again later: too many messages from your network"),
        new("robert.king", "team@relocation-help.example", "Flat for Noor de Vries", "Hello,\r\n\r\nNoor starts on Monday; is the flat in Altona ready?\r\n\r\nRobert King\r\n", 520, 4, DeferCause.None, "held by an administrator", IsHeld: true),
        new("simon.lee", "noc@northlight-cloud.example", "Maintenance window on Saturday", "Hi,\r\n\r\nplease suspend the checks from 20:00 to 23:00.\r\n\r\nSimon Lee\r\n", 25, 2, DeferCause.Tls, "STARTTLS failed: the certificate is for another name"),
    ];

    /// <summary>Recipients are local parts of the organisation, or whole addresses elsewhere.</summary>
    public static readonly IReadOnlyList<DemoRefusal> Refused =
    [
        new("203.0.113.87", "vps-87.cheap-host.example", "winner@lucky-prize.example", "webmaster", "recipient.unknown", "550 5.1.1 No such recipient", 6),
        new("203.0.113.87", "vps-87.cheap-host.example", "winner@lucky-prize.example", "sales1", "recipient.unknown", "550 5.1.1 No such recipient", 4),
        new("203.0.113.12", "relay-test.scanner.example", "test@scanner.example", "probe@open-relay-check.example", "recipient.relayDenied", "550 5.7.1 Relaying denied", 9),
        new("192.0.2.41", "mail.meridian-labs.example", "y.tanaka@meridian-labs.example", "sofie.keller", "recipient.unknown", "550 5.1.1 No such recipient", 1),
        new("192.0.2.77", "smtp.big-attachments.example", "drawings@big-attachments.example", "hannah.weiss", "message.size", "552 5.3.4 Message exceeds the size limit", 2),
        new("198.51.100.200", "old-scanner", "scanner@northlight.example", "peter.hofmann", "message.bareBreak", "550 5.6.11 Bare CR or LF is not allowed", 3),
        new("203.0.113.140", "unknown", "invoice@parcel-fees.example", "accounting", "recipient.unknown", "550 5.1.1 No such recipient", 5),
    ];

    /// <summary>The three rows of one refused session.</summary>
    public static (MessageTrace Trace, TraceEvent Event, TraceRecipient Recipient) Rows(DemoRefusal refusal, string domain, DateTimeOffset at)
    {
        var queueId = Guid.CreateVersion7(at);
        var recipient = refusal.Recipient.Contains('@', StringComparison.Ordinal) ? refusal.Recipient : $"{refusal.Recipient}@{domain}";
        return (
            new MessageTrace
            {
                QueueId = queueId,
                At = at,
                Source = TraceSource.Mx,
                ClientAddress = refusal.Client,
                Helo = refusal.Helo,
                ReversePath = refusal.Sender,
                Outcome = TraceOutcome.Refused,
                Reply = refusal.Reply,
                Rule = refusal.Rule,
                DurationMilliseconds = 12,
                IsDemo = true,
            },
            new TraceEvent
            {
                Id = Guid.CreateVersion7(at),
                QueueId = queueId,
                At = at,
                Kind = TraceEventKind.Session,
                Facts = TraceFacts.Write([new TraceFact(refusal.Rule, new Dictionary<string, string> { ["recipient"] = recipient, ["reply"] = refusal.Reply })]),
            },
            new TraceRecipient { QueueId = queueId, Index = 0, Recipient = recipient, Outcome = RecipientOutcome.Refused, Rule = refusal.Rule, Reply = refusal.Reply, UpdatedAt = at });
    }
}
