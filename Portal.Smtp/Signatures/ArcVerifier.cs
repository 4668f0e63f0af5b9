using Portal.Smtp.Dns;

namespace Portal.Smtp.Signatures;

/// <summary>Validates the ARC chain of a message (RFC 8617 §5.2); never fails, whatever the octets are.</summary>
internal sealed class ArcVerifier(IMailDns dns, TimeProvider clock)
{
    /// <summary>Validates.</summary>
    /// <param name="body">Made from the same header, completed.</param>
    public async Task<ArcResult> VerifyAsync(HeaderFields header, BodyDigests body, CancellationToken cancel)
    {
        var chain = ArcChain.Of(header);
        if (chain.Fault is not null) return new ArcResult(ArcStatus.Fail, chain.Fault);
        if (chain.Sets.Count == 0) return ArcResult.None;

        var keys = new KeyLookup(dns);
        var fault = await MessageFaultAsync(header, chain.Sets[^1], keys, body, cancel) ?? await SealFaultAsync(chain, keys, cancel);
        var status = fault?.Status switch
        {
            null => ArcStatus.Pass,
            DkimStatus.TempError => ArcStatus.TempError,
            _ => ArcStatus.Fail,
        };
        return new ArcResult(status, fault?.Reason ?? "")
        {
            Sealers = [.. chain.Sets.Reverse().Select(s => new ArcHop(s.Instance, s.Seal.Domain, s.Seal.Selector))],
            AuthenticationResults = chain.Sets.ToDictionary(s => s.Instance, s => s.AuthenticationResults),
            HasUnsignedBody = body.Find(chain.Sets[^1].MessageSignature) is { LeavesRest: true },
            OldestPass = fault is null ? await OldestPassAsync(header, chain, keys, body, cancel) : null,
        };
    }

    // Step 4: the newest message signature must hold.
    private async Task<SignatureFault?> MessageFaultAsync(HeaderFields header, ArcSet set, KeyLookup keys, BodyDigests body, CancellationToken cancel)
    {
        var signature = set.MessageSignature;
        if (signature.Fault is not null) return signature.Fault;
        if (signature.HasExpired(clock.GetUtcNow())) return SignatureFault.Expired;
        return SignatureCheck.Run(header, signature, await keys.FindAsync(signature.Selector, signature.Domain, cancel), body);
    }

    // Step 6: every seal, the newest first. A seal that is wrong fails the chain even where the DNS is silent about another.
    private static async Task<SignatureFault?> SealFaultAsync(ArcChain chain, KeyLookup keys, CancellationToken cancel)
    {
        var records = await Task.WhenAll(chain.Sets.Select(s => keys.FindAsync(s.Seal.Selector, s.Seal.Domain, cancel)));
        SignatureFault? silent = null;
        for (var i = chain.Sets.Count - 1; i >= 0; i--)
        {
            var fault = SealFault(chain, i, records[i]);
            if (fault is { Status: not DkimStatus.TempError }) return fault;
            silent ??= fault;
        }

        return silent;
    }

    private static SignatureFault? SealFault(ArcChain chain, int index, DkimKeyRecord key)
    {
        var set = chain.Sets[index];
        if (key.FaultFor(set.Seal.Algorithm) is { } fault) return fault;
        using var hash = new HashWriter();
        ArcSeal.WriteCovered(hash, chain.Sets.Take(index), set.ResultsField, set.MessageSignature.Field);
        HeaderCanonicalisation.WriteUnsigned(hash, set.Seal.Field, isRelaxed: true);
        return key.Verifies(hash.Current(), set.Seal.Signature.Span) ? null : SignatureFault.SignatureDiffers;
    }

    // Step 5, optional: how far back the message is still what it was.
    private async Task<int> OldestPassAsync(HeaderFields header, ArcChain chain, KeyLookup keys, BodyDigests body, CancellationToken cancel)
    {
        for (var i = chain.Sets.Count - 2; i >= 0; i--)
        {
            if (await MessageFaultAsync(header, chain.Sets[i], keys, body, cancel) is not null) return i + 2;
        }

        return 0;
    }
}
