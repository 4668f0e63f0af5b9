namespace Portal.Core.Certificates;

/// <summary>What the default certificate of the TLS ports says of itself, for people.</summary>
/// <param name="Names">The DNS names it is for, with commas between them.</param>
/// <param name="Issuer">Who vouches for it.</param>
/// <param name="Until">The last moment it counts.</param>
/// <param name="IsSelfSigned">It is the one we made ourselves.</param>
/// <param name="Problem">Why it stands in for the one of the settings.</param>
public sealed record ShownCertificate(string Names, string Issuer, DateTimeOffset Until, bool IsSelfSigned, CertificateProblem Problem);
