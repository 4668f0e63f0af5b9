using System.Globalization;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;
using Portal.Core.Jobs;
using Portal.Core.Permissions;

namespace Portal.Core.Mailboxes;

/// <summary>Who decided, as they were then: their roles bound the work however long it takes.</summary>
internal sealed record ActorSnapshot(ActorKind Kind, Guid? AccountId, string Name, Channel Channel, string? Address, IReadOnlyList<HeldRole> Roles, string? Reason = null)
{
    public static ActorSnapshot Of(Actor actor) => new(actor.Kind, actor.AccountId, actor.Name, actor.Channel, actor.Address, actor.HeldRoles, actor.Reason);

    public Actor Restore()
    {
        var actor = Kind switch
        {
            ActorKind.Operator => Actor.Operator(Channel),
            ActorKind.System => Actor.System(Channel),
            _ => Actor.ForAccount(AccountId ?? Guid.Empty, Name, Roles, Channel, Address),
        };
        return actor.Because(Reason);
    }
}

/// <summary>What a large act is to do: the filter or ids as they were decided, up to the last mailbox that was there then.</summary>
internal sealed record MailboxBulkInput(ActorSnapshot Actor, MailboxChange Change, IReadOnlyList<Guid>? Ids, MailboxQuery Query, Guid LastId);

/// <summary>An act on more than 100 mailboxes, in turns; the cursor is the id of the last mailbox done.</summary>
internal sealed class MailboxBulkWork(TimeProvider clock) : IWorkKind
{
    private const int RowsPerTurn = 200;

    public string Kind => MailboxBulkService.WorkKind;

    public Capability? Needs => Capability.ManageMailboxes;

    public string ActionOf(Work work) => Read(work).Change.Action;

    public async Task<WorkTurn> TakeTurnAsync(PortalDbContext db, Work work, CancellationToken cancel)
    {
        var input = Read(work);
        var actor = input.Actor.Restore();
        var after = work.Cursor is null ? Guid.Empty : Guid.Parse(work.Cursor, CultureInfo.InvariantCulture);
        var selection = input.Ids is { } ids ? MailboxSelection.Of(ids) : MailboxSelection.Matching(input.Query);
        var mailboxes = await MailboxBulkService.Select(db, actor, selection, input.Change)
            .Where(m => m.Id > after && m.Id <= input.LastId)
            .OrderBy(m => m.Id)
            .Take(RowsPerTurn)
            .ToListAsync(cancel);
        var (refused, _) = await MailboxActs.ApplyAsync(db, actor, input.Change, mailboxes, clock.GetUtcNow(), cancel);
        await WorkResults.AddAsync(db, work, refused, cancel);
        return new WorkTurn(mailboxes.Count < RowsPerTurn ? null : mailboxes[^1].Id.ToString(), mailboxes.Count);
    }

    private static MailboxBulkInput Read(Work work) => JsonSerializer.Deserialize<MailboxBulkInput>(work.Input)!;
}
