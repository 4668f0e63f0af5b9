using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Addresses;
using Portal.Core.Audit;
using Portal.Core.Data;
using Portal.Core.Jobs;
using Portal.Core.Messages;
using Portal.Core.Permissions;
using Portal.Core.Queue;

namespace Portal.Core.Quarantine;

/// <summary>What people may do with mail that was kept back. Whose roles are scoped to domains sees what is for those domains' recipients.</summary>
public sealed partial class QuarantineService(IDbContextFactory<PortalDbContext> databases, WriteGate gate, ChangeFeed feed, MailOpener opener, RouteSelector routes, TimeProvider clock)
{
    /// <summary>Kind of the work of large acts.</summary>
    public const string WorkKind = "quarantine.act";

    /// <summary>An act on more items than this becomes work carried out in turns.</summary>
    public const int MaxRowsAtOnce = 100;

    /// <summary>Characters of a header that are shown.</summary>
    public const int MaxHeaderChars = 64 * 1024;

    /// <summary>Characters of a text that are shown.</summary>
    public const int MaxTextChars = 100_000;

    /// <summary>A page of items; needs <see cref="Capability.ViewQuarantine"/>.</summary>
    /// <param name="sort">Order; <paramref name="descending"/> turns it round.</param>
    public async Task<Outcome<Page<QuarantineRow>>> SearchAsync(Actor actor, QuarantineFilter filter, QuarantineSort sort, bool descending, int skip, int take, CancellationToken cancel)
    {
        if (!actor.May(Capability.ViewQuarantine)) return new NotPermitted(Capability.ViewQuarantine);
        await using var db = await databases.CreateDbContextAsync(cancel);
        var matching = filter.Apply(InScope(db, actor, Capability.ViewQuarantine));
        if (sort != QuarantineSort.Age && await matching.Take(Paging.CountLimit + 1).CountAsync(cancel) > Paging.CountLimit) (sort, descending) = (QuarantineSort.Age, false);   // only the age has an index
        return await matching.ToPageAsync(Sorted(matching, sort, descending), items => Rows(db, items), skip, take, cancel);
    }

    /// <summary>The rules that put something here; needs <see cref="Capability.ViewQuarantine"/>.</summary>
    public async Task<Outcome<IReadOnlyList<string>>> RulesAsync(Actor actor, CancellationToken cancel)
    {
        if (!actor.May(Capability.ViewQuarantine)) return new NotPermitted(Capability.ViewQuarantine);
        await using var db = await databases.CreateDbContextAsync(cancel);
        return await InScope(db, actor, Capability.ViewQuarantine).OrderByDescending(i => i.Id).Take(Paging.CountLimit).Select(i => i.Rule).Distinct().OrderBy(r => r).ToListAsync(cancel);
    }

    /// <summary>Opens an item: headers, safe text, names of attachments. Each look is audited.</summary>
    /// <param name="actor">Needs <see cref="Capability.ViewQuarantine"/>.</param>
    /// <returns>The message, <see cref="NotFound"/>, or <see cref="Conflict"/> where it is for somebody who may more than the actor.</returns>
    public async Task<Outcome<QuarantineView>> OpenAsync(Actor actor, long id, CancellationToken cancel)
    {
        if (!actor.May(Capability.ViewQuarantine)) return new NotPermitted(Capability.ViewQuarantine);
        QuarantineRow? row;
        long messageId;
        await using (var db = await databases.CreateDbContextAsync(cancel))
        {
            var item = InScope(db, actor, Capability.ViewQuarantine).Where(i => i.Id == id);
            row = await Rows(db, item).SingleOrDefaultAsync(cancel);
            messageId = await item.Select(i => i.MessageId).SingleOrDefaultAsync(cancel);
        }

        if (row is null) return new NotFound("QuarantineItem");
        if (await IsOfSuperiorAsync(actor, row, cancel)) return new Conflict("QuarantineOfSuperior");
        await AuditAsync(actor, row, cancel);   // first: who was shown it is on record whatever happens next

        var (header, isHeaderCut) = await ReadHeaderAsync(messageId, cancel);
        using var mail = await opener.OpenAsync(messageId, cancel);
        var text = mail.Text ?? (mail.Html is { } html ? MailText.FromHtml(html) : null);
        var isCut = mail.IsCut || isHeaderCut || text?.Length > MaxTextChars;
        return new QuarantineView(row, Plain(mail.Subject), mail.From, Plain(header), Plain(StorableText.Cut(text, MaxTextChars)), isCut, mail.IsReadable, [.. mail.Attachments]);
    }

    /// <summary>How many items an act would be for, counted up to <see cref="Paging.CountLimit"/>.</summary>
    /// <param name="actor">Needs <see cref="Capability.ReleaseQuarantine"/>.</param>
    public async Task<Outcome<ActPreview>> PreviewAsync(Actor actor, QuarantineSelection selection, CancellationToken cancel)
    {
        if (!actor.May(Capability.ReleaseQuarantine)) return new NotPermitted(Capability.ReleaseQuarantine);
        await using var db = await databases.CreateDbContextAsync(cancel);
        var rows = await selection.Apply(InScope(db, actor, Capability.ReleaseQuarantine)).Take(Paging.CountLimit + 1).CountAsync(cancel);
        return new ActPreview(Math.Min(rows, Paging.CountLimit), rows <= Paging.CountLimit);
    }

    /// <summary>Delivers or deletes what is selected. What is released goes on through the queue: it is in the inbox a moment later, in a full mailbox too.</summary>
    /// <param name="actor">Needs <see cref="Capability.ReleaseQuarantine"/>.</param>
    /// <returns>What was done, <see cref="NotPermitted"/>, or <see cref="NotFound"/> when a named item is gone or out of scope.</returns>
    public async Task<Outcome<QuarantineActResult>> ActAsync(Actor actor, QuarantineAct act, QuarantineSelection selection, CancellationToken cancel)
    {
        if (!actor.May(Capability.ReleaseQuarantine)) return new NotPermitted(Capability.ReleaseQuarantine);

        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        var selected = selection.Apply(InScope(db, actor, Capability.ReleaseQuarantine)).OrderBy(i => i.Id);
        var items = await selected.Take(MaxRowsAtOnce + 1).ToListAsync(cancel);
        if (items.Count == 0 && selection.Ids is { Count: 1 }) return new NotFound("QuarantineItem");

        var at = clock.GetUtcNow();
        var single = items is [var only] ? only : null;
        var target = single?.ForwardPath ?? selection.Describe();
        QuarantineActResult result;
        if (items.Count <= MaxRowsAtOnce)
        {
            result = new QuarantineActResult(await QuarantineActs.ApplyAsync(db, act, items, RouteKeyOf, actor.Name, at, cancel), null);
            if (single is not null && result.Rows == 0) return new NotFound("QuarantineItem");   // somebody else was faster
            object what = single is null ? new { rows = result.Rows } : new { from = single.ReversePath, queueId = single.QueueId };
            db.Audit.Add(AuditEntry.Change(actor, at, QuarantineActs.ActionOf(act), target, null, what, single?.DomainId));
            await db.SaveChangesAsync(cancel);
        }
        else
        {
            var work = db.BeginWork(WorkKind, new QuarantineActInput(act, selection.Filter, selection.Ids, actor.DomainsWith(Capability.ReleaseQuarantine)?.ToList(), await selected.MaxAsync(i => i.Id, cancel)), await selected.CountAsync(cancel), actor, at);
            db.Audit.Add(AuditEntry.Change(actor, at, QuarantineActs.ActionOf(act), target, null, new { rows = work.TotalRows }));
            await db.SaveChangesAsync(cancel);
            result = new QuarantineActResult(0, work.Id);
        }

        await transaction.CommitAsync(cancel);
        db.PublishRaised();
        foreach (var area in new[] { Change.Quarantine, Change.Queue, Change.Audit }) feed.Publish(area);
        return result;
    }

    /// <summary>Rank safety (DESIGN §6): nobody reads mail for somebody who may more than they. What leads to several is nobody's own.</summary>
    private async Task<bool> IsOfSuperiorAsync(Actor actor, QuarantineRow row, CancellationToken cancel)
    {
        if (row.DomainId is not { } domainId || !MailAddress.TryParse(row.ForwardPath, out var address)) return false;
        await using var db = await databases.CreateDbContextAsync(cancel);
        var plus = address.FoldedLocalPart.IndexOf('+', StringComparison.Ordinal);
        string[] names = plus > 0 ? [address.FoldedLocalPart, address.FoldedLocalPart[..plus]] : [address.FoldedLocalPart];
        var accounts = await db.Addresses.AsNoTracking().Where(a => a.DomainId == domainId && names.Contains(a.LocalPart) && a.MailboxId != null)
            .Join(db.Mailboxes, a => a.MailboxId, m => m.Id, (a, m) => m.AccountId).Where(a => a != null).Select(a => a!.Value).ToListAsync(cancel);
        var roles = await db.RolesOfAsync(accounts, cancel);
        return accounts.Exists(a => !actor.Outranks(roles[a]));
    }

    // What turns the direction of writing makes an address look like another's: it is shown as what it is.
    [return: NotNullIfNotNull(nameof(text))]
    private static string? Plain(string? text) => text is null ? null : Turning().Replace(text, "\uFFFD");

    [GeneratedRegex("[\u202A-\u202E\u2066-\u2069]", RegexOptions.CultureInvariant)]
    private static partial Regex Turning();

    private ValueTask<string> RouteKeyOf(QuarantineItem item) => routes.RouteKeyForAsync(item.ReversePath, item.ForwardPath, CancellationToken.None);

    private static IQueryable<QuarantineItem> InScope(PortalDbContext db, Actor actor, Capability capability) => Of(db, actor.DomainsWith(capability));

    /// <summary>What is for the recipients of domains; null means everything.</summary>
    internal static IQueryable<QuarantineItem> Of(PortalDbContext db, IReadOnlyCollection<Guid>? domains) =>
        domains is null ? db.QuarantineItems.AsNoTracking() : db.QuarantineItems.AsNoTracking().Where(i => i.DomainId != null && domains.Contains(i.DomainId.Value));

    private static IQueryable<QuarantineRow> Rows(PortalDbContext db, IQueryable<QuarantineItem> items) =>
        from item in items
        join message in db.Messages on item.MessageId equals message.Id
        select new QuarantineRow(item.Id, item.QueueId, item.ReversePath, message.HeaderFrom, item.ForwardPath, item.DomainId, item.Rule, item.IsRefused, item.At, item.ExpiresAt, item.SizeBytes);

    private static IQueryable<QuarantineItem> Sorted(IQueryable<QuarantineItem> items, QuarantineSort sort, bool descending) => (sort, descending) switch
    {
        (QuarantineSort.Recipient, false) => items.OrderBy(i => i.ForwardPath).ThenBy(i => i.Id),
        (QuarantineSort.Recipient, true) => items.OrderByDescending(i => i.ForwardPath).ThenBy(i => i.Id),
        (QuarantineSort.Sender, false) => items.OrderBy(i => i.ReversePath).ThenBy(i => i.Id),
        (QuarantineSort.Sender, true) => items.OrderByDescending(i => i.ReversePath).ThenBy(i => i.Id),
        (QuarantineSort.Size, false) => items.OrderBy(i => i.SizeBytes).ThenBy(i => i.Id),
        (QuarantineSort.Size, true) => items.OrderByDescending(i => i.SizeBytes).ThenBy(i => i.Id),
        (_, false) => items.OrderByDescending(i => i.Id),   // the youngest has the least age
        (_, true) => items.OrderBy(i => i.Id),
    };

    private async Task<(string Header, bool IsCut)> ReadHeaderAsync(long messageId, CancellationToken cancel)
    {
        await using var raw = await opener.OpenRawAsync(messageId, cancel);
        var octets = new byte[MaxHeaderChars];
        var length = await raw.ReadAtLeastAsync(octets, octets.Length, throwOnEndOfStream: false, cancel);
        var head = MessageHead.Parse(octets.AsSpan(0, length));
        return (StorableText.Cut(Encoding.UTF8.GetString(octets, 0, head.HeaderBytes), MaxHeaderChars).TrimEnd(), !head.IsComplete && length == octets.Length);
    }

    private async Task AuditAsync(Actor actor, QuarantineRow row, CancellationToken cancel)
    {
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        db.Audit.Add(AuditEntry.Change(actor, clock.GetUtcNow(), "quarantine.view", row.ForwardPath, null, new { from = row.ReversePath, queueId = row.QueueId }, row.DomainId));
        db.Raise(Change.Audit);
        await db.SaveChangesAsync(cancel);
    }
}
