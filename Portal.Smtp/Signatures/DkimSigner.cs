namespace Portal.Smtp.Signatures;

/// <summary>Makes DKIM signatures, relaxed in header and body, so that what mail servers commonly do to both does not break them (RFC 6376 §5).</summary>
internal static class DkimSigner
{
    /// <summary>Signs a message.</summary>
    /// <param name="bodyHash">SHA-256 of the relaxed body (<see cref="BodyDigests.Relaxed"/>).</param>
    /// <returns>The whole field, folded, with its line end; it goes above the header.</returns>
    public static byte[] Sign(SigningKey key, HeaderFields header, byte[] bodyHash, DateTimeOffset at)
    {
        var names = SignedFields.Of(header);
        return new SignatureField(DkimSignature.FieldName)
            .Tag("v", "1")
            .Tag("a", key.Algorithm.Name())
            .Tag("c", "relaxed/relaxed")
            .Tag("d", key.Domain)
            .Tag("s", key.Selector)
            .Time(at)
            .Names("h", names)
            .Tag("bh", Convert.ToBase64String(bodyHash))
            .Sign(key, hash => SignatureCheck.WriteFields(hash, header, names, isRelaxed: true));
    }
}
