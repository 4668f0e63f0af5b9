using Portal.Core.Policies;
using Portal.Core.Trace;
using Portal.Smtp.Authentication;
using Portal.Smtp.Authentication.Dmarc;
using Portal.Smtp.Authentication.Spf;
using Portal.Smtp.Protocol;
using Portal.Smtp.Receiving;
using Portal.Smtp.Signatures;

namespace Portal.Smtp.Checks;

/// <summary>
/// Follows what the author's domain asks for mail that is not proven to be its own (RFC 7489 §6.6.2); where it asks for nothing, what the
/// domain of the reverse-path says about its clients (RFC 7208 §8.4).
/// </summary>
internal sealed class DmarcCheck(CurrentPolicy<SenderPolicy> policies) : IMailCheck
{
    public async ValueTask<Verdict?> JudgeAsync(CheckedMail mail, EnvelopeRecipient recipient, CancellationToken cancel)
    {
        if (mail.Proof is not { } proof) return null;
        var policy = await policies.GetAsync(cancel);
        var dmarc = proof.Dmarc;
        if (dmarc.Status == DmarcStatus.Pass || TrustedSealer(proof, policy) is not null) return null;
        var verdict = Judge(proof, policy);
        // A sealer that is believed may vouch for it, once the DNS tells whether the seal is its own.
        var mayBeVouchedFor = proof.Arc.Status == ArcStatus.TempError && policy.TrustedSealers.Count > 0 && (proof.Arc.Sealers.Count == 0 || IsTrusted(proof.Arc.Sealers[0], policy));
        return verdict is { Kind: not DispositionKind.Defer } && mayBeVouchedFor && policy.OnDnsFailure == UnknownTreatment.PutOff
            ? new Verdict(DispositionKind.Defer, Rules.DmarcUnknown, TraceInputs.Told(("domain", dmarc.FromDomain), ("reason", proof.Arc.Reason))) { Reply = SmtpReply.SenderUnknown }
            : verdict;
    }

    /// <summary>
    /// Who, of the sealers that are believed, saw the one author proven: the oldest in an unbroken run from us back (RFC 8617 §5.2); null for
    /// nobody. What was added behind the seal, an author or text, nobody saw.
    /// </summary>
    public static string? TrustedSealer(SenderProof proof, SenderPolicy policy)
    {
        if (proof is not { Arc: { Status: ArcStatus.Pass, HasUnsignedBody: false } arc, Dmarc: { IsSole: true, IsEvasive: false } dmarc }) return null;
        ArcHop? oldest = null;
        foreach (var hop in arc.Sealers.TakeWhile(h => IsTrusted(h, policy))) oldest = hop;
        return oldest is { } sealer && arc.AuthenticationResults.TryGetValue(sealer.Instance, out var found) && AuthenticationResults.SaysDmarcPass(found, dmarc.FromDomain) ? sealer.Domain : null;
    }

    private static bool IsTrusted(ArcHop hop, SenderPolicy policy) => policy.TrustedSealers.Any(t => hop.Domain == t || hop.Domain.EndsWith("." + t, StringComparison.Ordinal));

    private static Verdict? Judge(SenderProof proof, SenderPolicy policy)
    {
        var dmarc = proof.Dmarc;
        if (dmarc.IsEvasive) return new Verdict(DispositionKind.Quarantine, Rules.AuthorsUnclear, TraceInputs.Told(("reason", dmarc.Reason)));
        if (dmarc.Policy is not null || dmarc.Status == DmarcStatus.TempError) return policy.FollowsDmarc ? JudgeDmarc(dmarc, policy) : null;
        return JudgeSpf(proof, policy);
    }

    private static Verdict? JudgeDmarc(DmarcResult dmarc, SenderPolicy policy)
    {
        var exception = dmarc.IsSole ? policy.OverrideFor(dmarc.FromDomain) : null;
        if (dmarc.Status == DmarcStatus.TempError)
        {
            // Unknown is neither: where nothing is asked for, or somebody decided already, nothing hangs on it.
            if (policy.OnDnsFailure == UnknownTreatment.Accept || exception is { Treatment: SenderTreatment.Accept } || (exception is null && dmarc.Policy == DmarcPolicy.None)) return null;
            return new Verdict(DispositionKind.Defer, Rules.DmarcUnknown, TraceInputs.Told(("domain", dmarc.FromDomain), ("reason", dmarc.Reason))) { Reply = SmtpReply.SenderUnknown };
        }

        var treatment = exception?.Treatment ?? dmarc.Requested switch
        {
            DmarcPolicy.Reject => SenderTreatment.Refuse,
            DmarcPolicy.Quarantine => SenderTreatment.Quarantine,
            _ => SenderTreatment.Accept,
        };
        return Treat(treatment, Rules.DmarcFailed, SmtpReply.DmarcFailed, TraceInputs.Told(("domain", dmarc.FromDomain), ("policy", dmarc.Policy.ToString()), ("requested", dmarc.Requested.ToString()), ("exception", exception?.Domain)));
    }

    private static Verdict? JudgeSpf(SenderProof proof, SenderPolicy policy)
    {
        if (proof.Spf.Status != SpfStatus.Fail || proof.IsSignedBy(proof.SpfDomain) || (proof.Dmarc.FromDomain.Length > 0 && proof.IsSignedBy(proof.Dmarc.FromDomain))) return null;
        return Treat(policy.OnSpfFail, Rules.SpfFailed, SmtpReply.SpfFailed, TraceInputs.Told(("domain", proof.SpfDomain), ("reason", proof.Spf.Reason), ("explanation", proof.Spf.Explanation)));
    }

    private static Verdict? Treat(SenderTreatment treatment, string rule, SmtpReply reply, IReadOnlyDictionary<string, string> inputs) => treatment switch
    {
        SenderTreatment.Refuse => new Verdict(DispositionKind.Reject, rule, inputs) { Reply = reply },
        SenderTreatment.Quarantine => new Verdict(DispositionKind.Quarantine, rule, inputs),
        SenderTreatment.Junk => new Verdict(DispositionKind.Junk, rule, inputs),
        _ => null,
    };
}
