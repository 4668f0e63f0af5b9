using System.Net;

namespace Portal.Smtp.Authentication.Spf;

/// <summary>What a check comes to (RFC 7208 §2.6).</summary>
public enum SpfStatus
{
    None,
    Neutral,
    Pass,
    Fail,
    SoftFail,
    TempError,
    PermError,
}

/// <summary>Whose right to send is asked for.</summary>
/// <param name="Client">Address of the client.</param>
/// <param name="Hello">What it called itself.</param>
/// <param name="Sender">The identity, "local@domain" (RFC 7208 §4.1).</param>
/// <param name="Domain">Domain whose record is asked; A-label form.</param>
/// <param name="Receiver">Our host name.</param>
internal sealed record SpfQuestion(IPAddress Client, string Hello, string Sender, string Domain, string Receiver)
{
    /// <summary>The sender's local part; "postmaster" where it has none (RFC 7208 §4.3).</summary>
    public string LocalPart => Sender.LastIndexOf('@') is > 0 and var at ? Sender[..at] : "postmaster";

    public string SenderDomain => Sender[(Sender.LastIndexOf('@') + 1)..];
}

/// <summary>An answer, and why.</summary>
/// <param name="Status">What it came to.</param>
/// <param name="Reason">The term of the record that decided, or what is wrong; for people.</param>
internal readonly record struct SpfResult(SpfStatus Status, string Reason)
{
    /// <summary>What the domain has to say about a <see cref="SpfStatus.Fail"/> (RFC 7208 §6.2), printable ASCII; null for nothing. Others' words.</summary>
    public string? Explanation { get; init; }
}
