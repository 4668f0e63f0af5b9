using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Portal.Smtp.Protocol;

namespace Portal.Smtp.Receiving;

/// <summary>
/// Return-Path and Received, put in front of every message (RFC 5321 §4.4), the same for all recipients. Return-Path is the first
/// line, so that the courier can leave it out: it belongs to final delivery only.
/// </summary>
internal static class TraceFields
{
    /// <param name="recipient">Named in the FOR clause; null when there are several, which must not learn of each other.</param>
    /// <param name="addedFields">What else we put in front: it stands above our Received, as it was written after the message came (RFC 8601 §4, RFC 6376 §5.6).</param>
    public static byte[] Write(Origin origin, SmtpPath reversePath, bool isUtf8, Guid queueId, string? recipient, string hostName, DateTimeOffset at, ReadOnlySpan<byte> addedFields = default)
    {
        var text = new StringBuilder(256);
        text.Append("Received: ");
        if (origin.Client is { } client) text.Append(CultureInfo.InvariantCulture, $"from {Clean(origin.Hello)} ({Literal(client)})\r\n\t");
        text.Append(CultureInfo.InvariantCulture, $"by {hostName} with {Protocol(origin, isUtf8)} id {queueId}");
        if (recipient is not null && Ascii.IsValid(recipient)) text.Append(CultureInfo.InvariantCulture, $"\r\n\tfor <{recipient}>");
        text.Append(CultureInfo.InvariantCulture, $";\r\n\t{Rfc5322Date.Format(at)}\r\n");
        return [.. Encoding.UTF8.GetBytes($"Return-Path: <{reversePath}>\r\n"), .. addedFields, .. Encoding.UTF8.GetBytes(text.ToString())];
    }

    // RFC 3848 and RFC 6531 §4.3 register what may stand after "with".
    private static string Protocol(Origin origin, bool isUtf8)
    {
        if (origin.Client is null) return "HTTP";
        var name = isUtf8 ? "UTF8SMTP" : origin.IsExtended ? "ESMTP" : "SMTP";
        if (name == "SMTP") return name;
        if (origin.Tls is not null) name += "S";
        return origin.AccountId is null ? name : name + "A";
    }

    private static string Literal(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[IPv6:{address}]" : $"[{address}]";

    // What a client calls itself may hold anything; here it stands in a header.
    private static string Clean(string? hello) =>
        hello is null ? "unknown" : string.Concat(hello.Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' or ':' or '[' or ']' ? c : '?'));
}
