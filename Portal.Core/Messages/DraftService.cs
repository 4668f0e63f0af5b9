using Microsoft.EntityFrameworkCore;
using Portal.Core.Addresses;
using Portal.Core.Data;
using Portal.Core.Permissions;

namespace Portal.Core.Messages;

/// <summary>Letters being written: begun, saved into Drafts, taken up again, put down as what will be sent.</summary>
public sealed class DraftService(IDbContextFactory<PortalDbContext> databases, WriteGate gate, ChangeFeed feed, MailService mail, LetterComposer composer, ContentSpoolFactory spools, MailWriter writer, UploadStore uploads, TimeProvider clock)
{
    /// <summary>Text and subject a letter may have, in characters.</summary>
    public const int MaxTextLength = 1_000_000;

    /// <summary>Begins an answer or a forward of an item of one's own.</summary>
    /// <param name="kind">Anything but <see cref="LetterKind.New"/>.</param>
    public async Task<Outcome<LetterStart>> BeginAsync(Actor actor, long itemId, LetterKind kind, CancellationToken cancel)
    {
        var row = await mail.FindAsync(actor, itemId, cancel);
        if (!row.IsDone) return row.Refusal;
        var opening = await mail.OpenAsync(actor, itemId, cancel);
        if (!opening.IsDone) return opening.Refusal;

        using var original = opening.Value;
        return LetterStarts.Begin(row.Value, original, kind, await OwnAddressesAsync(actor, cancel));
    }

    /// <summary>Takes up a draft again.</summary>
    /// <returns>The letter, or <see cref="NotFound"/> for what isn't a draft of one's own.</returns>
    public async Task<Outcome<Letter>> OpenAsync(Actor actor, long itemId, CancellationToken cancel)
    {
        var row = await mail.FindAsync(actor, itemId, cancel);
        if (!row.IsDone) return row.Refusal;
        if (!row.Value.Flags.HasFlag(MailFlags.Draft) || row.Value.DeletedAt is not null) return new NotFound("MailItem");
        var opening = await mail.OpenAsync(actor, itemId, cancel);
        if (!opening.IsDone) return opening.Refusal;

        using var draft = opening.Value;
        return LetterStarts.Resume(itemId, draft);
    }

    /// <summary>
    /// Saves a letter into Drafts in place of its former state. Wrong addresses are kept as they are; nothing is judged before it is sent.
    /// </summary>
    /// <returns>The letter as it is stored now; <see cref="Conflict"/> when the mailbox is full or nothing can be stored just now.</returns>
    public async Task<Outcome<Letter>> SaveAsync(Actor actor, Letter letter, CancellationToken cancel)
    {
        var person = await WriterAsync(actor, cancel);
        if (!person.IsDone) return person.Refusal;
        if (letter.Text.Length > MaxTextLength) return new Invalid("LetterTooLong", MaxTextLength) { Field = "Text" };
        if (person.Value.IsFull) return new Conflict("MailboxFull");

        var at = clock.GetUtcNow();
        var queueId = Guid.CreateVersion7(at);
        try
        {
            using var spool = spools.Create();
            await composer.WriteAsync(letter, new SpoolStream(spool), person.Value.AccountId, (person.Value.Name, person.Value.Address), at, isDraft: true, id => MessageOfAsync(actor, id, cancel), cancel);
            using var content = await spool.CompleteAsync(cancel);
            var written = await writer.WriteAsync(new Acceptance
            {
                QueueId = queueId,
                At = at,
                Content = content,
                TraceFields = [],
                Head = MessageHead.Parse(content.Head.Span),
                ReversePath = person.Value.Address,
                Deliveries = [new LocalDelivery(person.Value.MailboxId, SpecialUse.Drafts, MailFlags.Draft | MailFlags.Seen, -1)],
                Trace = null,
            });
            if (written != WriteResult.Committed) return new Conflict("MailNotSaved");
        }
        catch (LetterFault fault)
        {
            return fault.Refusal;
        }

        var itemId = await FindStoredAsync(person.Value.MailboxId, queueId, cancel);
        if (letter.DraftId is { } former) await DiscardAsync(person.Value.MailboxId, former, cancel);
        foreach (var upload in letter.Attachments) if (upload.UploadId is { } id) uploads.Delete(person.Value.AccountId, id);

        // In multipart/mixed the text is leaf 0 and the attachments follow in order.
        return letter with { DraftId = itemId, Attachments = [.. letter.Attachments.Select((a, i) => a with { UploadId = null, ItemId = itemId, Part = i + 1 })] };
    }

    /// <summary>Writes down what is to be sent. The caller hands it to the submission and disposes the content.</summary>
    public async Task<Outcome<OutgoingLetter>> ComposeAsync(Actor actor, Letter letter, CancellationToken cancel)
    {
        var person = await WriterAsync(actor, cancel);
        if (!person.IsDone) return person.Refusal;
        if (letter.Text.Length > MaxTextLength) return new Invalid("LetterTooLong", MaxTextLength) { Field = "Text" };
        var recipients = LetterComposer.Recipients(letter);
        if (!recipients.IsDone) return recipients.Refusal;

        if (!MailAddress.TryParse(person.Value.Address, out var reversePath)) throw new InvalidOperationException($"The mailbox {person.Value.MailboxId} has an address that is none.");

        var content = MailOpener.Buffer(letter.AttachedBytes + letter.Text.Length);
        try
        {
            await composer.WriteAsync(letter, content, person.Value.AccountId, (person.Value.Name, person.Value.Address), clock.GetUtcNow(), isDraft: false, id => MessageOfAsync(actor, id, cancel), cancel);
            content.Position = 0;
            return new OutgoingLetter(reversePath, recipients.Value, content);
        }
        catch (LetterFault fault)
        {
            await content.DisposeAsync();
            return fault.Refusal;
        }
        catch
        {
            await content.DisposeAsync();
            throw;
        }
    }

    /// <summary>After a letter was sent: its draft and uploads go, what it answered or forwarded is marked so.</summary>
    public async Task<Outcome> CompleteAsync(Actor actor, Letter letter, CancellationToken cancel)
    {
        var person = await WriterAsync(actor, cancel);
        if (!person.IsDone) return person.Refusal;

        foreach (var upload in letter.Attachments) if (upload.UploadId is { } id) uploads.Delete(person.Value.AccountId, id);
        if (letter.DraftId is { } draft) await DiscardAsync(person.Value.MailboxId, draft, cancel);
        return letter.SourceItemId is { } source
            ? await mail.MarkAsync(actor, [source], letter.Kind == LetterKind.Forward ? MailFlags.Forwarded : MailFlags.Answered, MailFlags.None, cancel)
            : Outcome.Done;
    }

    private async Task<Outcome<Writer>> WriterAsync(Actor actor, CancellationToken cancel)
    {
        if (actor.AccountId is not { } accountId || !actor.May(Capability.UseOwnMail)) return new NotPermitted(Capability.UseOwnMail);

        await using var db = await databases.CreateDbContextAsync(cancel);
        var writer = await db.Mailboxes.OwnedBy(actor).OrderBy(m => m.CreatedAt)
            .Select(m => new Writer(
                accountId, m.Id, m.PrimaryAddress, db.Accounts.Where(a => a.Id == accountId).Select(a => a.DisplayName).FirstOrDefault() ?? "",
                m.QuotaOverrideBytes != null && db.MailboxUses.Any(u => u.MailboxId == m.Id && u.Bytes >= m.QuotaOverrideBytes)))
            .FirstOrDefaultAsync(cancel);
        return writer is null ? new NotFound("Mailbox") : writer;
    }

    private async Task<HashSet<string>> OwnAddressesAsync(Actor actor, CancellationToken cancel)
    {
        await using var db = await databases.CreateDbContextAsync(cancel);
        var mailboxId = await db.OwnMailboxIdAsync(actor, cancel);
        var own = await db.Addresses.Where(a => a.MailboxId == mailboxId).Join(db.Domains, a => a.DomainId, d => d.Id, (a, d) => new { a.LocalPart, d.Name }).Take(1000).ToListAsync(cancel);
        return [.. own.Select(a => $"{a.LocalPart}@{a.Name}")];
    }

    private async Task<long?> MessageOfAsync(Actor actor, long itemId, CancellationToken cancel) =>
        await mail.FindAsync(actor, itemId, cancel) is { IsDone: true, Value: var row } ? row.MessageId : null;

    private async Task<long> FindStoredAsync(Guid mailboxId, Guid queueId, CancellationToken cancel)
    {
        await using var db = await databases.CreateDbContextAsync(cancel);
        return await db.Messages.Where(m => m.QueueId == queueId).Join(db.MailItems.Where(i => i.MailboxId == mailboxId), m => m.Id, i => i.MessageId, (m, i) => i.Id).SingleAsync(cancel);
    }

    /// <summary>Ends a superseded draft; anything that is not a draft in Drafts is left alone.</summary>
    private async Task DiscardAsync(Guid mailboxId, long itemId, CancellationToken cancel)
    {
        using (var turn = await gate.EnterAsync(cancel))
        {
            await using var db = await databases.CreateDbContextAsync(cancel);
            await using var transaction = await db.Database.BeginTransactionAsync(cancel);
            var isDraft = await db.MailItems.Where(i => i.Id == itemId && i.MailboxId == mailboxId && (i.Flags & MailFlags.Draft) != 0)
                .AnyAsync(i => db.Folders.Any(f => f.Id == i.FolderId && f.SpecialUse == SpecialUse.Drafts), cancel);
            if (!isDraft) return;

            await MailRemover.DiscardAsync(db, mailboxId, [itemId], clock.GetUtcNow(), cancel);
            await transaction.CommitAsync(cancel);
        }

        feed.Publish(Change.Mail, mailboxId);
    }

    private sealed record Writer(Guid AccountId, Guid MailboxId, string Address, string Name, bool IsFull);
}

/// <summary>A letter written down and ready for the submission.</summary>
/// <param name="Content">Header and body, from the start; disposed with the letter.</param>
public sealed record OutgoingLetter(MailAddress ReversePath, IReadOnlyList<MailAddress> Recipients, Stream Content) : IDisposable
{
    public void Dispose() => Content.Dispose();
}
