using System.Buffers;
using System.Net;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Portal.Core;
using Portal.Core.Accounts;
using Portal.Core.Addresses;
using Portal.Core.Messages;
using Portal.Core.Permissions;
using Portal.Core.Trace;
using Portal.Smtp.Authentication;
using Portal.Smtp.Checks;
using Portal.Smtp.Protocol;
using Portal.Smtp.Submission;

namespace Portal.Smtp.Receiving;

/// <summary>
/// Where every message that comes in is decided, by SMTP or from the portal: facts, then one disposition for each recipient, then
/// one durable commit, then one reply (DESIGN §3).
/// </summary>
public sealed partial class MessageReceiver
{
    private const int CopyBytes = 64 * 1024;
    private readonly MailWriter writer;
    private readonly ContentSpoolFactory spools;
    private readonly RoleDirectory accounts;
    private readonly ReceivingParts parts;
    private readonly SmtpOptions options;
    private readonly TimeProvider clock;

    internal MessageReceiver(MailWriter writer, ContentSpoolFactory spools, RoleDirectory accounts, ReceivingParts parts, IOptions<SmtpOptions> options, TimeProvider clock) =>
        (this.writer, this.spools, this.accounts, this.parts, this.options, this.clock) = (writer, spools, accounts, parts, options.Value, clock);

    /// <summary>
    /// Takes a message composed in the portal, by the rules of submission: every address of From and the reverse-path must be the
    /// actor's own, Date and Message-ID are added where they miss, Bcc is taken away. Local recipients, queue entries, the copy in
    /// the actor's Sent folder and the trace are one commit: when this returns the queue id, the message is on disk.
    /// </summary>
    /// <param name="actor">Who sends; an account with a mailbox (<see cref="Capability.UseOwnMail"/>).</param>
    /// <param name="mail">Envelope and octets.</param>
    /// <param name="cancel">Stops the call before anything is saved; the commit itself is not stopped.</param>
    /// <returns>
    /// The queue id, or why not, with nothing sent to anybody: <see cref="NotPermitted"/>; <see cref="Invalid"/> with
    /// SendNoRecipients, SendTooManyRecipients (most), SendTooLarge (most octets), SendHeaderTooLarge, SendFromNotOwned, SendBadContent;
    /// SendRecipientUnknown, SendRecipientDisabled, SendRecipientFull, SendRecipientLoop (address each); <see cref="Conflict"/> SendLater.
    /// </returns>
    public async Task<Outcome<Guid>> SubmitAsync(Actor actor, ComposedMail mail, CancellationToken cancel)
    {
        if (actor.AccountId is not { } accountId || !actor.May(Capability.UseOwnMail)) return new NotPermitted(Capability.UseOwnMail);
        if (await accounts.FindAsync(accountId, cancel) is not { IsDisabled: false, MailboxId: { } sentMailboxId }) return new NotPermitted(Capability.UseOwnMail);
        if (mail.ForwardPaths.Count == 0) return new Invalid("SendNoRecipients");
        if (mail.ForwardPaths.Count > options.MaxRecipients) return new Invalid("SendTooManyRecipients", options.MaxRecipients);
        if (!await parts.Rights.OwnsAsync(accountId, mail.ReversePath, cancel)) return new Invalid("SendFromNotOwned");

        var origin = new Origin(TraceSource.Portal, null, null) { AccountId = accountId };
        var reversePath = new SmtpPath(mail.ReversePath.LocalPart, mail.ReversePath.Domain.Value);
        var envelope = new Envelope(Guid.CreateVersion7(clock.GetUtcNow()), reversePath, clock.GetTimestamp()) { IsUtf8 = mail.ReversePath.NeedsUtf8 };
        foreach (var forwardPath in mail.ForwardPaths)
        {
            var judgement = await parts.Judge.JudgeAsync(forwardPath, 0, cancel);
            if (judgement.Refusal is { } refusal) return RefusalOf(refusal.Reply, refusal.Address);
            envelope.Recipients.Add(judgement.Recipient!);
        }

        using var message = Begin(origin, envelope);
        await CopyAsync(mail.Content, message, cancel);
        var reply = await ReceiveAsync(origin, envelope, message, sentMailboxId);
        return reply.Code == 250 ? envelope.QueueId : RefusalOf(reply, null);
    }

    /// <summary>Looks before content is taken whether who authenticated may still send; the reply that ends their session, or null.</summary>
    internal async ValueTask<SmtpReply?> CheckAccountAsync(Origin origin, Envelope envelope, CancellationToken cancel) =>
        await parts.Submission.CheckAccountAsync(origin, cancel) is { } ended ? parts.Refusals.Record(origin, envelope, ended.Rule, ended.Reply) : null;

    /// <summary>Begins to take a message; the envelope has its recipients.</summary>
    internal IncomingMessage Begin(Origin origin, Envelope envelope) =>
        new(spools.Create(), options, origin.IsSubmission ? RepairFor(envelope) : null, origin.IsSubmission || envelope.Recipients.Exists(r => r.Resolution.Relays.Count > 0));

    /// <summary>Decides and commits a message read to its end; 250 only when it is durable. Takes no cancellation: a client that leaves now cancels nothing.</summary>
    internal async Task<SmtpReply> ReceiveAsync(Origin origin, Envelope envelope, IncomingMessage message, Guid? sentMailboxId = null)
    {
        try
        {
            using var content = await message.CompleteAsync();
            if (content is null) return parts.Refusals.Record(origin, envelope, RuleOf(message.Refusal!), message.Refusal!, sizeBytes: message.ReceivedBytes, inputs: message.RefusalInputs);
            return await DecideAsync(origin, envelope, content, message.Signed!, sentMailboxId);
        }
        catch (Exception)
        {
            // The session's catch-all answers 451; the trace hears of it here, where the envelope is still known.
            if (!envelope.IsTold) parts.Refusals.Record(origin, envelope, Rules.LocalError, SmtpReply.LocalError, sizeBytes: message.ReceivedBytes);
            throw;
        }
    }

    private async Task<SmtpReply> DecideAsync(Origin origin, Envelope envelope, MailContent content, SignedMessage signed, Guid? sentMailboxId)
    {
        var head = MessageHead.Parse(content.Head.Span);
        if (head.ReceivedCount > options.MaxReceivedHeaders) return parts.Refusals.Record(origin, envelope, Rules.MessageHops, SmtpReply.TooManyHops, head, content.RawBytes, TraceInputs.Of(("receivedFields", head.ReceivedCount), ("limit", options.MaxReceivedHeaders)));
        if (await parts.Submission.CheckAccountAsync(origin, CancellationToken.None) is { } ended) return parts.Refusals.Record(origin, envelope, ended.Rule, ended.Reply, head, content.RawBytes);
        if (origin is { IsSubmission: true, AccountId: { } accountId } && await parts.Submission.CheckHeaderFromAsync(accountId, head, CancellationToken.None) is { } refused)
            return parts.Refusals.Record(origin, envelope, refused.Rule, refused.Reply, head, content.RawBytes);

        foreach (var recipient in envelope.Recipients)
        {
            foreach (var dropped in recipient.Resolution.Dropped)
                envelope.Refuse(new RefusedRecipient(dropped.Address, dropped.Rule, RecipientJudge.ReplyOf(dropped.State)) { ForwardedBy = recipient.Address.Folded, Inputs = dropped.Inputs });
        }

        var proof = parts.Prover.Concerns(origin) ? await parts.Prover.ProveAsync(origin, envelope, head, signed, content.Hash) : null;
        if (proof is not null) envelope.Findings.AddRange(proof.Findings());
        var mail = new CheckedMail(origin, envelope, head, content) { Proof = proof };
        var dispositions = await parts.Checks.DecideAsync(mail, CancellationToken.None);
        if (Refuse(mail, dispositions) is { } refusal) return refusal;

        var acceptance = await parts.Builder.BuildAsync(mail, dispositions, await FieldsOfAsync(mail, signed), sentMailboxId);
        switch (await writer.WriteAsync(acceptance))
        {
            case WriteResult.Committed:
                LogAccepted(parts.Logger, envelope.QueueId, origin.Source, origin.Client, content.RawBytes, envelope.Recipients.Count);
                return SmtpReply.Queued(envelope.QueueId);
            case WriteResult.Busy:
                return parts.Refusals.Record(origin, envelope, Rules.NoRoom, SmtpReply.NoRoom, head, content.RawBytes);
            default:
                return parts.Refusals.Record(origin, envelope, Rules.LocalError, SmtpReply.LocalError, head, content.RawBytes);
        }
    }

    /// <summary>Refuses the whole message where its recipients' dispositions say so; null where any copy is taken.</summary>
    private SmtpReply? Refuse(CheckedMail mail, List<Disposition> dispositions)
    {
        var (reply, decisive) = dispositions.Find(d => d.Kind == DispositionKind.Defer) is { } deferred ? (deferred.Reply ?? SmtpReply.PutOff, deferred)
            : dispositions.TrueForAll(d => d.Kind == DispositionKind.Reject) ? (dispositions[0].Reply ?? SmtpReply.Rejected, dispositions[0])
            : default;
        if (reply is null) return null;

        // Each recipient keeps the rule that decided about it; who would have been served goes with the one that was put off.
        foreach (var (recipient, disposition) in mail.Envelope.Recipients.Zip(dispositions))
        {
            var why = disposition.Kind == decisive.Kind ? disposition : decisive;
            mail.Envelope.Refuse(new RefusedRecipient(recipient.Address.Folded, why.Rule, reply) { Inputs = why.Inputs });
        }

        mail.Envelope.Recipients.Clear();
        return parts.Refusals.Record(mail.Origin, mail.Envelope, decisive.Rule, reply, mail.Head, mail.Content.RawBytes);
    }

    /// <summary>What we put in front of it beside Return-Path and Received: a signature, or what we found out, and its seal.</summary>
    private async ValueTask<byte[]> FieldsOfAsync(CheckedMail mail, SignedMessage signed)
    {
        if (mail.Origin.IsSubmission) return await parts.Signer.SignAsync(mail.Envelope, mail.Head, signed);
        if (mail.Proof is not { } proof) return [];
        var results = AuthenticationResults.Of(proof, mail.Envelope.ReversePath.ToString(), mail.Origin.Client!, options.HostName);
        return [.. await parts.Signer.SealAsync(mail.Envelope, signed, results, proof.Arc), .. Encoding.UTF8.GetBytes(AuthenticationResults.Field(results))];
    }

    private HeaderRepair RepairFor(Envelope envelope) =>
        new(envelope.ReversePath.ToString(), $"{envelope.QueueId:N}@{options.HostName}", clock.GetUtcNow());

    private static async Task CopyAsync(Stream from, IncomingMessage to, CancellationToken cancel)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(CopyBytes);
        try
        {
            for (int read; to.Refusal is null && (read = await from.ReadAsync(buffer, cancel)) > 0;) await to.AppendAsync(buffer.AsMemory(0, read));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static string RuleOf(SmtpReply refusal) =>
        refusal == SmtpReply.MessageTooLarge ? Rules.MessageSize
        : refusal == SmtpReply.HeaderTooLarge ? Rules.MessageHeaderSize
        : refusal == SmtpReply.BareBreak ? Rules.MessageBareBreak
        : Rules.MessageLineLength;

    private Refusal RefusalOf(SmtpReply reply, string? address) =>
        reply == SmtpReply.UnknownRecipient || reply == SmtpReply.RelayDenied || reply == SmtpReply.BadRecipientAddress ? new Invalid("SendRecipientUnknown", address!)
        : reply == SmtpReply.MailboxDisabled ? new Invalid("SendRecipientDisabled", address!)
        : reply == SmtpReply.MailboxFull || reply == SmtpReply.MailboxQuotaExceeded ? new Invalid("SendRecipientFull", address!)
        : reply == SmtpReply.MailLoop ? new Invalid("SendRecipientLoop", address!)
        : reply == SmtpReply.MessageTooLarge ? new Invalid("SendTooLarge", options.MaxMessageSizeBytes)
        : reply == SmtpReply.HeaderTooLarge ? new Invalid("SendHeaderTooLarge")
        : reply == SmtpReply.HeaderFromNotOwned || reply == SmtpReply.BadHeaderFrom ? new Invalid("SendFromNotOwned")
        : reply.IsPermanentFailure ? new Invalid("SendBadContent")
        : new Conflict("SendLater");

    [LoggerMessage(Level = LogLevel.Information, Message = "Message {QueueId} taken through {Source} from {Client}: {Bytes} bytes for {Recipients} recipients")]
    private static partial void LogAccepted(ILogger logger, Guid queueId, TraceSource source, IPAddress? client, long bytes, int recipients);
}

/// <summary>A message composed in the portal.</summary>
/// <param name="ReversePath">Envelope sender; one of the actor's own addresses.</param>
/// <param name="ForwardPaths">To, Cc and Bcc together.</param>
/// <param name="Content">Header and body with CRLF line ends, read once from where it stands.</param>
public sealed record ComposedMail(MailAddress ReversePath, IReadOnlyList<MailAddress> ForwardPaths, Stream Content);

/// <summary>The steps of receiving, together.</summary>
internal sealed record ReceivingParts(RecipientJudge Judge, SenderRights Rights, SubmissionRules Submission, SenderProver Prover, CheckChain Checks, OutgoingSigner Signer, AcceptanceBuilder Builder, RefusalTrace Refusals, ILogger<MessageReceiver> Logger);
