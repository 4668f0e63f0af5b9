using System.Globalization;

namespace Portal.Smtp.Signatures;

/// <summary>Adds an ARC set to a message that goes on (RFC 8617 §5.1).</summary>
internal static class ArcSealer
{
    /// <summary>Seals a message.</summary>
    /// <param name="header">The header as it goes out, without the new set and with every other change.</param>
    /// <param name="relaxedBodyHash">SHA-256 of the relaxed body as it goes out.</param>
    /// <param name="authenticationResults">What an Authentication-Results field of ours says: our name, a semicolon, results.</param>
    /// <param name="received">What the chain was worth when the message came.</param>
    /// <returns>Three fields that go above the header; empty where no set may be added: fifty are there, the chain has ended in "cv=fail", or its worth is unknown.</returns>
    public static byte[] Seal(SigningKey key, HeaderFields header, byte[] relaxedBodyHash, string authenticationResults, ArcResult received, DateTimeOffset at)
    {
        var chain = ArcChain.Of(header);
        if (chain.Highest >= ArcChain.MaxSets || chain.HasEnded || header.IsCut) return [];
        // Neither "pass" nor "fail" would be true; a chain without our set is whole for who can ask the DNS.
        if (received.Status == ArcStatus.TempError || (received.Status == ArcStatus.None && chain.Highest > 0)) return [];

        var isBroken = received.Status == ArcStatus.Fail || chain.Fault is not null;
        var verdict = isBroken ? ArcSeal.Fail : chain.Sets.Count == 0 ? ArcSeal.None : ArcSeal.Pass;
        var instance = chain.Highest + 1;
        var number = instance.ToString(CultureInfo.InvariantCulture);

        var results = ArcResultsField.Compose(instance, authenticationResults);
        var names = SignedFields.Of(header, DkimSignature.FieldName);   // §4.1.2: signatures that are there should be covered
        var signature = new SignatureField(ArcChain.MessageSignature)
            .Tag("i", number).Tag("a", key.Algorithm.Name()).Tag("c", "relaxed/relaxed").Tag("d", key.Domain).Tag("s", key.Selector)
            .Time(at).Names("h", names).Tag("bh", Convert.ToBase64String(relaxedBodyHash))
            .Sign(key, hash => SignatureCheck.WriteFields(hash, header, names, isRelaxed: true));

        HeaderField.TryRead(results, out var resultsField);
        HeaderField.TryRead(signature, out var signatureField);
        var seal = new SignatureField(ArcChain.Seal)
            .Tag("i", number).Tag("a", key.Algorithm.Name()).Time(at).Tag("cv", verdict).Tag("d", key.Domain).Tag("s", key.Selector)
            // §5.1.2: who finds the chain broken seals its own set only.
            .Sign(key, hash => ArcSeal.WriteCovered(hash, isBroken ? [] : chain.Sets, resultsField, signatureField));
        return [.. seal, .. signature, .. results];
    }
}
