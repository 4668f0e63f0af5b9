using Microsoft.Extensions.Options;
using Portal.Core.Addresses;
using Portal.Core.Messages;
using Portal.Core.Quarantine;
using Portal.Core.Queue;
using Portal.Core.Recipients;
using Portal.Core.Trace;
using Portal.Smtp.Checks;
using Portal.Smtp.Protocol;

namespace Portal.Smtp.Receiving;

/// <summary>Turns dispositions into what one commit makes durable: copies, queue entries, trace.</summary>
internal sealed class AcceptanceBuilder(RouteSelector routes, ReceiptAllowance receipts, IOptions<SmtpOptions> options, IOptions<QuarantineOptions> quarantine, TimeProvider clock)
{
    /// <summary>What addresses of ours may expand to in the commit that accepts; beyond it the queue expands (DESIGN §3).</summary>
    internal const int MaxExpansion = 200;

    /// <param name="sentMailboxId">Whose Sent folder keeps a copy in the same commit; null for none.</param>
    /// <param name="addedFields">Fields of ours that go in front, each with its line end; empty for none.</param>
    public async ValueTask<Acceptance> BuildAsync(CheckedMail mail, IReadOnlyList<Disposition> dispositions, byte[] addedFields, Guid? sentMailboxId)
    {
        var (origin, envelope, head, content) = mail;
        var isReported = origin is { IsSubmission: false, Client: { } client } && envelope.Recipients.Exists(AsksForReports) ? receipts.Take(client) : origin.IsSubmission;
        var plan = new Plan(mail, isReported, clock.GetUtcNow(), options.Value.QueueLifetime, quarantine.Value.KeepFor);
        foreach (var disposition in dispositions) plan.Add(disposition);
        foreach (var refused in envelope.Refused) plan.Add(refused);
        foreach (var forward in plan.Forwards) plan.Add(forward);
        foreach (var entry in plan.Entries.Where(e => e.Kind == QueueKind.Relay)) entry.RouteKey = await routes.RouteKeyForAsync(entry.ReversePath, entry.ForwardPath, CancellationToken.None);
        if (sentMailboxId is { } sent) plan.Deliveries.Add(new LocalDelivery(sent, SpecialUse.Sent, MailFlags.Seen, -1));

        plan.Facts.AddRange(envelope.Findings);
        envelope.IsTold = true;
        var single = envelope.Recipients.Count == 1 ? envelope.Recipients[0].Address.ToString() : null;
        return new Acceptance
        {
            QueueId = envelope.QueueId,
            At = plan.At,
            Content = content,
            TraceFields = TraceFields.Write(origin, envelope.ReversePath, envelope.IsUtf8, envelope.QueueId, single, options.Value.HostName, plan.At, addedFields),
            Head = head,
            ReversePath = envelope.ReversePath.ToString(),
            IsDiscarded = plan.Deliveries.Count == 0 && plan.Entries.Count == 0 && plan.Quarantined.Count == 0,
            Deliveries = plan.Deliveries,
            Entries = plan.Entries,
            Quarantined = plan.Quarantined,
            Trace = TraceRows.TraceOf(origin, envelope, head, content.RawBytes, TraceOutcome.Accepted, null, SmtpReply.Queued(envelope.QueueId), clock),
            Event = TraceRows.EventOf(envelope.QueueId, plan.At, plan.Facts, head),
            Recipients = plan.Rows,
        };
    }

    private static bool AsksForReports(EnvelopeRecipient recipient) => recipient.Notify is not (DsnNotify.Default or DsnNotify.Never);

    /// <summary>What has been decided so far for one message.</summary>
    /// <param name="isReported">Whether what its sender asked for by NOTIFY counts.</param>
    private sealed class Plan(CheckedMail mail, bool isReported, DateTimeOffset at, TimeSpan lifetime, TimeSpan keepFor)
    {
        private readonly Origin origin = mail.Origin;
        private readonly Envelope envelope = mail.Envelope;
        private readonly long sizeBytes = mail.Content.RawBytes;
        private readonly HashSet<Guid> mailboxes = [];
        private readonly HashSet<string> queued = new(StringComparer.Ordinal);
        private int expanded;

        public DateTimeOffset At => at;

        public List<LocalDelivery> Deliveries { get; } = [];

        public List<QueueEntry> Entries { get; } = [];

        public List<QuarantineItem> Quarantined { get; } = [];

        public List<TraceFact> Facts { get; } = [];

        public List<TraceRecipient> Rows { get; } = [];

        /// <summary>Targets that addresses of ours forward to; told after the envelope's own recipients.</summary>
        public List<string> Forwards { get; } = [];

        public void Add(Disposition disposition)
        {
            var recipient = envelope.Recipients[disposition.Recipient];
            Facts.Add(new TraceFact(disposition.Rule, disposition.Inputs));
            var outcome = disposition.Kind switch
            {
                DispositionKind.Deliver => Deliver(recipient, disposition.Recipient, SpecialUse.Inbox),
                DispositionKind.Junk => Deliver(recipient, disposition.Recipient, SpecialUse.Junk),
                DispositionKind.Hold => Hold(recipient, disposition),
                DispositionKind.Quarantine or DispositionKind.Reject => Quarantine(recipient, disposition),
                DispositionKind.Discard => RecipientOutcome.Discarded,
                _ => throw new InvalidOperationException($"A disposition {disposition.Kind} is not part of an acceptance."),
            };
            var rule = outcome == RecipientOutcome.Queued && recipient.Resolution.State == RecipientState.Ok ? Rules.QueuedHere : disposition.Rule;
            Rows.Add(TraceRows.Row(envelope.QueueId, Rows.Count, recipient.Address.Folded, outcome, rule, null, at));
        }

        public void Add(RefusedRecipient refused)
        {
            Facts.Add(TraceRows.FactOf(refused));
            Rows.Add(TraceRows.Row(envelope.QueueId, Rows.Count, refused.Address, TraceRows.OutcomeOf(refused.Reply), refused.Rule, refused.Reply, at));
        }

        public void Add(string forward) => Rows.Add(TraceRows.Row(envelope.QueueId, Rows.Count, forward, RecipientOutcome.Queued, RecipientRules.Forwarded, null, at));

        private RecipientOutcome Deliver(EnvelopeRecipient recipient, int index, SpecialUse folder)
        {
            var resolution = recipient.Resolution;
            if (resolution.State.IsElsewhere())
            {
                Queue(QueueKind.Relay, recipient, recipient.Address);
                return RecipientOutcome.Queued;
            }

            if (QueueKindOf(recipient, folder) is { } kind)
            {
                Queue(kind, recipient, recipient.Address, folder == SpecialUse.Junk ? DispositionKind.Junk : DispositionKind.Deliver);
                return RecipientOutcome.Queued;
            }

            foreach (var target in resolution.Mailboxes)
            {
                if (mailboxes.Add(target.MailboxId)) Deliveries.Add(new LocalDelivery(target.MailboxId, folder, MailFlags.None, index));
            }

            foreach (var target in resolution.Relays)
            {
                if (MailAddress.TryParse(target, out var address) && Queue(QueueKind.Relay, recipient, address, isForward: true)) Forwards.Add(address.Folded);
            }

            // An address that only forwards is done with: its targets carry on under their own rows.
            return resolution.Mailboxes.Count > 0 ? RecipientOutcome.Delivered : RecipientOutcome.Relayed;
        }

        /// <summary>The copy waits in the queue for somebody to look at it.</summary>
        private RecipientOutcome Hold(EnvelopeRecipient recipient, Disposition disposition)
        {
            if (!queued.Add(recipient.Address.Folded)) return RecipientOutcome.Queued;   // the same address, in another case
            var entry = EntryOf(KindOf(recipient), recipient, recipient.Address, disposition.Kind);
            entry.State = QueueState.Held;
            entry.LastRule = disposition.Rule;
            Entries.Add(entry);
            return RecipientOutcome.Held;
        }

        /// <summary>
        /// The copy is kept back. One that was rejected while others were taken reports nothing to its sender, whatever becomes of it:
        /// never a bounce (DESIGN §3).
        /// </summary>
        private RecipientOutcome Quarantine(EnvelopeRecipient recipient, Disposition disposition)
        {
            if (queued.Add(recipient.Address.Folded))
            {
                var entry = EntryOf(KindOf(recipient), recipient, recipient.Address, disposition.Kind);
                Quarantined.Add(QuarantineItem.Of(entry, recipient.Resolution.DomainId, disposition.Rule, disposition.Kind == DispositionKind.Reject, at + keepFor));
            }

            return RecipientOutcome.Quarantined;
        }

        /// <summary>How an address is served that is not served in this commit.</summary>
        private static QueueKind KindOf(EnvelopeRecipient recipient) => recipient.Resolution switch
        {
            { State: RecipientState.NotLocal or RecipientState.GoesOn } => QueueKind.Relay,
            { Mailboxes.Count: 1, Relays.Count: 0 } => QueueKind.Local,
            _ => QueueKind.Expand,
        };

        /// <summary>
        /// Whether an address of ours goes through the queue: who wants to hear of the delivery gets copy and receipt in one commit (RFC 3461
        /// §4.1), what is taken for junk earns none; and what all addresses together expand to has a bound in this commit.
        /// </summary>
        private QueueKind? QueueKindOf(EnvelopeRecipient recipient, SpecialUse folder)
        {
            var targets = recipient.Resolution.Mailboxes.Count + recipient.Resolution.Relays.Count;
            if (isReported && folder == SpecialUse.Inbox && recipient.Notify.HasFlag(DsnNotify.Success) && !envelope.ReversePath.IsNull)
                return targets > 1 ? QueueKind.Expand : recipient.Resolution.Mailboxes.Count == 1 ? QueueKind.Local : null;   // one target outside reports itself (§5.2.7.2)

            if (targets == 1) return null;
            if (expanded + targets > MaxExpansion) return QueueKind.Expand;
            expanded += targets;
            return null;
        }

        private bool Queue(QueueKind kind, EnvelopeRecipient recipient, MailAddress target, DispositionKind disposition = DispositionKind.Deliver, bool isForward = false)
        {
            if (!queued.Add(target.Folded)) return false;
            Entries.Add(EntryOf(kind, recipient, target, disposition, isForward));
            return true;
        }

        private QueueEntry EntryOf(QueueKind kind, EnvelopeRecipient recipient, MailAddress target, DispositionKind disposition, bool isForward = false)
        {
            // What comes by the MX port goes on only where an address of ours forwards. Unless SPF proves whose it is, its sender may be forged:
            // a failure behind us is seen in the trace and told to nobody, lest spam be thrown back at strangers. Of what happens here they
            // hear what they asked for by name.
            var isStrangers = !origin.IsSubmission && mail.Proof is not { IsReversePathProven: true };
            return new QueueEntry
            {
                QueueId = envelope.QueueId,
                Kind = kind,
                ReversePath = envelope.ReversePath.ToString(),
                ForwardPath = target.ToString(),
                RouteKey = kind == QueueKind.Relay ? "" : QueueEntry.LocalRouteKey,   // a relay's is chosen when all entries stand
                State = QueueState.Due,
                CreatedAt = at,
                NextAttemptAt = at,
                ExpiresAt = at + lifetime,
                SizeBytes = sizeBytes,
                AccountId = origin.AccountId,
                Notify = disposition == DispositionKind.Reject || (isStrangers && (kind == QueueKind.Relay || !isReported || recipient.Notify == DsnNotify.Default)) ? DsnNotify.Never : recipient.Notify,
                IsJunk = disposition == DispositionKind.Junk,
                Return = origin.IsSubmission ? envelope.Return : DsnReturn.Headers,
                EnvelopeId = envelope.EnvelopeId,
                OriginalRecipient = recipient.OriginalRecipient,
                ForwardedBy = isForward ? recipient.Address.Folded : null,
            };
        }
    }
}
