using Portal.Core.Addresses;
using Portal.Core.Queue;
using Portal.Core.Recipients;
using Portal.Smtp.Protocol;
using Portal.Smtp.Receiving;

namespace Portal.Smtp.Delivery;

/// <summary>
/// Serves the entries that never leave this system: asks the directory again what their address stands for, and has it placed. What we
/// have answered for finds room in a full mailbox (DESIGN §3); for the rest the answer is the one RCPT would get now.
/// </summary>
internal sealed class LocalCourier(RecipientDirectory directory, RouteSelector routes, QueuedMessages messages, Aftermath aftermath)
{
    /// <summary>Copies and entries that one commit carries for an address: so many fit in the 50 ms that the write gate is held (DESIGN §5).</summary>
    internal const int MaxPiece = 100;

    private static readonly PeerReply NotOurs = PeerReply.Ours(550, "5.1.2", "The domain is no longer served here");

    /// <summary>Serves entries of one message, reverse-path, ENVID and RET: mailboxes together, with one receipt; an address with many targets alone, a piece at a time.</summary>
    public async Task DeliverAsync(QueuedMessage message, IReadOnlyList<QueueEntry> entries, CancellationToken abort)
    {
        var together = new List<EntryResult>();
        foreach (var entry in entries)
        {
            var resolution = await ResolveAsync(entry, abort);
            if (resolution.State == RecipientState.GoesOn) await aftermath.ReleaseAsync([entry], await routes.RouteKeyForAsync(entry.ReversePath, entry.ForwardPath, abort), abort, QueueKind.Relay);   // the mailbox is the other host's now
            else if (resolution.State != RecipientState.Ok) together.Add(new EntryResult(entry) { Reply = RefusalOf(resolution.State), Stage = SmtpStage.Recipient });
            else if (resolution is { Mailboxes: [var mailbox], Relays.Count: 0 }) together.Add(new EntryResult(entry) { Placement = new([mailbox.MailboxId], [], DsnNotify.Never, IsExpansion: false) });
            else await ExpandAsync(message, entry, resolution, abort);
        }

        if (together.Count > 0) await aftermath.SettleAsync(message, together, abort);
    }

    private async Task ExpandAsync(QueuedMessage message, QueueEntry entry, RecipientResolution resolution, CancellationToken abort)
    {
        var (mailboxes, relays) = await messages.UnservedAsync(entry, [.. resolution.Mailboxes.Select(m => m.MailboxId)], resolution.Relays, abort);
        var nearby = mailboxes.Order().Take(MaxPiece).ToList();
        var outside = relays.Order(StringComparer.Ordinal).Take(MaxPiece - nearby.Count).ToList();
        var isLast = nearby.Count + outside.Count == mailboxes.Count + relays.Count;

        var targets = new List<RelayTarget>(outside.Count);
        foreach (var relay in outside) targets.Add(new(relay, await routes.RouteKeyForAsync(entry.ReversePath, relay, abort)));
        var piece = new LocalPlacement(nearby, targets, NotifyOf(entry, resolution), IsExpansion: true) { ReachesMailboxes = resolution.Mailboxes.Count > 0 };

        if (isLast) await aftermath.SettleAsync(message, [new EntryResult(entry) { Placement = piece }], abort);
        else await aftermath.PlaceAsync(entry, piece, abort);
    }

    private async ValueTask<RecipientResolution> ResolveAsync(QueueEntry entry, CancellationToken abort)
    {
        var address = MailAddress.Parse(entry.ForwardPath);
        var resolution = await directory.ResolveTakenAsync(address, abort);
        return resolution.State == RecipientState.NotLocal && address.Folded == RecipientJudge.BarePostmaster.Folded ? await directory.ResolvePostmasterAsync(null, abort) : resolution;
    }

    /// <summary>
    /// What targets outside are asked to report. A stranger's sender may be forged: nothing. Where there is one target, what the sender
    /// asked for passes on (RFC 3461 §5.2.7.2); where there are more, we report the success ourselves (§5.2.7.3).
    /// </summary>
    private static DsnNotify NotifyOf(QueueEntry entry, RecipientResolution resolution)
    {
        if (entry.AccountId is null) return DsnNotify.Never;
        if (entry.Notify == DsnNotify.Default || resolution.Mailboxes.Count + resolution.Relays.Count == 1) return entry.Notify;
        return (entry.Notify & ~DsnNotify.Success) is var rest and not DsnNotify.Default ? rest : DsnNotify.Never;
    }

    private static PeerReply RefusalOf(RecipientState state)
    {
        if (state == RecipientState.NotLocal) return NotOurs;
        var reply = RecipientJudge.ReplyOf(state);
        return PeerReply.Ours(reply.Code, reply.Status, reply.Text);
    }
}
