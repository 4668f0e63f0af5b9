using Portal.Smtp.Protocol;

namespace Portal.Smtp.Server;

/// <summary>What must hold before a verb is handled; the session checks it once (RFC 5321 §4.1.4).</summary>
[Flags]
internal enum Needs
{
    None = 0,

    /// <summary>EHLO or HELO came.</summary>
    Hello = 1,

    /// <summary>No mail transaction is open.</summary>
    NoEnvelope = 2,

    /// <summary>MAIL came.</summary>
    Envelope = 4,

    /// <summary>No BDAT has come in this transaction (RFC 3030 §2).</summary>
    NoChunks = 8,

    /// <summary>On submission ports: somebody is authenticated (RFC 6409 §4.3).</summary>
    Authentication = 16,
}

/// <summary>A verb. It returns its reply and never writes to the wire itself. To add one: a file in Commands/, a line in SmtpServices, a transcript.</summary>
internal interface ISmtpCommand
{
    string Verb { get; }

    Needs Needs => Needs.None;

    /// <summary>What a fault of ours is answered with.</summary>
    SmtpReply Fault => SmtpReply.LocalError;

    ValueTask<SmtpReply> HandleAsync(SmtpSession session, string argument, CancellationToken cancel);
}
