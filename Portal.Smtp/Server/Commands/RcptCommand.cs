using Microsoft.Extensions.Options;
using Portal.Core.Addresses;
using Portal.Core.Data;
using Portal.Core.Recipients;
using Portal.Core.Trace;
using Portal.Smtp.Checks;
using Portal.Smtp.Protocol;
using Portal.Smtp.Receiving;

namespace Portal.Smtp.Server.Commands;

/// <summary>RCPT: names a recipient, who is judged here and now (RFC 5321 §4.1.1.3).</summary>
internal sealed class RcptCommand(RecipientJudge judge, ListCheck lists, IOptions<SmtpOptions> options) : ISmtpCommand
{
    public string Verb => "RCPT";

    public Needs Needs => Needs.Hello | Needs.Envelope | Needs.NoChunks;

    public async ValueTask<SmtpReply> HandleAsync(SmtpSession session, string argument, CancellationToken cancel)
    {
        var envelope = session.Envelope!;
        if (RcptArgument.Parse(argument, envelope.IsUtf8, out var rcpt) is { } malformed)
        {
            envelope.Refuse(new RefusedRecipient(StorableText.Cut(argument, MailAddress.MaxLength), Rules.RecipientMalformed, malformed));
            return malformed;
        }

        if (envelope.Recipients.Count >= options.Value.MaxRecipients)   // RFC 5321 §4.5.3.1.10
        {
            envelope.Refuse(new RefusedRecipient(RecipientJudge.TextOf(rcpt.ForwardPath), Rules.TooManyRecipients, SmtpReply.TooManyRecipients) { Inputs = TraceInputs.Of(("limit", options.Value.MaxRecipients)) });
            return SmtpReply.TooManyRecipients;
        }

        var judgement = await judge.JudgeAsync(rcpt.ForwardPath, envelope.DeclaredSizeBytes, mayRelay: session.Account is not null, cancel);
        if ((judgement.Refusal ?? RefusalOfReturn(session, judgement.Recipient!) ?? await lists.RefusalAsync(session.Origin, envelope, judgement.Recipient!, cancel)) is { } refusal)
        {
            envelope.Refuse(refusal);
            return refusal.Reply;
        }

        envelope.Recipients.Add(judgement.Recipient! with { Notify = rcpt.Notify, OriginalRecipient = rcpt.OriginalRecipient });
        return SmtpReply.RecipientOk;
    }

    /// <summary>To a path under which we sent somebody's mail on only reports come back: it is no address for whoever has seen it.</summary>
    private static RefusedRecipient? RefusalOfReturn(SmtpSession session, EnvelopeRecipient recipient) =>
        recipient.Resolution.Rule == RecipientRules.Returned && !session.Envelope!.ReversePath.IsNull
            ? new RefusedRecipient(recipient.Address.Folded, Rules.OnlyReports, SmtpReply.OnlyReports)
            : null;
}
