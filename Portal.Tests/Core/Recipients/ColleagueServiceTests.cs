using System.Diagnostics;
using Microsoft.EntityFrameworkCore;
using Portal.Core;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Core.Recipients;
using Portal.Tests.Core.Mailboxes;
using Portal.Tests.Fixtures;
using static Portal.Tests.Core.Organisation;

namespace Portal.Tests.Core.Recipients;

public class ColleagueServiceTests
{
    private static readonly Actor Administrator = With(Role.Administrator);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, BothDatabases]
    public async Task People_are_found_by_the_first_letters_of_name_family_name_address_and_alias(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.SeedDomainAsync();
        var me = await database.AddMailboxAsync("me@portal.test");
        var anna = await AddAsync("a.berg@portal.test", "Anna Berg");
        await AddAsync("x1@portal.test", "Änne Öst");
        await AddAsync("x2@portal.test", "张 伟");
        await AddAsync("annex@portal.test", "Cellar");
        await database.AliasService().CreateAsync(Administrator, new AliasContent { DomainId = domain.Id, LocalPart = "Chief", MailboxId = anna }, Cancel);
        await database.AliasService().CreateAsync(Administrator, new AliasContent { DomainId = domain.Id, LocalPart = "chat", Targets = ["x@example.org"] }, Cancel);

        Assert.Equal(["Anna Berg <a.berg@portal.test>", "Cellar <annex@portal.test>"], await FindAsync("ANN"));
        Assert.Equal(["Anna Berg <a.berg@portal.test>"], await FindAsync("ber"));
        Assert.Equal(["Anna Berg <a.berg@portal.test>"], await FindAsync("anna b"));
        Assert.Equal(["Anna Berg <Chief@portal.test>", " <chat@portal.test>"], await FindAsync("ch"));
        Assert.Equal(["Änne Öst <x1@portal.test>"], await FindAsync("än"));
        Assert.Equal(["Änne Öst <x1@portal.test>"], await FindAsync("ös"));
        Assert.Equal(["张 伟 <x2@portal.test>"], await FindAsync("张"));
        Assert.Equal(["Anna Berg <a.berg@portal.test>"], await FindAsync("a.berg@por"));
        Assert.Empty(await FindAsync("a.berg@other"));
        Assert.Empty(await FindAsync("a.ber@portal.test"));
        foreach (var nothing in new[] { "", " ", "erg", "%", "_", "a\0", "\uD800", new string('a', 300) }) Assert.Empty(await FindAsync(nothing));

        async Task<Guid> AddAsync(string address, string name)
        {
            var made = await database.AddMailboxAsync(address);
            await database.Get<MailboxService>().RenameAsync(Administrator, made.MailboxId, 0, name, Cancel);
            return made.MailboxId;
        }

        async Task<string[]> FindAsync(string text) =>
            [.. (await database.Get<ColleagueService>().FindAsync(Owner(me), text, Cancel)).Value.Select(c => $"{c.Name} <{c.Address}>")];
    }

    [Theory, BothDatabases]
    public async Task Nobody_is_offered_who_takes_no_mail_or_is_of_another_domain_and_nobody_is_to_whoever_has_no_mailbox(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.SeedDomainAsync();
        await database.SeedDomainAsync("other.test");
        var me = await database.AddMailboxAsync("me@portal.test");
        foreach (var address in new[] { "bo@portal.test", "boris@portal.test", "bob@portal.test", "bodo@other.test" }) await database.AddMailboxAsync(address);
        var boris = await database.ReadAsync(db => db.Mailboxes.SingleAsync(m => m.PrimaryAddress == "boris@portal.test", Cancel));
        await database.AliasService().CreateAsync(Administrator, new AliasContent { DomainId = domain.Id, LocalPart = "boss", MailboxId = boris.Id }, Cancel);
        await database.ReadAsync(db => db.Mailboxes.Where(m => m.Id == boris.Id).ExecuteUpdateAsync(m => m.SetProperty(x => x.State, MailboxState.Disabled), Cancel));
        await database.ReadAsync(db => db.Mailboxes.Where(m => m.PrimaryAddress == "bob@portal.test").ExecuteUpdateAsync(m => m.SetProperty(x => x.State, MailboxState.Deleted), Cancel));

        Assert.Equal(["bo@portal.test"], (await database.Get<ColleagueService>().FindAsync(Owner(me), "bo", Cancel)).Value.Select(c => c.Address));
        Assert.Empty((await database.Get<ColleagueService>().FindAsync(With(Role.User), "bo", Cancel)).Value);
        Assert.Empty((await database.Get<ColleagueService>().FindAsync(Actor.Operator(), "bo", Cancel)).Value);
    }

    [Theory, BothDatabases]
    public async Task Eight_of_many_are_read_from_the_indexes(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.SeedDomainAsync();
        await database.AddManyMailboxesAsync(domain.Id, domain.Name, 100_000);
        var me = await database.AddMailboxAsync("me@portal.test");
        await database.Get<ColleagueService>().FindAsync(Owner(me), "p", Cancel);
        using var sql = new SqlRecorder(database);
        var before = Stopwatch.GetTimestamp();

        var found = (await database.Get<ColleagueService>().FindAsync(Owner(me), "p", Cancel)).Value;

        var took = Stopwatch.GetElapsedTime(before);
        Assert.Equal(ColleagueService.MaxOffered, found.Count);
        Assert.True(took < TimeSpan.FromMilliseconds(200), $"{took.TotalMilliseconds:N0} ms");
        var most = kind == DatabaseKind.Sqlite ? 2_000 : 100;
        // Of the seeded only one has an account, and statistics of that make SQLite read them all for it.
        Assert.All((await sql.WorkAsync()).Where(w => !w.Text.Contains("AccountId", StringComparison.Ordinal)), w => Assert.True(w.Work < most, $"{w.Work}: {w.Text}"));
    }

    [Theory]
    [BothDatabases(Role.User, "FindAsync")]
    [BothDatabases(Role.Auditor, "")]
    [BothDatabases(Role.Helpdesk, "")]
    [BothDatabases(Role.Administrator, "")]
    public async Task Permissions(DatabaseKind kind, Role role, string allowed)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var calls = new Dictionary<string, Func<Task<Outcome>>> { ["FindAsync"] = async () => await database.Get<ColleagueService>().FindAsync(With(role), "a", Cancel) };

        await PermissionMatrix.CheckAsync<ColleagueService>(calls, allowed);
    }

    private static Actor Owner(CreatedMailbox mailbox) =>
        Actor.ForAccount(mailbox.AccountId, "me@portal.test", [new HeldRole(Role.User, Scope.Everything)], Channel.Portal, null);
}
