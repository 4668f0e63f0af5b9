using System.Collections.Frozen;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Addresses;
using Portal.Core.Data;
using Portal.Core.Mailboxes;

namespace Portal.Core.Accounts;

/// <summary>Which addresses an account may send as: its mailbox's own, its aliases, each with any +detail, in the domain and its alias domains.</summary>
public sealed class SenderRights(IDbContextFactory<PortalDbContext> databases, ChangeFeed feed, TimeProvider clock)
{
    private const int MaxAddresses = 5_000;
    private readonly ChangeFedCache<Guid, FrozenSet<string>> cache = new(feed, clock, Change.Directory, 20_000);

    /// <summary>Whether the account may use this address in MAIL FROM and From.</summary>
    public async ValueTask<bool> OwnsAsync(Guid accountId, MailAddress address, CancellationToken cancel)
    {
        var owned = await cache.GetAsync(accountId, LoadAsync, cancel);
        if (owned is null || address.AddressLiteral is not null) return false;
        if (owned.Contains(address.Folded)) return true;
        var plus = address.FoldedLocalPart.IndexOf('+', StringComparison.Ordinal);
        return plus > 0 && MailAddress.TryParse($"{address.FoldedLocalPart[..plus]}@{address.Domain}", out var bare) && owned.Contains(bare.Folded)
            && !await IsRegisteredAsync(address, cancel);
    }

    /// <summary>Every address the account may send as, primary first; for the From field of compose.</summary>
    public async Task<IReadOnlyList<string>> AddressesAsync(Guid accountId, CancellationToken cancel)
    {
        await using var db = await databases.CreateDbContextAsync(cancel);
        return await (from mailbox in db.Mailboxes.AsNoTracking()
                      where mailbox.AccountId == accountId && mailbox.State == MailboxState.Active
                      join address in db.Addresses on mailbox.Id equals address.MailboxId
                      join domain in db.Domains on address.DomainId equals domain.Id
                      where address.LocalPart != ""
                      orderby address.IsPrimary descending, address.LocalPart
                      select address.Display + "@" + domain.Name).Take(100).ToListAsync(cancel);
    }

    /// <summary>One's own address with a +detail that is registered is somebody else's (DESIGN §5: cut only if the full form isn't).</summary>
    private async Task<bool> IsRegisteredAsync(MailAddress address, CancellationToken cancel)
    {
        await using var db = await databases.CreateDbContextAsync(cancel);
        return await (from domain in db.Domains.AsNoTracking()
                      where domain.Name == address.Domain.Value
                      join registered in db.Addresses on domain.AliasOfId ?? domain.Id equals registered.DomainId
                      where registered.LocalPart == address.FoldedLocalPart
                      select registered.Id).AnyAsync(cancel);
    }

    private async Task<FrozenSet<string>?> LoadAsync(Guid accountId, CancellationToken cancel)
    {
        await using var db = await databases.CreateDbContextAsync(cancel);
        var rows = await (from mailbox in db.Mailboxes.AsNoTracking()
                          where mailbox.AccountId == accountId && mailbox.State == MailboxState.Active
                          join address in db.Addresses on mailbox.Id equals address.MailboxId
                          join domain in db.Domains on address.DomainId equals domain.AliasOfId ?? domain.Id
                          where address.LocalPart != ""
                          select new { address.LocalPart, domain.Name }).Take(MaxAddresses).ToListAsync(cancel);
        return rows.Count == 0 ? null : rows.Select(r => MailAddress.TryParse($"{r.LocalPart}@{r.Name}", out var a) ? a.Folded : $"\"{r.LocalPart}\"@{r.Name}").ToFrozenSet();
    }
}
