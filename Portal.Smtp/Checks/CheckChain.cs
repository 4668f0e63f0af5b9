using System.Globalization;
using Portal.Core.Recipients;
using Portal.Core.Trace;
using Portal.Smtp.Receiving;

namespace Portal.Smtp.Checks;

/// <summary>Makes one disposition for each recipient: the first check with an opinion decides, and what none objects to is delivered.</summary>
internal sealed class CheckChain(IEnumerable<IMailCheck> checks)
{
    private const int MaxTold = 5;
    private readonly IMailCheck[] checks = [.. checks];

    /// <summary>One disposition for each recipient, in their order, with the rule that decided and its inputs.</summary>
    public async ValueTask<List<Disposition>> DecideAsync(CheckedMail mail, CancellationToken cancel)
    {
        var dispositions = new List<Disposition>(mail.Envelope.Recipients.Count);
        foreach (var recipient in mail.Envelope.Recipients)
        {
            var asked = await AskAsync(mail, recipient, cancel);
            var verdict = asked ?? Delivery(recipient.Address.Folded, recipient.Resolution);
            var inputs = new Dictionary<string, string>(verdict.Inputs);
            if (asked is { Kind: DispositionKind.Deliver })   // a check that lets it through says why; where the copy then goes is told as for any other
                foreach (var (name, value) in Delivery(recipient.Address.Folded, recipient.Resolution).Inputs) inputs[name] = value;
            inputs["recipient"] = recipient.Address.Folded;
            if (dispositions.Count == 0) TraceRows.AddTransaction(mail.Origin, mail.Envelope, inputs);
            dispositions.Add(new Disposition(verdict.Kind, dispositions.Count, verdict.Rule, inputs) { Reply = verdict.Reply });
        }

        return dispositions;
    }

    private async ValueTask<Verdict?> AskAsync(CheckedMail mail, EnvelopeRecipient recipient, CancellationToken cancel)
    {
        foreach (var check in checks)
            if (await check.JudgeAsync(mail, recipient, cancel) is { } verdict) return verdict;
        return null;
    }

    private static Verdict Delivery(string asked, RecipientResolution resolution)
    {
        var inputs = new Dictionary<string, string>();
        if (resolution.Mailboxes is [var only])
        {
            if (only.Address != asked) inputs[TraceInputs.Mailbox] = only.Address;
        }
        else if (resolution.Mailboxes.Count > 0)
        {
            inputs[TraceInputs.Mailboxes] = resolution.Mailboxes.Count.ToString(CultureInfo.InvariantCulture);
            inputs[TraceInputs.LeadsTo] = string.Join(TraceInputs.Separator, resolution.Mailboxes.Take(MaxTold).Select(m => m.Address));
        }

        if (resolution.Relays.Count > 0 && resolution.State != RecipientState.GoesOn) inputs[TraceInputs.ForwardedTo] = string.Join(TraceInputs.Separator, resolution.Relays);
        return new(DispositionKind.Deliver, resolution.State == RecipientState.NotLocal ? Rules.Relay : resolution.Rule, inputs);
    }
}
