using Microsoft.Extensions.Options;
using Portal.Core.Accounts;
using Portal.Core.Addresses;
using Portal.Core.Messages;
using Portal.Core.Permissions;
using Portal.Smtp.Protocol;
using Portal.Smtp.Receiving;

namespace Portal.Smtp.Server.Commands;

/// <summary>MAIL: begins a mail transaction (RFC 5321 §4.1.1.2).</summary>
internal sealed class MailCommand(MailWriter writer, SenderRights rights, RoleDirectory accounts, RefusalTrace refusals, IOptions<SmtpOptions> options, TimeProvider clock) : ISmtpCommand
{
    public string Verb => "MAIL";

    public Needs Needs => Needs.Hello | Needs.NoEnvelope | Needs.Authentication;

    public async ValueTask<SmtpReply> HandleAsync(SmtpSession session, string argument, CancellationToken cancel)
    {
        if (session.Wire.IsStopping) return SmtpReply.ShuttingDown;
        if (MailArgument.Parse(argument, out var mail) is { } refusal) return refusal;

        var envelope = new Envelope(Guid.CreateVersion7(clock.GetUtcNow()), mail.ReversePath, clock.GetTimestamp())
        {
            IsUtf8 = mail.IsUtf8,
            DeclaredSizeBytes = mail.DeclaredSizeBytes,
            Return = mail.Return,
            EnvelopeId = mail.EnvelopeId,
        };

        // RFC 1870 §6.1: refuse on the declared size, before the client sends the message.
        if (mail.DeclaredSizeBytes > options.Value.MaxMessageSizeBytes) return refusals.Record(session.Origin, envelope, Rules.MessageSize, SmtpReply.MessageTooLarge);
        if (!writer.HasRoom) return refusals.Record(session.Origin, envelope, Rules.NoRoom, SmtpReply.NoRoom);
        if (session.Account is not null && await CheckSenderAsync(session, envelope, cancel) is { } notAllowed) return notAllowed;

        session.Begin(envelope);
        return SmtpReply.SenderOk;
    }

    private async ValueTask<SmtpReply?> CheckSenderAsync(SmtpSession session, Envelope envelope, CancellationToken cancel)
    {
        // A reset or disabled account is out within the second, in sessions that are open too (DESIGN §6).
        var account = session.Account!;
        if (await accounts.ActorAsync(account.Id, account.SecurityStamp, Channel.Smtp, session.Client.ToString(), cancel) is null)
        {
            session.Account = null;
            return SmtpReply.AuthenticationRequired;
        }

        if (envelope.ReversePath.IsNull) return null;   // notifications come from nobody; their From is still looked at
        var isOwned = MailAddress.TryParse(envelope.ReversePath.ToString(), out var sender) && await rights.OwnsAsync(account.Id, sender, cancel);
        return isOwned ? null : refusals.Record(session.Origin, envelope, Rules.SenderNotOwned, SmtpReply.SenderNotOwned);
    }
}
