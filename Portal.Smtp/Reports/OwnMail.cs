using System.Globalization;
using System.Text;
using Portal.Core.Messages;
using Portal.Core.Trace;
using Portal.Smtp.Protocol;

namespace Portal.Smtp.Reports;

/// <summary>What mail that this system writes itself has in common: the null reverse-path, fields that say where it was made, and a trace.</summary>
internal static class OwnMail
{
    /// <summary>An acceptance without anybody it goes to yet.</summary>
    /// <param name="rule">Key of the Rules resource that says what it is.</param>
    public static Acceptance Of(Guid queueId, MailContent content, TraceSource source, string rule, string hostName, DateTimeOffset at)
    {
        var head = MessageHead.Parse(content.Head.Span);
        return new Acceptance
        {
            QueueId = queueId,
            At = at,
            Content = content,
            TraceFields = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"Return-Path: <>\r\nReceived: by {hostName} id {queueId};\r\n\t{Rfc5322Date.Format(at)}\r\n")),
            Head = head,
            ReversePath = "",
            Trace = new MessageTrace
            {
                QueueId = queueId,
                At = at,
                Source = source,
                ReversePath = "",
                MessageIdHeader = head.MessageId,
                SizeBytes = content.RawBytes,
                Outcome = TraceOutcome.Accepted,
                Rule = rule,
            },
        };
    }
}
