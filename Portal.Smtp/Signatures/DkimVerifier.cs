using Portal.Smtp.Dns;

namespace Portal.Smtp.Signatures;

/// <summary>Verifies the DKIM signatures of a message (RFC 6376 §6, RFC 8301, RFC 8463) on its exact octets; never fails, whatever they are.</summary>
internal sealed class DkimVerifier(IMailDns dns, TimeProvider clock)
{
    /// <summary>No more signatures are looked at, since each asks the DNS and has to be calculated; the uppermost count.</summary>
    public const int MaxSignatures = 10;

    /// <summary>One result a signature, in the order of the header; empty when there is none.</summary>
    /// <param name="body">Made from the same header, completed.</param>
    public async Task<IReadOnlyList<DkimResult>> VerifyAsync(HeaderFields header, BodyDigests body, CancellationToken cancel)
    {
        DkimSignature[] signatures = [.. header.Named(DkimSignature.FieldName, MaxSignatures).Select(f => DkimSignature.Parse(f))];
        if (signatures.Length == 0) return [];
        var keys = new KeyLookup(dns);
        return await Task.WhenAll(signatures.Select(s => VerifyAsync(header, s, keys, body, cancel)));
    }

    private async Task<DkimResult> VerifyAsync(HeaderFields header, DkimSignature signature, KeyLookup keys, BodyDigests body, CancellationToken cancel)
    {
        if (signature.Fault is { } fault) return Result(signature, fault);
        if (header.IsCut) return Result(signature, SignatureFault.HeaderTooLong);
        if (signature.HasExpired(clock.GetUtcNow())) return Result(signature, SignatureFault.Expired);

        var key = await keys.FindAsync(signature.Selector, signature.Domain, cancel);
        return Result(signature, SignatureCheck.Run(header, signature, key, body)) with
        {
            IsTesting = key.IsTesting,
            HasUnsignedBody = body.Find(signature) is { LeavesRest: true },
        };
    }

    private static DkimResult Result(DkimSignature signature, SignatureFault? fault) => new(fault?.Status ?? DkimStatus.Pass, fault?.Reason ?? "")
    {
        Domain = signature.Domain,
        Selector = signature.Selector,
        Identity = signature.Identity,
        Algorithm = signature.Algorithm?.Name() ?? "",
        SignatureStart = signature.SignatureStart,
    };
}
