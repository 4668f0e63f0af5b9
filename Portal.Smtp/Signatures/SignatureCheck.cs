namespace Portal.Smtp.Signatures;

/// <summary>A signature against header, body and key (RFC 6376 §6.1.3).</summary>
internal static class SignatureCheck
{
    /// <summary>What is wrong; null when it verifies.</summary>
    public static SignatureFault? Run(HeaderFields header, DkimSignature signature, DkimKeyRecord key, BodyDigests body)
    {
        if (key.FaultFor(signature) is { } fault) return fault;
        if (body.Find(signature) is not { } hash) return SignatureFault.BodyTooShort;
        if (!hash.Octets.Span.SequenceEqual(signature.BodyHash.Span)) return SignatureFault.BodyDiffers;
        return key.Verifies(HeaderHash(header, signature), signature.Signature.Span) ? null : SignatureFault.SignatureDiffers;
    }

    // RFC 6376 §3.7: the listed fields in their order, then the signature's own with an empty "b=".
    private static byte[] HeaderHash(HeaderFields header, DkimSignature signature)
    {
        using var output = new HashWriter();
        WriteFields(output, header, signature.SignedFields, signature.IsHeaderRelaxed, signature.Field);
        HeaderCanonicalisation.WriteUnsigned(output, signature.Field, signature.IsHeaderRelaxed);
        return output.Current();
    }

    /// <summary>Writes the fields that a signature lists.</summary>
    public static void WriteFields(HashWriter output, HeaderFields header, IEnumerable<string> names, bool isRelaxed, HeaderField? except = null)
    {
        var selection = new FieldSelection(header, except);
        foreach (var name in names)
        {
            if (selection.Next(name) is { } field) HeaderCanonicalisation.Write(output, field, isRelaxed);   // §3.5 "h=": one that is not there stands for nothing
        }
    }
}
