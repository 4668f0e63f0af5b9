using Microsoft.Extensions.Options;
using Portal.Core.Addresses;
using Portal.Core.Messages;
using Portal.Core.Queue;
using Portal.Core.Recipients;
using Portal.Core.Trace;
using Portal.Smtp.Protocol;

namespace Portal.Smtp.Receiving;

/// <summary>Turns dispositions into what one commit makes durable: copies, queue entries, trace.</summary>
internal sealed class AcceptanceBuilder(RouteSelector routes, IOptions<SmtpOptions> options, TimeProvider clock)
{
    /// <param name="sentMailboxId">Whose Sent folder keeps a copy in the same commit; null for none.</param>
    public async ValueTask<Acceptance> BuildAsync(Origin origin, Envelope envelope, MailContent content, MessageHead head, IReadOnlyList<Disposition> dispositions, Guid? sentMailboxId)
    {
        var plan = new Plan(origin, envelope, content.RawBytes, clock.GetUtcNow(), options.Value.QueueLifetime);
        foreach (var disposition in dispositions) plan.Add(disposition);
        foreach (var refused in envelope.Refused) plan.Add(refused);
        foreach (var forward in plan.Forwards) plan.Add(forward);
        foreach (var entry in plan.Entries) entry.RouteKey = await routes.RouteKeyForAsync(entry.ReversePath, entry.ForwardPath, CancellationToken.None);
        if (sentMailboxId is { } sent) plan.Deliveries.Add(new LocalDelivery(sent, SpecialUse.Sent, MailFlags.Seen, -1));

        envelope.IsTold = true;
        var single = envelope.Recipients.Count == 1 ? envelope.Recipients[0].Address.ToString() : null;
        return new Acceptance
        {
            QueueId = envelope.QueueId,
            At = plan.At,
            Content = content,
            TraceFields = TraceFields.Write(origin, envelope.ReversePath, envelope.IsUtf8, envelope.QueueId, single, options.Value.HostName, plan.At),
            Head = head,
            ReversePath = envelope.ReversePath.ToString(),
            Deliveries = plan.Deliveries,
            Entries = plan.Entries,
            Trace = TraceRows.TraceOf(origin, envelope, head, content.RawBytes, TraceOutcome.Accepted, null, SmtpReply.Queued(envelope.QueueId), clock),
            Event = TraceRows.EventOf(envelope.QueueId, plan.At, plan.Facts, head),
            Recipients = plan.Rows,
        };
    }

    /// <summary>What has been decided so far for one message.</summary>
    private sealed class Plan(Origin origin, Envelope envelope, long sizeBytes, DateTimeOffset at, TimeSpan lifetime)
    {
        private readonly HashSet<Guid> mailboxes = [];
        private readonly HashSet<string> relays = new(StringComparer.Ordinal);

        public DateTimeOffset At => at;

        public List<LocalDelivery> Deliveries { get; } = [];

        public List<QueueEntry> Entries { get; } = [];

        public List<TraceFact> Facts { get; } = [];

        public List<TraceRecipient> Rows { get; } = [];

        /// <summary>Targets that addresses of ours forward to; told after the envelope's own recipients.</summary>
        public List<string> Forwards { get; } = [];

        public void Add(Disposition disposition)
        {
            var recipient = envelope.Recipients[disposition.Recipient];
            Facts.Add(new TraceFact(disposition.Rule, Facts.Count == 0 ? TraceRows.WithSession(disposition.Inputs, origin) : disposition.Inputs));
            var outcome = disposition.Kind switch
            {
                DispositionKind.Deliver => Deliver(recipient, disposition.Recipient, SpecialUse.Inbox),
                DispositionKind.Junk => Deliver(recipient, disposition.Recipient, SpecialUse.Junk),
                DispositionKind.Discard => RecipientOutcome.Discarded,
                _ => throw new InvalidOperationException($"A disposition {disposition.Kind} is not part of an acceptance."),
            };
            Rows.Add(TraceRows.Row(envelope.QueueId, Rows.Count, recipient.Address.Folded, outcome, disposition.Rule, null, at));
        }

        public void Add(RefusedRecipient refused)
        {
            Facts.Add(TraceRows.FactOf(refused));
            Rows.Add(TraceRows.Row(envelope.QueueId, Rows.Count, refused.Address, TraceRows.OutcomeOf(refused.Reply), refused.Rule, refused.Reply, at));
        }

        public void Add(string forward) => Rows.Add(TraceRows.Row(envelope.QueueId, Rows.Count, forward, RecipientOutcome.Queued, Rules.Forwarded, null, at));

        private RecipientOutcome Deliver(EnvelopeRecipient recipient, int index, SpecialUse folder)
        {
            var resolution = recipient.Resolution;
            if (resolution.State == RecipientState.NotLocal)
            {
                Relay(recipient, recipient.Address);
                return RecipientOutcome.Queued;
            }

            foreach (var target in resolution.Mailboxes)
            {
                if (mailboxes.Add(target.MailboxId)) Deliveries.Add(new LocalDelivery(target.MailboxId, folder, MailFlags.None, index));
            }

            foreach (var target in resolution.Relays)
            {
                if (MailAddress.TryParse(target, out var address) && Relay(recipient, address)) Forwards.Add(address.Folded);
            }

            // An address that only forwards is done with: its targets carry on under their own rows.
            return resolution.Mailboxes.Count > 0 ? RecipientOutcome.Delivered : RecipientOutcome.Relayed;
        }

        private bool Relay(EnvelopeRecipient recipient, MailAddress target)
        {
            if (!relays.Add(target.Folded)) return false;

            // What comes by the MX port goes on only where an address of ours forwards. Until SPF tells whose it is, its sender may be forged:
            // a failure behind us is seen in the trace and told to nobody, lest spam be thrown back at strangers.
            var isStrangers = !origin.IsSubmission;
            Entries.Add(new QueueEntry
            {
                QueueId = envelope.QueueId,
                Kind = QueueKind.Relay,
                ReversePath = envelope.ReversePath.ToString(),
                ForwardPath = target.ToString(),
                RouteKey = "",   // chosen when all entries stand
                State = QueueState.Due,
                CreatedAt = at,
                NextAttemptAt = at,
                ExpiresAt = at + lifetime,
                SizeBytes = sizeBytes,
                AccountId = origin.AccountId,
                Notify = isStrangers ? DsnNotify.Never : recipient.Notify,
                Return = isStrangers ? DsnReturn.Headers : envelope.Return,
                EnvelopeId = envelope.EnvelopeId,
                OriginalRecipient = recipient.OriginalRecipient,
            });
            return true;
        }
    }
}
