using System.Globalization;
using System.Text;
using Portal.Core.Messages;
using Portal.Core.Queue;
using Portal.Smtp.Protocol;

namespace Portal.Smtp.Delivery;

/// <summary>Words an envelope as the commands of one transaction, with the parameters that the server has offered and the message needs (RFC 5321 §4.1.1, 1870, 3030, 3461, 6152, 6531).</summary>
internal static class EnvelopeCommands
{
    /// <summary>MAIL, one RCPT for each recipient wanted, and DATA where the content is not sent in chunks.</summary>
    public static List<string> Of(OutgoingMail mail, List<int> wanted, PeerExtensions offered, bool isChunked)
    {
        var utf8 = mail.Needs.HasFlag(MessageNeeds.Utf8Headers) || !Ascii.IsValid(mail.ReversePath) || wanted.Exists(i => !Ascii.IsValid(mail.Recipients[i].ForwardPath));
        var commands = new List<string>(wanted.Count + 2) { Mail(mail, offered, utf8, isChunked) };
        commands.AddRange(wanted.Select(i => Rcpt(mail.Recipients[i], offered)));
        if (!isChunked) commands.Add("DATA");
        return commands;
    }

    private static string Mail(OutgoingMail mail, PeerExtensions offered, bool utf8, bool isChunked)
    {
        var command = new StringBuilder($"MAIL FROM:<{Safe(mail.ReversePath)}>");
        if (offered.Size) command.Append(CultureInfo.InvariantCulture, $" SIZE={mail.SizeBytes}");
        if (isChunked && offered.BinaryMime) command.Append(" BODY=BINARYMIME");   // RFC 3030 §3
        else if (offered.EightBitMime && (mail.Needs.HasFlag(MessageNeeds.EightBit) || utf8)) command.Append(" BODY=8BITMIME");
        if (utf8) command.Append(" SMTPUTF8");
        if (offered.Dsn)
        {
            if (mail.Return != DsnReturn.Default) command.Append(mail.Return == DsnReturn.Full ? " RET=FULL" : " RET=HDRS");
            if (mail.EnvelopeId is { } id) command.Append(" ENVID=").Append(XtextWriter.Write(id));
        }

        return command.ToString();
    }

    private static string Rcpt(OutgoingRecipient recipient, PeerExtensions offered)
    {
        var command = new StringBuilder($"RCPT TO:<{Safe(recipient.ForwardPath)}>");
        if (!offered.Dsn) return command.ToString();

        if (recipient.Notify != DsnNotify.Default)
        {
            DsnNotify[] named = [DsnNotify.Never, DsnNotify.Success, DsnNotify.Failure, DsnNotify.Delay];
            command.Append(" NOTIFY=").AppendJoin(',', named.Where(n => recipient.Notify.HasFlag(n)).Select(n => n.ToString().ToUpperInvariant()));
        }

        if (recipient.OriginalRecipient?.Split(';', 2) is [var type, var address]) command.Append(" ORCPT=").Append(Safe(type)).Append(';').Append(XtextWriter.Write(address));
        return command.ToString();
    }

    /// <summary>An address that could end its command early never reaches the wire.</summary>
    private static string Safe(string path) =>
        path.AsSpan().IndexOfAnyInRange('\0', '\x1f') < 0 && !path.Contains('\x7f', StringComparison.Ordinal) ? path : throw new InvalidOperationException("An envelope address with control characters.");
}
