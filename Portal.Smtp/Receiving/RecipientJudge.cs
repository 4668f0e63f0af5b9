using Portal.Core.Addresses;
using Portal.Core.Recipients;
using Portal.Core.Trace;
using Portal.Smtp.Protocol;

namespace Portal.Smtp.Receiving;

/// <summary>A recipient taken, or refused; exactly one of the two.</summary>
internal readonly record struct Judgement(EnvelopeRecipient? Recipient, RefusedRecipient? Refusal);

/// <summary>Judges one forward-path where RFC 5321 wants it judged: at RCPT, so that nothing is bounced later to a forged sender (DESIGN §3).</summary>
internal sealed class RecipientJudge(RecipientDirectory directory, RecipientVerifier verifier)
{
    /// <summary>What a "postmaster" without a domain is kept as; a domain of this name need not be ours.</summary>
    public static readonly MailAddress BarePostmaster = MailAddress.Parse("postmaster@localhost");

    /// <param name="path">What RCPT named; its source route is gone already, so that only the final address counts.</param>
    /// <param name="declaredSizeBytes">SIZE of MAIL, for the quota; 0 when not given.</param>
    /// <param name="mayRelay">Whether the sender is one of our own people.</param>
    public async ValueTask<Judgement> JudgeAsync(SmtpPath path, long declaredSizeBytes, bool mayRelay, CancellationToken cancel)
    {
        if (path.IsBarePostmaster)
        {
            var postmaster = await directory.ResolvePostmasterAsync(declaredSizeBytes, cancel);
            return Conclude(BarePostmaster, "postmaster", postmaster, mayRelay: false);
        }

        if (!MailAddress.TryParse(path.ToString(), out var address)) return new(null, new RefusedRecipient(path.ToString(), Rules.RecipientMalformed, SmtpReply.BadRecipientAddress));
        var judgement = Conclude(address, address.Folded, await directory.ResolveAsync(address, declaredSizeBytes, cancel), mayRelay);
        return judgement.Recipient?.Resolution.Ask is { } host && !mayRelay && await RefusalOnwardAsync(address, host, cancel) is { } refusal ? new(null, refusal) : judgement;
    }

    /// <summary>The same for an address already read.</summary>
    public async ValueTask<Judgement> JudgeAsync(MailAddress address, long declaredSizeBytes, CancellationToken cancel) =>
        Conclude(address, address.Folded, await directory.ResolveAsync(address, declaredSizeBytes, cancel), mayRelay: true);

    /// <summary>Strangers' mail is taken only when the host that has the mailbox takes it too; our own people hear of a failure by DSN.</summary>
    private async ValueTask<RefusedRecipient?> RefusalOnwardAsync(MailAddress address, OnwardHost host, CancellationToken cancel)
    {
        var answer = await verifier.VerifyAsync(address, host, cancel);
        var inputs = TraceInputs.Told(("onwardReply", answer.Reply));
        return answer.Verdict switch
        {
            OnwardVerdict.Refuses => new RefusedRecipient(address.Folded, RecipientRules.RefusedOnward, SmtpReply.UnknownRecipient) { Inputs = inputs },
            OnwardVerdict.Silent => new RefusedRecipient(address.Folded, RecipientRules.OnwardSilent, SmtpReply.OnwardSilent) { Inputs = inputs },
            _ => null,
        };
    }

    /// <summary>A forward-path as the trace names it.</summary>
    public static string TextOf(SmtpPath path) => MailAddress.TryParse(path.ToString(), out var address) ? address.Folded : path.ToString();

    private static Judgement Conclude(MailAddress address, string text, RecipientResolution resolution, bool mayRelay)
    {
        // "user%other.example@ours.example" and its kin ask for a relay; only a name registered exactly like this is none, a catch-all is.
        var isDisguised = resolution.State == RecipientState.Unknown || resolution.IsCatchAll || resolution.Ask is not null;
        if (isDisguised && address.LocalPart.AsSpan().ContainsAny('%', '!', '@')) return Refuse(text, Rules.RelayDisguised, SmtpReply.RelayDenied);

        return resolution.State switch
        {
            RecipientState.Ok or RecipientState.GoesOn => new(new EnvelopeRecipient(address, resolution), null),
            RecipientState.NotLocal when mayRelay => new(new EnvelopeRecipient(address, resolution), null),
            RecipientState.NotLocal => Refuse(text, Rules.RelayDenied, SmtpReply.RelayDenied),
            _ => new(null, new RefusedRecipient(text, resolution.Rule, ReplyOf(resolution.State)) { Inputs = resolution.Inputs }),
        };
    }

    /// <summary>What a recipient hears that a domain of ours does not take.</summary>
    public static SmtpReply ReplyOf(RecipientState state) => state switch
    {
        RecipientState.Unknown => SmtpReply.UnknownRecipient,
        RecipientState.Disabled => SmtpReply.MailboxDisabled,
        RecipientState.QuotaFull => SmtpReply.MailboxFull,
        RecipientState.QuotaExceeded => SmtpReply.MailboxQuotaExceeded,
        RecipientState.Loop => SmtpReply.MailLoop,
        _ => throw new InvalidOperationException($"No reply is known for the recipient state {state}."),
    };

    private static Judgement Refuse(string recipient, string rule, SmtpReply reply) => new(null, new RefusedRecipient(recipient, rule, reply));
}
