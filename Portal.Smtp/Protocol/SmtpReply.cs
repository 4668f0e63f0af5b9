using System.Buffers;
using System.Globalization;
using System.Text;

namespace Portal.Smtp.Protocol;

/// <summary>One reply: code, enhanced status and public text travel together (RFC 5321 §4.2, RFC 2034).</summary>
/// <param name="Code">Reply code of three digits.</param>
/// <param name="Status">Enhanced status code (RFC 3463); empty where RFC 2034 §4 has none: greeting, EHLO, 354, 334.</param>
/// <param name="Text">Text in US-ASCII; several lines are parted by a line feed.</param>
/// <param name="Close">Whether we end the session after it.</param>
public sealed record SmtpReply(int Code, string Status, string Text, bool Close = false)
{
    public static readonly SmtpReply Ok = new(250, "2.0.0", "OK");
    public static readonly SmtpReply SenderOk = new(250, "2.1.0", "Sender OK");
    public static readonly SmtpReply RecipientOk = new(250, "2.1.5", "Recipient OK");
    public static readonly SmtpReply ChunkOk = new(250, "2.0.0", "Chunk received");
    public static readonly SmtpReply StartMail = new(354, "", "Send the message, end with a line that holds only a dot");
    public static readonly SmtpReply StartTls = new(220, "2.0.0", "Ready to start TLS");
    public static readonly SmtpReply Goodbye = new(221, "2.0.0", "Goodbye", Close: true);
    public static readonly SmtpReply CannotVerify = new(252, "2.5.0", "Cannot verify, send the mail and it will be tried");
    public static readonly SmtpReply Authenticated = new(235, "2.7.0", "Authentication succeeded");

    public static readonly SmtpReply TimedOut = new(421, "4.4.2", "Timeout, closing the connection", Close: true);
    public static readonly SmtpReply TooSlow = new(421, "4.4.2", "Too slow, closing the connection", Close: true);
    public static readonly SmtpReply SessionTooLong = new(421, "4.4.2", "Session too long, closing the connection", Close: true);
    public static readonly SmtpReply ShuttingDown = new(421, "4.3.2", "Service is shutting down, try again later", Close: true);
    public static readonly SmtpReply TooManyErrors = new(421, "4.7.0", "Too many errors, closing the connection", Close: true);
    public static readonly SmtpReply AccountEnded = new(421, "4.7.0", "Authentication is no longer valid, closing the connection", Close: true);
    public static readonly SmtpReply NoPlace = new(421, "4.3.2", "Too many connections, try again later", Close: true);
    public static readonly SmtpReply TooManyConnections = new(421, "4.7.0", "Too many connections from your network, try again later", Close: true);

    public static readonly SmtpReply LocalError = new(451, "4.3.0", "Local error, try again later");
    public static readonly SmtpReply PutOff = new(451, "4.7.1", "Message put off, try again later");
    public static readonly SmtpReply SenderUnknown = new(451, "4.4.3", "The DNS does not tell now whether this message is from its author, try again later");
    public static readonly SmtpReply OnwardSilent = new(451, "4.4.1", "The server that holds the mailbox does not tell now whether it takes this mail, try again later");
    public static readonly SmtpReply MailboxFull = new(452, "4.2.2", "Mailbox is full, try again later");
    public static readonly SmtpReply NoRoom = new(452, "4.3.1", "Insufficient system storage, try again later");
    public static readonly SmtpReply TooManyRecipients = new(452, "4.5.3", "Too many recipients");
    public static readonly SmtpReply AuthenticationLater = new(454, "4.7.0", "Temporary authentication failure, try again later");
    public static readonly SmtpReply TlsUnavailable = new(454, "4.7.0", "TLS is not available, try again later");

    public static readonly SmtpReply UnknownCommand = new(500, "5.5.1", "Command not recognised");
    public static readonly SmtpReply BadLine = new(500, "5.5.2", "Command line has bad octets");
    public static readonly SmtpReply LineTooLong = new(500, "5.5.2", "Command line too long");
    public static readonly SmtpReply AuthenticationLineTooLong = new(500, "5.5.6", "Authentication exchange line is too long");
    public static readonly SmtpReply BadSyntax = new(501, "5.5.2", "Syntax error");
    public static readonly SmtpReply BadArgument = new(501, "5.5.4", "Syntax error in parameters");
    public static readonly SmtpReply NoArgument = new(501, "5.5.4", "This command takes no parameter");
    public static readonly SmtpReply BadChunk = new(501, "5.5.4", "Bad chunk size, closing the connection", Close: true);
    public static readonly SmtpReply BadSenderAddress = new(501, "5.1.7", "Bad sender address syntax");
    public static readonly SmtpReply BadRecipientAddress = new(501, "5.1.3", "Bad recipient address syntax");
    public static readonly SmtpReply AuthenticationCancelled = new(501, "5.7.0", "Authentication cancelled");
    public static readonly SmtpReply BadAuthenticationData = new(501, "5.5.2", "Cannot decode the response");
    public static readonly SmtpReply NotAvailable = new(502, "5.5.1", "Command not available here");
    public static readonly SmtpReply BadSequence = new(503, "5.5.1", "Bad sequence of commands");
    public static readonly SmtpReply AlreadySecure = new(503, "5.5.1", "TLS is already active");
    public static readonly SmtpReply AlreadyAuthenticated = new(503, "5.5.1", "Already authenticated");
    public static readonly SmtpReply UnknownMechanism = new(504, "5.5.4", "Authentication mechanism not supported");
    public static readonly SmtpReply AuthenticationRequired = new(530, "5.7.0", "Authentication required");
    public static readonly SmtpReply StartTlsFirst = new(530, "5.7.0", "Must issue a STARTTLS command first");
    public static readonly SmtpReply AuthenticationFailed = new(535, "5.7.8", "Authentication credentials invalid");
    public static readonly SmtpReply EncryptionRequired = new(538, "5.7.11", "Encryption required for this authentication mechanism");

    public static readonly SmtpReply UnknownRecipient = new(550, "5.1.1", "Recipient does not exist here");
    public static readonly SmtpReply MailboxDisabled = new(550, "5.2.1", "Mailbox is disabled");
    public static readonly SmtpReply MailLoop = new(550, "5.4.6", "Forwarding loop");
    public static readonly SmtpReply LineTooLongInText = new(550, "5.6.0", "Message has a line that is too long");
    public static readonly SmtpReply BareBreak = new(550, "5.6.11", "Message has a bare carriage return or line feed");
    public static readonly SmtpReply RelayDenied = new(550, "5.7.1", "Relaying denied");
    public static readonly SmtpReply HeaderFromNotOwned = new(550, "5.7.1", "The From header names an address that is not yours");
    public static readonly SmtpReply BadHeaderFrom = new(550, "5.6.0", "The From header cannot be read");
    public static readonly SmtpReply Rejected = new(550, "5.7.1", "Message refused");
    public static readonly SmtpReply SenderRefused = new(550, "5.7.1", "This sender is refused here");
    public static readonly SmtpReply OnlyReports = new(550, "5.7.1", "Only reports, with the null sender, are taken for this address");
    public static readonly SmtpReply DmarcFailed = new(550, "5.7.1", "Not proven to be from its author, whose domain asks to refuse such mail (DMARC)");
    public static readonly SmtpReply SpfFailed = new(550, "5.7.23", "The domain of the sender does not let your address send for it (SPF)");
    public static readonly SmtpReply MailboxQuotaExceeded = new(552, "5.2.2", "Mailbox is over its quota");
    public static readonly SmtpReply MessageTooLarge = new(552, "5.3.4", "Message exceeds the size limit");
    public static readonly SmtpReply HeaderTooLarge = new(552, "5.3.4", "Message header exceeds the size limit");
    public static readonly SmtpReply Utf8NotAnnounced = new(553, "5.6.7", "Address needs SMTPUTF8");
    public static readonly SmtpReply SenderNotOwned = new(553, "5.7.1", "Sender address is not yours");
    public static readonly SmtpReply NoRecipients = new(554, "5.5.1", "No valid recipients");
    public static readonly SmtpReply TooManyHops = new(554, "5.4.6", "Too many hops, the message loops");
    public static readonly SmtpReply MessageLoops = new(554, "5.4.6", "Mail loop: the message has passed this address before");
    public static readonly SmtpReply UnknownParameter = new(555, "5.5.4", "Parameter not recognised");

    /// <summary>250 for an accepted message; the queue id is what people find it by.</summary>
    public static SmtpReply Queued(Guid queueId) => new(250, "2.0.0", $"Queued as {queueId}");

    /// <summary>A 5yz reply: a retry can never help; what the error limit counts.</summary>
    public bool IsPermanentFailure => Code >= 500;

    /// <summary>Code, status and text as one line, as the trace keeps it.</summary>
    public override string ToString() => Status.Length == 0 ? $"{Code} {Text}" : $"{Code} {Status} {Text}";

    /// <summary>Writes the wire form; in a reply of several lines all but the last have a hyphen after the code (RFC 5321 §4.2.1).</summary>
    public void WriteTo(IBufferWriter<byte> output)
    {
        var text = Text.AsSpan();
        while (true)
        {
            var end = text.IndexOf('\n');
            var line = end < 0 ? text : text[..end];
            WriteLine(output, line, isLast: end < 0);
            if (end < 0) return;
            text = text[(end + 1)..];
        }
    }

    private void WriteLine(IBufferWriter<byte> output, ReadOnlySpan<char> line, bool isLast)
    {
        var span = output.GetSpan(3 + 1 + Status.Length + 1 + Encoding.UTF8.GetMaxByteCount(line.Length) + 2);
        Code.TryFormat(span, out var length, default, CultureInfo.InvariantCulture);
        span[length++] = isLast ? (byte)' ' : (byte)'-';
        if (Status.Length > 0)
        {
            length += Encoding.ASCII.GetBytes(Status, span[length..]);
            span[length++] = (byte)' ';
        }

        length += Encoding.UTF8.GetBytes(line, span[length..]);
        span[length++] = (byte)'\r';
        span[length++] = (byte)'\n';
        output.Advance(length);
    }
}
