namespace Portal.Core.Addresses;

/// <summary>How a connection to a host that somebody has named is secured.</summary>
public enum RouteTls
{
    /// <summary>STARTTLS when offered.</summary>
    Opportunistic,

    /// <summary>STARTTLS or nothing; the certificate must be valid.</summary>
    Required,

    /// <summary>TLS from the first byte; the certificate must be valid.</summary>
    Implicit,

    /// <summary>Never: for a host on the same machine.</summary>
    None,
}
