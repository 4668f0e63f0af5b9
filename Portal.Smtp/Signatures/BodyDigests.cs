namespace Portal.Smtp.Signatures;

/// <summary>A hash of a body and whether octets of the body lie outside it ("l=").</summary>
internal readonly record struct BodyHash(ReadOnlyMemory<byte> Octets, bool LeavesRest);

/// <summary>The hashes of one body that the signatures in its header need, two passes of SHA-256 at most; none, and no memory, where there is no signature.</summary>
internal sealed class BodyDigests : IDisposable
{
    /// <summary>For a message without signatures.</summary>
    public static readonly BodyDigests None = new();

    private BodyDigest? simple;
    private BodyDigest? relaxed;

    private BodyDigests()
    {
    }

    /// <summary>The relaxed hash of the whole body, for who signs; null when not asked for, or before <see cref="Complete"/>.</summary>
    public byte[]? Relaxed => relaxed?.Whole;

    /// <summary>What the signatures of a header need.</summary>
    /// <param name="forSigning">Makes <see cref="Relaxed"/> in any case.</param>
    public static BodyDigests Of(HeaderFields header, bool forSigning = false)
    {
        BodyDigests? digests = null;
        if (!header.IsCut)
        {
            foreach (var field in header.Named(DkimSignature.FieldName, DkimVerifier.MaxSignatures)) Want(ref digests, DkimSignature.Parse(field));
            foreach (var field in header.Named(ArcChain.MessageSignature, ArcChain.MaxSets)) Want(ref digests, DkimSignature.Parse(field, isArc: true));
        }

        if (forSigning) (digests ??= new BodyDigests()).relaxed ??= new BodyDigest(isRelaxed: true);
        return digests ?? None;
    }

    /// <summary>Takes the next piece of the body.</summary>
    public void Append(ReadOnlySpan<byte> octets)
    {
        simple?.Append(octets);
        relaxed?.Append(octets);
    }

    /// <summary>Says that the body has ended; the hashes can be asked for now.</summary>
    public void Complete()
    {
        simple?.Complete();
        relaxed?.Complete();
    }

    /// <summary>The hash that a signature's "bh=" must equal; null when the body is shorter than its "l=".</summary>
    public BodyHash? Find(DkimSignature signature)
    {
        var digest = signature.IsBodyRelaxed ? relaxed : simple;
        if (signature.BodyLength is not { } length) return digest?.Whole is { } whole ? new BodyHash(whole, false) : null;
        return digest?.At(length) is { } part ? new BodyHash(part, digest.Length > length) : null;
    }

    public void Dispose()
    {
        simple?.Dispose();
        relaxed?.Dispose();
    }

    private static void Want(ref BodyDigests? digests, DkimSignature signature)
    {
        if (signature.Fault is not null) return;
        digests ??= new BodyDigests();
        var digest = signature.IsBodyRelaxed ? digests.relaxed ??= new BodyDigest(isRelaxed: true) : digests.simple ??= new BodyDigest(isRelaxed: false);
        if (signature.BodyLength is { } length) digest.Want(length);
    }
}
