using Microsoft.Extensions.Options;
using Portal.Core.Messages;
using Portal.Core.Trace;
using Portal.Smtp.Protocol;
using Portal.Smtp.Receiving;
using Portal.Smtp.Submission;

namespace Portal.Smtp.Server.Commands;

/// <summary>MAIL: begins a mail transaction (RFC 5321 §4.1.1.2).</summary>
internal sealed class MailCommand(MailWriter writer, SubmissionRules submission, RefusalTrace refusals, IOptions<SmtpOptions> options, TimeProvider clock) : ISmtpCommand
{
    public string Verb => "MAIL";

    public Needs Needs => Needs.Hello | Needs.NoEnvelope | Needs.Authentication;

    public async ValueTask<SmtpReply> HandleAsync(SmtpSession session, string argument, CancellationToken cancel)
    {
        if (session.Wire.IsStopping) return SmtpReply.ShuttingDown;
        if (MailArgument.Parse(argument, out var mail) is { } malformed) return refusals.RecordMalformed(session.Origin, argument, malformed);

        var envelope = new Envelope(Guid.CreateVersion7(clock.GetUtcNow()), mail.ReversePath, clock.GetTimestamp())
        {
            IsUtf8 = mail.IsUtf8,
            DeclaredSizeBytes = mail.DeclaredSizeBytes,
            Return = mail.Return,
            EnvelopeId = mail.EnvelopeId,
        };

        // RFC 1870 §6.1: refuse on the declared size, before the client sends the message.
        if (mail.DeclaredSizeBytes > options.Value.MaxMessageSizeBytes) return refusals.Record(session.Origin, envelope, Rules.MessageSize, SmtpReply.MessageTooLarge, inputs: TraceInputs.Of((TraceInputs.LimitBytes, options.Value.MaxMessageSizeBytes)));
        if (!writer.HasRoom) return refusals.Record(session.Origin, envelope, Rules.NoRoom, SmtpReply.NoRoom);
        if (await CheckSubmissionAsync(session.Origin, envelope, cancel) is { } notAllowed) return refusals.Record(session.Origin, envelope, notAllowed.Rule, notAllowed.Reply);

        session.Begin(envelope);
        return SmtpReply.SenderOk;
    }

    private async ValueTask<(string Rule, SmtpReply Reply)?> CheckSubmissionAsync(Origin origin, Envelope envelope, CancellationToken cancel)
    {
        if (origin.AccountId is not { } accountId) return null;
        if (await submission.CheckAccountAsync(origin, cancel) is { } ended) return ended;
        return await submission.OwnsAsync(accountId, envelope.ReversePath, cancel) ? null : (Rules.SenderNotOwned, SmtpReply.SenderNotOwned);
    }
}
