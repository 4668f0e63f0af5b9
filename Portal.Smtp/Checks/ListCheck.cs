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
        if (mail.Origin.IsSubmission || await lists.FindAsync(mail.Sender, recipient.Resolution.DomainId, cancel) is not { } answer) return null;
        lists.Count(answer.Decisive);
        return answer.Decisive.Kind switch
        {
            ListKind.Allow => new Verdict(DispositionKind.Deliver, Rules.SenderAllowed, InputsOf(answer, recipient)),
            ListKind.Quarantine => new Verdict(DispositionKind.Quarantine, Rules.SenderQuarantined, InputsOf(answer, recipient)),
            _ => new Verdict(DispositionKind.Reject, Rules.SenderRefused, InputsOf(answer, recipient)) { Reply = SmtpReply.SenderRefused },
        };
    }

    /// <summary>Refuses at RCPT what envelope and network decide alone; null for a recipient that is taken for now.</summary>
    public async ValueTask<RefusedRecipient?> JudgeAsync(Origin origin, Envelope envelope, EnvelopeRecipient recipient, CancellationToken cancel)
    {
        if (origin.IsSubmission || await lists.FindRefusalAsync(SenderFacts.Of(envelope.ReversePath.ToString(), [], origin.Client), recipient.Resolution.DomainId, cancel) is not { } answer) return null;
        lists.Count(answer.Decisive);
        return new RefusedRecipient(recipient.Address.Folded, Rules.SenderRefused, SmtpReply.SenderRefused) { Inputs = InputsOf(answer, recipient) };
    }

    private static Dictionary<string, string> InputsOf(ListAnswer answer, EnvelopeRecipient recipient)
    {
        var inputs = new Dictionary<string, string> { ["listed"] = answer.Decisive.Pattern };
        if (answer.Decisive.DomainId is not null) inputs["listedFor"] = recipient.Address.Domain.Value;
        if (answer.Overruled is { } overruled) inputs[$"overruled{overruled.Kind}"] = overruled.Pattern;
        return inputs;
    }
}
