using Portal.Core.Lists;
using Portal.Smtp.Protocol;
using Portal.Smtp.Receiving;

namespace Portal.Smtp.Checks;

/// <summary>
/// What people decided about a sender, before any check that could be wrong about it: let through, kept back or refused. Mail of our own
/// people is none of its business.
/// </summary>
internal sealed class ListCheck(SenderLists lists) : IMailCheck
{
    public async ValueTask<Verdict?> JudgeAsync(CheckedMail mail, EnvelopeRecipient recipient, CancellationToken cancel)
    {
        if (mail.Origin.IsSubmission || IsPostmaster(recipient) || await lists.AreEmptyAsync(cancel)) return null;
        var domain = recipient.Resolution.DomainId;
        if (!mail.Listed.TryGetValue(domain ?? Guid.Empty, out var answer)) mail.Listed[domain ?? Guid.Empty] = answer = await lists.FindAsync(mail.Sender, domain, cancel);
        if (answer is null) return null;
        lists.Count(answer.Decisive);
        return answer.Decisive.Kind switch
        {
            ListKind.Allow => new Verdict(DispositionKind.Deliver, Rules.SenderAllowed, InputsOf(answer)),
            ListKind.Quarantine => new Verdict(DispositionKind.Quarantine, Rules.SenderQuarantined, InputsOf(answer)),
            _ => new Verdict(DispositionKind.Reject, Rules.SenderRefused, InputsOf(answer)) { Reply = SmtpReply.SenderRefused },
        };
    }

    /// <summary>Refuses at RCPT what envelope and network decide alone; null for a recipient that is taken for now.</summary>
    public async ValueTask<RefusedRecipient?> RefusalAsync(Origin origin, Envelope envelope, EnvelopeRecipient recipient, CancellationToken cancel)
    {
        if (origin.IsSubmission || IsPostmaster(recipient) || await lists.AreEmptyAsync(cancel)) return null;
        if (await lists.FindRefusalAsync(SenderFacts.OfEnvelope(envelope.ReversePath.ToString(), origin.Client), recipient.Resolution.DomainId, cancel) is not { } answer) return null;
        lists.Count(answer.Decisive);
        return new RefusedRecipient(recipient.Address.Folded, Rules.SenderRefused, SmtpReply.SenderRefused) { Inputs = InputsOf(answer) };
    }

    // RFC 5321 §4.5.1: whoever is refused by mistake must be able to say so to somebody.
    private static bool IsPostmaster(EnvelopeRecipient recipient) => recipient.Address.FoldedLocalPart == "postmaster";

    private static Dictionary<string, string> InputsOf(ListAnswer answer)
    {
        var inputs = new Dictionary<string, string> { ["listed"] = answer.Decisive.Pattern };
        if (answer.Decisive.Domain is { } domain) inputs["listedFor"] = domain;
        if (answer.Overruled is { } overruled) inputs[$"overruled{overruled.Kind}"] = overruled.Pattern;
        return inputs;
    }
}
