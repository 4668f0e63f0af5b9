using System.Globalization;
using System.Text;
using MimeKit.Encodings;
using MimeKit.Utils;

namespace Portal.Smtp.Reports;

/// <summary>
/// Writes a DSN (RFC 3464; RFC 6533 where an address is beyond ASCII): a part for people in both languages, one for programs, and the
/// message or its header. The returned message goes in byte for byte, which is why no MIME library writes this.
/// </summary>
internal static class DsnWriter
{
    private static readonly Encoding Utf8 = new UTF8Encoding(false);

    public static byte[] Write(DsnReport report)
    {
        var isGlobal = !Ascii.IsValid(report.Recipient) || report.Recipients.Any(r => !Ascii.IsValid(r.ForwardPath) || !Ascii.IsValid(r.OriginalRecipient ?? ""));
        var boundary = $"=_dsn_{report.QueueId:N}";
        using var message = new MemoryStream();
        Header(message, report, boundary);
        Part(message, boundary, "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n", QuotedPrintable(Human(report)));
        Status(message, report, boundary, isGlobal);
        Original(message, report, boundary);
        Put(message, $"--{boundary}--\r\n");
        return message.ToArray();
    }

    /// <summary>The action that a subject and the order of a report go by: the worst first.</summary>
    private static DsnAction Worst(DsnReport report) => report.Recipients.Min(r => r.Action);

    private static void Header(MemoryStream message, DsnReport report, string boundary)
    {
        var subjectKey = $"Subject{Worst(report)}";
        Put(message, $"From: {Encoded($"{DsnText.English["Sender"]} / {DsnText.Chinese["Sender"]}")} <MAILER-DAEMON@{report.HostName}>\r\n");
        Put(message, $"To: <{report.Recipient}>\r\n");
        Put(message, $"Subject: {Encoded($"{DsnText.English[subjectKey]} / {DsnText.Chinese[subjectKey]}")}\r\n");
        Put(message, $"Date: {DateUtils.FormatDate(report.At)}\r\n");
        Put(message, $"Message-ID: <{report.QueueId:N}@{report.HostName}>\r\n");
        if (report.MessageIdHeader is { } original && IsPlain(original)) Put(message, $"In-Reply-To: <{original}>\r\nReferences: <{original}>\r\n");
        Put(message, "Auto-Submitted: auto-replied\r\n");   // RFC 3834 §5: no machine answers it
        Put(message, "MIME-Version: 1.0\r\n");
        Put(message, $"Content-Type: multipart/report; report-type=delivery-status;\r\n boundary=\"{boundary}\"\r\n\r\n");
    }

    private static string Human(DsnReport report)
    {
        var text = new StringBuilder();
        foreach (var words in new[] { DsnText.English, DsnText.Chinese })
        {
            if (text.Length > 0) text.Append("\r\n--------\r\n\r\n");
            text.Append(words.Say("Greeting", report.HostName)).Append("\r\n\r\n");
            foreach (var group in report.Recipients.GroupBy(r => r.Action).OrderBy(g => g.Key))
            {
                var until = group.Max(r => r.WillRetryUntil);
                text.Append(words.Say($"Intro{group.Key}", until is { } at ? at.ToUniversalTime().ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture) : "")).Append("\r\n\r\n");
                foreach (var recipient in group) Human(text, words, recipient);
            }

            text.Append(words[report.IsOriginalWhole ? "FooterFull" : "FooterHeaders"]).Append("\r\n");
        }

        return text.ToString();
    }

    private static void Human(StringBuilder text, BilingualText words, DsnRecipient recipient)
    {
        text.Append("  ").Append(recipient.ForwardPath).Append("\r\n    ").Append(words[recipient.Reason]).Append("\r\n");
        if (recipient.Reply is { } reply)
            text.Append("    ").Append(recipient.RemoteMta is { } mta ? words.Say("Said", mta) : words["SaidHere"]).Append("\r\n    ").Append(reply).Append("\r\n");
        text.Append("\r\n");
    }

    // RFC 3464 §2.1: fields for the message, then for each recipient, parted by empty lines.
    private static void Status(MemoryStream message, DsnReport report, string boundary, bool isGlobal)
    {
        var type = isGlobal ? "utf-8" : "rfc822";
        var fields = new StringBuilder();
        fields.Append(CultureInfo.InvariantCulture, $"Reporting-MTA: dns; {report.HostName}\r\n");
        if (report.EnvelopeId is { } id) fields.Append(CultureInfo.InvariantCulture, $"Original-Envelope-Id: {Clean(id, isGlobal)}\r\n");
        fields.Append(CultureInfo.InvariantCulture, $"Arrival-Date: {DateUtils.FormatDate(report.ArrivedAt)}\r\n");
        foreach (var recipient in report.Recipients.OrderBy(r => r.Action))
        {
            fields.Append("\r\n");
            if (recipient.OriginalRecipient is { } original) fields.Append(CultureInfo.InvariantCulture, $"Original-Recipient: {Clean(original, isGlobal)}\r\n");
            fields.Append(CultureInfo.InvariantCulture, $"Final-Recipient: {type}; {Clean(recipient.ForwardPath, isGlobal)}\r\n");
            fields.Append(CultureInfo.InvariantCulture, $"Action: {recipient.Action.ToString().ToLowerInvariant()}\r\nStatus: {recipient.Status}\r\n");
            if (recipient.RemoteMta is { } mta) fields.Append(CultureInfo.InvariantCulture, $"Remote-MTA: dns; {Clean(mta, isGlobal)}\r\n");
            // RFC 3464 §2.3.6: "smtp" only for what a server really said.
            if (recipient.Reply is { } reply) fields.Append(CultureInfo.InvariantCulture, $"Diagnostic-Code: {(recipient.RemoteMta is null ? "x-portal" : "smtp")}; {Clean(reply, isGlobal)}\r\n");
            fields.Append(CultureInfo.InvariantCulture, $"Last-Attempt-Date: {DateUtils.FormatDate(recipient.LastAttemptAt)}\r\n");
            if (recipient.WillRetryUntil is { } until) fields.Append(CultureInfo.InvariantCulture, $"Will-Retry-Until: {DateUtils.FormatDate(until)}\r\n");
        }

        if (isGlobal) Part(message, boundary, "Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: quoted-printable\r\n", QuotedPrintable(fields.ToString()));
        else Part(message, boundary, "Content-Type: message/delivery-status\r\n", Utf8.GetBytes(fields.ToString()));
    }

    private static void Original(MemoryStream message, DsnReport report, string boundary)
    {
        var original = report.Original.Span;
        var isAscii = Ascii.IsValid(original);
        if (report.IsOriginalWhole)
        {
            // RFC 6532 §3.7: with UTF-8 in its header it is a message/global.
            var head = original.IndexOf("\r\n\r\n"u8) is var end and >= 0 ? original[..end] : original;
            var type = Ascii.IsValid(head) ? "message/rfc822" : "message/global";
            Part(message, boundary, $"Content-Type: {type}\r\nContent-Transfer-Encoding: {(isAscii ? "7bit" : "8bit")}\r\n", original);
        }
        else if (isAscii && LongestLine(original) <= 998)
        {
            Part(message, boundary, "Content-Type: text/rfc822-headers\r\nContent-Transfer-Encoding: 7bit\r\n", original);
        }
        else
        {
            Part(message, boundary, $"Content-Type: {(isAscii ? "text/rfc822-headers" : "message/global-headers")}\r\nContent-Transfer-Encoding: quoted-printable\r\n", QuotedPrintable(original));
        }
    }

    private static void Part(MemoryStream message, string boundary, string header, ReadOnlySpan<byte> body)
    {
        Put(message, $"--{boundary}\r\n{header}\r\n");
        message.Write(body);
        Put(message, "\r\n");   // belongs to the boundary (RFC 2046 §5.1.1)
    }

    private static byte[] QuotedPrintable(string text) => QuotedPrintable(Utf8.GetBytes(text));

    private static byte[] QuotedPrintable(ReadOnlySpan<byte> text)
    {
        // Line by line: the breaks are ours and stay as they are.
        using var encoded = new MemoryStream();
        while (true)
        {
            var end = text.IndexOf("\r\n"u8);
            var line = (end < 0 ? text : text[..end]).ToArray();
            var encoder = new QuotedPrintableEncoder(72);
            var output = new byte[encoder.EstimateOutputLength(line.Length) + 8];
            var length = encoder.Flush(line, 0, line.Length, output);
            foreach (var octet in Unbroken(output.AsSpan(0, length))) encoded.WriteByte(octet);
            if (end < 0) return encoded.ToArray();
            encoded.Write("\r\n"u8);
            text = text[(end + 2)..];
        }
    }

    /// <summary>The encoder breaks lines with LF and ends unfinished ones with a soft break; mail has CRLF, and our line ends here.</summary>
    private static List<byte> Unbroken(ReadOnlySpan<byte> encoded)
    {
        if (encoded.EndsWith("=\n"u8)) encoded = encoded[..^2];
        var octets = new List<byte>(encoded.Length + 16);
        foreach (var octet in encoded)
        {
            if (octet == '\n') octets.Add((byte)'\r');
            octets.Add(octet);
        }

        return octets;
    }

    private static string Encoded(string text) => Encoding.ASCII.GetString(Rfc2047.EncodeText(Encoding.UTF8, text)).Replace("\r\n", "\n", StringComparison.Ordinal).Replace("\n", "\r\n", StringComparison.Ordinal);

    /// <summary>One line of printable text: what a peer said can't become a field of its own.</summary>
    private static string Clean(string text, bool isGlobal)
    {
        var clean = string.Concat(text.Select(c => char.IsControl(c) || (!isGlobal && c > '~') ? '?' : c));
        return clean.Length <= 900 ? clean : clean[..900];   // RFC 5322 §2.1.1
    }

    private static bool IsPlain(string messageId) => messageId.All(c => c is > ' ' and <= '~' and not ('<' or '>')) && messageId.Length < 900;

    private static int LongestLine(ReadOnlySpan<byte> text)
    {
        var longest = 0;
        foreach (var line in text.Split("\r\n"u8)) longest = Math.Max(longest, line.End.Value - line.Start.Value);
        return longest;
    }

    private static void Put(MemoryStream message, string text) => message.Write(Utf8.GetBytes(text));
}
