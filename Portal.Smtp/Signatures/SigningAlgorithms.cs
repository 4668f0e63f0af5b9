using Portal.Core.Domains;

namespace Portal.Smtp.Signatures;

/// <summary>The algorithms that may sign, as signatures name them (RFC 8301 §3.1, RFC 8463 §3); rsa-sha1 may not.</summary>
internal static class SigningAlgorithms
{
    /// <summary>As "a=" has it.</summary>
    public static string Name(this SigningAlgorithm algorithm) => algorithm == SigningAlgorithm.RsaSha256 ? "rsa-sha256" : "ed25519-sha256";

    /// <summary>Reads "a="; the result is the fault, or null when <paramref name="algorithm"/> holds it.</summary>
    public static SignatureFault? Read(string? text, out SigningAlgorithm? algorithm)
    {
        algorithm = text switch
        {
            "rsa-sha256" => SigningAlgorithm.RsaSha256,
            "ed25519-sha256" => SigningAlgorithm.Ed25519Sha256,
            _ => null,
        };
        if (algorithm is not null) return null;
        return text is null ? SignatureFault.TagMissing : text == "rsa-sha1" ? SignatureFault.Sha1 : SignatureFault.UnknownAlgorithm;
    }
}
