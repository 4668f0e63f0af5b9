using System.Net;
using Portal.Core.Trace;

namespace Portal.Smtp.Receiving;

/// <summary>Where a message comes from: what Received and the trace tell of the client.</summary>
/// <param name="Source">The door.</param>
/// <param name="Client">Its network address; null for mail written in the portal.</param>
/// <param name="Hello">What it called itself in EHLO or HELO; null for mail written in the portal.</param>
internal sealed record Origin(TraceSource Source, IPAddress? Client, string? Hello)
{
    /// <summary>Names the SMTP session in log and trace; null for mail written in the portal.</summary>
    public string? SessionId { get; init; }

    /// <summary>Whether it greeted with EHLO.</summary>
    public bool IsExtended { get; init; }

    /// <summary>Protocol and cipher suite; null in clear.</summary>
    public string? Tls { get; init; }

    /// <summary>Who is authenticated; null for nobody.</summary>
    public Guid? AccountId { get; init; }

    /// <summary>Security stamp they authenticated under; null where the portal has looked at it already.</summary>
    public string? SecurityStamp { get; init; }

    /// <summary>Whether the rules of RFC 6409 hold: sender rights, header repair.</summary>
    public bool IsSubmission => Source is TraceSource.Submission or TraceSource.Portal;
}
