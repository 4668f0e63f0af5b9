using System.Text;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Accounts;
using Portal.Core.Domains;
using Portal.Core.Mailboxes;
using Portal.Core.Messages;
using Portal.Core.Permissions;
using Portal.Core.Recipients;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Messages;

/// <summary>Two people with a mailbox each, and the real writer in front of them.</summary>
public sealed class MailBed : IAsyncDisposable
{
    private MailBed(TestDatabase database) => Database = database;

    public string DataFolder => Database.DataFolder;

    public TestDatabase Database { get; }

    public Person Anna { get; private set; } = null!;

    public Person Bert { get; private set; } = null!;

    public MailService Mail => Database.Get<MailService>();

    public FolderService Folders => Database.Get<FolderService>();

    public DraftService Drafts => Database.Get<DraftService>();

    public MailRemover Remover => Database.Get<MailRemover>();

    public ContentSweeper Sweeper => Database.Get<ContentSweeper>();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static async Task<MailBed> CreateAsync(DatabaseKind kind)
    {
        var bed = new MailBed(await TestDatabase.CreateAsync(kind));
        await bed.Database.Get<MailWriter>().StartAsync(Cancel);
        var domain = new Domain { Name = "portal.test", DisplayName = "portal.test", CreatedAt = TestDatabase.Start };
        await bed.Database.WriteAsync(db => db.Domains.Add(domain));
        bed.Anna = await bed.AddPersonAsync(domain, "anna", "Anna Berg");
        bed.Bert = await bed.AddPersonAsync(domain, "bert", "Bert Voss");
        return bed;
    }

    /// <summary>Delivers a message the way the receiver does; returns its item.</summary>
    public async Task<long> DeliverAsync(Person person, string message, SpecialUse folder = SpecialUse.Inbox, MailFlags flags = MailFlags.None)
    {
        var queueId = await AcceptAsync(Encoding.Latin1.GetBytes(message.ReplaceLineEndings("\r\n")), new LocalDelivery(person.MailboxId, folder, flags, -1));
        return await Database.ReadAsync(db => db.Messages.Where(m => m.QueueId == queueId).Join(db.MailItems, m => m.Id, i => i.MessageId, (m, i) => i.Id).SingleAsync());
    }

    /// <summary>Commits octets through the writer; returns the queue id.</summary>
    public async Task<Guid> AcceptAsync(byte[] octets, params LocalDelivery[] deliveries)
    {
        using var spool = Database.Get<ContentSpoolFactory>().Create();
        await spool.WriteAsync(octets, Cancel);
        using var content = await spool.CompleteAsync(Cancel);
        var queueId = Guid.CreateVersion7();
        var result = await Database.Get<MailWriter>().WriteAsync(new Acceptance
        {
            QueueId = queueId,
            At = Database.Clock.GetUtcNow(),
            Content = content,
            TraceFields = "Return-Path: <carl@example.org>\r\n"u8.ToArray(),
            Head = MessageHead.Parse(content.Head.Span),
            ReversePath = "carl@example.org",
            Deliveries = deliveries,
            Trace = null,
        });
        Assert.Equal(WriteResult.Committed, result);
        return queueId;
    }

    /// <summary>A folder of a person, as it stands.</summary>
    public async Task<MailFolder> FolderAsync(Person person, SpecialUse use) => (await Mail.OverviewAsync(person.Actor, Cancel)).Value.For(use);

    public async Task<IReadOnlyList<MailRow>> ListAsync(Person person, SpecialUse use) =>
        (await Mail.ListAsync(person.Actor, (await FolderAsync(person, use)).Id, null, Cancel)).Value.Rows;

    public async ValueTask DisposeAsync()
    {
        await Database.Get<MailWriter>().StopAsync(CancellationToken.None);
        await Database.DisposeAsync();
    }

    private async Task<Person> AddPersonAsync(Domain domain, string name, string displayName)
    {
        var account = new Account { UserName = $"{name}@portal.test", DisplayName = displayName, CreatedAt = TestDatabase.Start };
        var mailbox = new Mailbox { Name = displayName, DomainId = domain.Id, PrimaryAddress = $"{name}@portal.test", AccountId = account.Id, CreatedAt = TestDatabase.Start };
        await Database.WriteAsync(db =>
        {
            db.Accounts.Add(account);
            db.Mailboxes.Add(mailbox);
            db.MailboxUses.Add(new MailboxUse { MailboxId = mailbox.Id });
            db.Addresses.Add(new Address { DomainId = domain.Id, LocalPart = name, Display = name, MailboxId = mailbox.Id, IsPrimary = true });
            db.Folders.AddRange(Folder.StandardSet(mailbox.Id, TestDatabase.Start));
        });
        return new Person(mailbox.Id, Actor.ForAccount(account.Id, mailbox.PrimaryAddress, [new HeldRole(Role.User, Scope.Everything)], Channel.Portal, "127.0.0.1"));
    }
}

/// <summary>Somebody with a mailbox.</summary>
public sealed record Person(Guid MailboxId, Actor Actor);
