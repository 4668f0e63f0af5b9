using Portal.Core.Messages;
using Portal.Smtp.Protocol;
using Portal.Smtp.Receiving;

namespace Portal.Smtp.Checks;

/// <summary>Refuses what an address of ours has sent outside already: a target forwards back to it, and each round would leave one copy more in its mailboxes.</summary>
internal sealed class LoopCheck : IMailCheck
{
    public ValueTask<Verdict?> JudgeAsync(CheckedMail mail, EnvelopeRecipient recipient, CancellationToken cancel)
    {
        if (recipient.Resolution.Relays.Count == 0 || !DeliveredTo.Names(mail.Head, recipient.Address.Folded)) return new((Verdict?)null);
        var inputs = new Dictionary<string, string> { ["deliveredTo"] = recipient.Address.Folded };
        return new(new Verdict(DispositionKind.Reject, Rules.MessageLoop, inputs) { Reply = SmtpReply.MessageLoops });
    }
}
