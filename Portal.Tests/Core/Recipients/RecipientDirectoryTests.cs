using Microsoft.EntityFrameworkCore;
using Portal.Core.Addresses;
using Portal.Core.Data;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Core.Recipients;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Recipients;

public class RecipientDirectoryTests
{
    [Theory, BothDatabases]
    public async Task Each_kind_of_address_comes_to_its_answer(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.AddDomainAsync();
        var anna = await database.AddMailboxAsync("Anna@portal.test");
        await AddForwarderAsync(database, domain, "sales", "anna@portal.test", "team@example.org");
        await AddForwarderAsync(database, domain, "round", "about@portal.test");
        await AddForwarderAsync(database, domain, "about", "round@portal.test");

        await ExpectAsync(database, "anna@portal.test", RecipientState.Ok, "recipient.mailbox", anna.MailboxId);
        await ExpectAsync(database, "ANNA@Portal.Test", RecipientState.Ok, "recipient.mailbox", anna.MailboxId);
        await ExpectAsync(database, "anna+news@portal.test", RecipientState.Ok, "recipient.detail", anna.MailboxId);
        await ExpectAsync(database, "nobody@portal.test", RecipientState.Unknown, "recipient.unknown");
        await ExpectAsync(database, "anna@example.org", RecipientState.NotLocal, "recipient.notLocal");
        await ExpectAsync(database, "anna@[127.0.0.1]", RecipientState.NotLocal, "recipient.notLocal");
        await ExpectAsync(database, "round@portal.test", RecipientState.Loop, "recipient.loop");
        var sales = await ExpectAsync(database, "sales@portal.test", RecipientState.Ok, "recipient.forwarder", anna.MailboxId);
        Assert.Equal(["team@example.org"], sales.Relays);
    }

    [Theory, BothDatabases]
    public async Task Catch_all_takes_what_no_other_row_names_and_only_then(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.AddDomainAsync();
        var (anna, ben) = (await database.AddMailboxAsync("anna@portal.test"), await database.AddMailboxAsync("ben@portal.test"));
        await database.WriteAsync(db => db.Addresses.Add(new Address { DomainId = domain, LocalPart = Address.CatchAll, Display = "", MailboxId = ben.MailboxId }));

        await ExpectAsync(database, "anyone@portal.test", RecipientState.Ok, "recipient.catchAll", ben.MailboxId);
        await ExpectAsync(database, "anna@portal.test", RecipientState.Ok, "recipient.mailbox", anna.MailboxId);
    }

    [Theory, BothDatabases]
    public async Task Postmaster_reaches_the_first_administrator(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.AddDomainAsync();
        await database.AddMailboxAsync("anna@portal.test");
        var admin = await database.AddMailboxAsync("admin@portal.test", null, Role.Administrator);

        await ExpectAsync(database, "postmaster@portal.test", RecipientState.Ok, "recipient.postmaster", admin.MailboxId);
        Assert.Equal(admin.MailboxId, Assert.Single((await database.Get<RecipientDirectory>().ResolvePostmasterAsync(0, CancellationToken.None)).Mailboxes).MailboxId);
    }

    [Theory, BothDatabases]
    public async Task A_change_is_seen_by_the_next_recipient(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.AddDomainAsync();
        var anna = await database.AddMailboxAsync("anna@portal.test");
        await ExpectAsync(database, "anna@portal.test", RecipientState.Ok, "recipient.mailbox", anna.MailboxId);

        Assert.True((await database.Get<MailboxService>().DisableAsync(Actor.Operator(), anna.MailboxId, CancellationToken.None)).IsDone);
        await ExpectAsync(database, "anna@portal.test", RecipientState.Disabled, "recipient.disabled");

        Assert.True((await database.Get<MailboxService>().EnableAsync(Actor.Operator(), anna.MailboxId, CancellationToken.None)).IsDone);
        Assert.True((await database.Get<MailboxService>().DeleteAsync(Actor.Operator(), anna.MailboxId, CancellationToken.None)).IsDone);
        await ExpectAsync(database, "anna@portal.test", RecipientState.Disabled, "recipient.deleted");

        Assert.True((await database.Get<MailboxService>().RestoreAsync(Actor.Operator(), anna.MailboxId, CancellationToken.None)).IsDone);
        await ExpectAsync(database, "anna@portal.test", RecipientState.Ok, "recipient.mailbox", anna.MailboxId);
    }

    [Theory, BothDatabases]
    public async Task What_is_too_large_for_the_rest_asks_to_come_back_however_long_it_tries(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.AddDomainAsync();
        var anna = await database.AddMailboxAsync("anna@portal.test", quotaBytes: 1_000);
        await UseAsync(database, anna.MailboxId, 999);

        for (var day = 0; day < 7; day++)
        {
            await ExpectAsync(database, "anna@portal.test", RecipientState.QuotaFull, "recipient.quotaFull", sizeBytes: 2);
            database.Clock.Advance(TimeSpan.FromDays(1));
        }

        Assert.Null(await database.ReadAsync(db => db.MailboxUses.Select(u => u.FullSince).SingleAsync()));
    }

    [Theory, BothDatabases]
    public async Task A_forwarder_with_one_full_mailbox_asks_to_come_back_so_that_no_copy_is_lost(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.AddDomainAsync();
        await database.AddMailboxAsync("anna@portal.test");
        var bert = await database.AddMailboxAsync("bert@portal.test", quotaBytes: 1_000);
        await AddForwarderAsync(database, domain, "team", "anna@portal.test", "bert@portal.test");
        await UseAsync(database, bert.MailboxId, 1_000);

        await ExpectAsync(database, "team@portal.test", RecipientState.QuotaFull, "recipient.quotaFull", sizeBytes: 10);
    }

    private static async Task<RecipientResolution> ExpectAsync(TestDatabase database, string forwardPath, RecipientState state, string rule, Guid? mailbox = null, long sizeBytes = 0)
    {
        var found = await database.Get<RecipientDirectory>().ResolveAsync(MailAddress.Parse(forwardPath), sizeBytes, CancellationToken.None);
        Assert.Equal((forwardPath, state, rule), (forwardPath, found.State, found.Rule));
        Assert.Equal(mailbox is { } id ? [id] : Array.Empty<Guid>(), found.Mailboxes.Select(m => m.MailboxId));
        return found;
    }

    private static Task AddForwarderAsync(TestDatabase database, Guid domain, string localPart, params string[] targets) => database.WriteAsync(db =>
    {
        var forwarder = new Forwarder { DomainId = domain };
        forwarder.Targets.AddRange(targets.Select(t => new ForwarderTarget { ForwarderId = forwarder.Id, Address = t }));
        db.Forwarders.Add(forwarder);
        db.Addresses.Add(new Address { DomainId = domain, LocalPart = localPart, Display = localPart, ForwarderId = forwarder.Id });
        db.Raise(Change.Directory);
    });

    private static Task UseAsync(TestDatabase database, Guid mailbox, long bytes) => database.WriteAsync(db => db.MailboxUses.Update(new MailboxUse { MailboxId = mailbox, Bytes = bytes }));
}
