using Microsoft.EntityFrameworkCore;
using Portal.Core.Domains;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Core.Recipients;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core;

/// <summary>A small organisation, written straight into the database, and the actors of every role.</summary>
internal static class Organisation
{
    public static DomainService DomainService(this TestDatabase database) => database.Get<DomainService>();

    public static AliasService AliasService(this TestDatabase database) => new(database.Databases, database.Gate, database.Clock);

    public static MailboxListService MailboxList(this TestDatabase database) => new(database.Databases);

    /// <summary>An account that holds one role, everywhere or in one domain.</summary>
    public static Actor With(Role role, Guid? domainId = null) =>
        Actor.ForAccount(Guid.CreateVersion7(), $"{role}@portal.test".ToLowerInvariant(), [new HeldRole(role, new Scope(domainId))], Channel.Portal, "192.0.2.7");

    public static async Task<Domain> SeedDomainAsync(this TestDatabase database, string name = "portal.test", Guid? aliasOfId = null)
    {
        var domain = new Domain { Name = name, DisplayName = name, AliasOfId = aliasOfId, CreatedAt = database.Clock.GetUtcNow() };
        await database.WriteAsync(db => db.Domains.Add(domain));
        return domain;
    }

    public static async Task<Mailbox> SeedMailboxAsync(this TestDatabase database, Domain domain, string localPart)
    {
        var mailbox = new Mailbox { Name = localPart, DomainId = domain.Id, PrimaryAddress = $"{localPart}@{domain.Name}", CreatedAt = database.Clock.GetUtcNow() };
        await database.WriteAsync(db =>
        {
            db.Mailboxes.Add(mailbox);
            db.MailboxUses.Add(new MailboxUse { MailboxId = mailbox.Id });
            db.Addresses.Add(new Address { DomainId = domain.Id, LocalPart = localPart, Display = localPart, MailboxId = mailbox.Id, IsPrimary = true });
        });
        return mailbox;
    }

    public static Task<List<string>> AuditedActionsAsync(this TestDatabase database) =>
        database.ReadAsync(db => db.Audit.OrderBy(a => a.Id).Select(a => a.Action + " " + a.Target).ToListAsync());
}
