using System.Diagnostics;
using System.Net;
using Microsoft.EntityFrameworkCore;
using Portal.Core;
using Portal.Core.Accounts;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;
using static Portal.Tests.Core.Organisation;

namespace Portal.Tests.Core.Mailboxes;

public class MailboxListServiceTests
{
    private static readonly Actor Administrator = With(Role.Administrator);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, BothDatabases]
    public async Task The_list_filters_sorts_and_pages(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.SeedDomainAsync();
        var other = await database.SeedDomainAsync("other.test");
        var anna = await database.SeedMailboxAsync(domain, "anna");
        await database.SeedMailboxAsync(domain, "bo");
        var cleo = await database.SeedMailboxAsync(other, "cleo");
        var gone = await database.SeedMailboxAsync(domain, "gone");
        await database.WriteAsync(db =>
        {
            db.Attach(anna).Entity.QuotaOverrideBytes = 1000;
            db.Attach(cleo).Entity.State = MailboxState.Disabled;
            cleo.Name = "Cleopatra Ärmel";
            db.Attach(gone).Entity.State = MailboxState.Deleted;
            db.Attach(new MailboxUse { MailboxId = anna.Id }).Entity.Bytes = 901;
        });

        async Task<string[]> Find(MailboxQuery query) => [.. (await database.MailboxList().SearchAsync(Administrator, query, Cancel)).Value.Rows.Select(r => r.Address)];

        Assert.Equal(["anna@portal.test", "bo@portal.test", "cleo@other.test"], await Find(new MailboxQuery()));
        Assert.Equal(["cleo@other.test", "bo@portal.test", "anna@portal.test"], await Find(new MailboxQuery { Descending = true }));
        Assert.Equal(["cleo@other.test", "anna@portal.test", "bo@portal.test"], await Find(new MailboxQuery { Sort = MailboxSort.Name }));
        Assert.Equal(["anna@portal.test", "bo@portal.test"], await Find(new MailboxQuery { DomainId = domain.Id }));
        Assert.Equal(["gone@portal.test"], await Find(new MailboxQuery { State = MailboxState.Deleted }));
        Assert.Equal(["cleo@other.test"], await Find(new MailboxQuery { State = MailboxState.Disabled }));
        Assert.Equal(["anna@portal.test"], await Find(new MailboxQuery { NearlyFull = true }));
        Assert.Equal(["cleo@other.test"], await Find(new MailboxQuery { Text = "cleopatra" }));
        Assert.Equal(["anna@portal.test", "bo@portal.test"], await Find(new MailboxQuery { Text = "@PORTAL" }));
        var page = (await database.MailboxList().SearchAsync(Administrator, new MailboxQuery { Skip = 1, Take = 1 }, Cancel)).Value;
        Assert.Equal((3, true, "bo@portal.test"), (page.Total, page.IsTotalExact, Assert.Single(page.Rows).Address));
        Assert.Equal((901, 1000L), (await database.MailboxList().SearchAsync(Administrator, new MailboxQuery { Text = "anna" }, Cancel)).Value.Rows.Select(r => (r.UsedBytes, r.QuotaBytes!.Value)).Single());
    }

    [Theory, BothDatabases]
    public async Task People_who_never_signed_in_are_found(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.SeedMailboxAsync(await database.SeedDomainAsync(), "shared");   // no person, so nobody who could
        foreach (var name in new[] { "anna", "bo", "cleo" }) Assert.True((await database.Get<MailboxService>().CreateAsync(Administrator, new NewMailbox($"{name}@portal.test", "", FirstCredential.Given, "nine green apples"), Cancel)).IsDone);
        var authenticator = database.Get<AccountAuthenticator>();
        Assert.Equal(AuthenticationKind.Succeeded, (await authenticator.VerifyAsync("anna@portal.test", "nine green apples", IPAddress.Loopback, Channel.Smtp, Cancel)).Kind);
        Assert.Equal(AuthenticationKind.Failed, (await authenticator.VerifyAsync("bo@portal.test", "not the password", IPAddress.Loopback, Channel.Smtp, Cancel)).Kind);

        var never = (await database.MailboxList().SearchAsync(Administrator, new MailboxQuery { NeverSignedIn = true }, Cancel)).Value;

        Assert.Equal(["bo@portal.test", "cleo@portal.test"], never.Rows.Select(r => r.Address));
    }

    [Theory, BothDatabases]
    public async Task A_domain_administrator_sees_own_rows_only(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var mine = await database.SeedDomainAsync("mine.test");
        var other = await database.SeedDomainAsync("other.test");
        await database.SeedMailboxAsync(mine, "anna");
        await database.SeedMailboxAsync(other, "bo");

        var page = (await database.MailboxList().SearchAsync(With(Role.Administrator, mine.Id), new MailboxQuery(), Cancel)).Value;

        Assert.Equal((1, "anna@mine.test"), (page.Total, Assert.Single(page.Rows).Address));
    }

    /// <summary>What is promised: a page of 100,000 mailboxes in at most 50 ms, as with 1,000. The best of ten, since other tests run beside it. A search looks through an index: 30 ms alone.</summary>
    [Theory, BothDatabases]
    public async Task A_page_of_a_hundred_thousand_is_answered_like_one_of_a_thousand(DatabaseKind kind)
    {
        await using var small = await TestDatabase.CreateAsync(kind);
        await using var large = await TestDatabase.CreateAsync(kind);
        foreach (var (database, count) in new[] { (small, 1_000), (large, 100_000) })
        {
            var domain = await database.SeedDomainAsync();
            await database.AddManyMailboxesAsync(domain.Id, domain.Name, count);
        }

        var total = (await large.MailboxList().SearchAsync(Administrator, new MailboxQuery(), Cancel)).Value;
        Assert.Equal((Paging.CountLimit, false, 50), (total.Total, total.IsTotalExact, total.Rows.Count));

        var domainId = total.Rows[0].DomainId;
        var pages = new (string Name, MailboxQuery Query, int Milliseconds)[]
        {
            ("first", new(), 50),
            ("last allowed", new() { Skip = Paging.CountLimit }, 50),
            ("by name, backwards", new() { Sort = MailboxSort.Name, Descending = true, Skip = 5_000 }, 50),
            ("of a domain", new() { DomainId = domainId, Skip = 5_000 }, 50),
            ("disabled", new() { State = MailboxState.Disabled, Skip = 500 }, 50),
            ("search", new() { Text = "p09999" }, 300),
            ("search that finds nothing", new() { Text = "nobody at all" }, 300),
        };
        foreach (var (name, query, milliseconds) in pages)
        {
            var (few, many) = (await BestOfAsync(small, query), await BestOfAsync(large, query));
            TestContext.Current.SendDiagnosticMessage($"{kind} {name}: {few.TotalMilliseconds:F1} ms of 1,000, {many.TotalMilliseconds:F1} ms of 100,000");
            Assert.True(many.TotalMilliseconds <= milliseconds, $"{name}: {many.TotalMilliseconds:F1} ms");
        }
    }

    [Theory]
    [BothDatabases(Role.User, "")]
    [BothDatabases(Role.Auditor, "")]
    [BothDatabases(Role.Helpdesk, "SearchAsync GetAsync")]
    [BothDatabases(Role.Administrator, "SearchAsync GetAsync")]
    public async Task Permissions(DatabaseKind kind, Role role, string allowed)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.AddDomainAsync();
        var anna = await database.AddMailboxAsync("anna@portal.test");
        var calls = new Dictionary<string, Func<Task<Outcome>>>
        {
            ["SearchAsync"] = async () => await database.MailboxList().SearchAsync(With(role), new MailboxQuery(), Cancel),
            ["GetAsync"] = async () => await database.MailboxList().GetAsync(With(role), anna.MailboxId, Cancel),
        };

        await PermissionMatrix.CheckAsync<MailboxListService>(calls, allowed);
    }

    private static async Task<TimeSpan> BestOfAsync(TestDatabase database, MailboxQuery query)
    {
        var best = TimeSpan.MaxValue;
        for (var i = 0; i < 10; i++)
        {
            var started = Stopwatch.GetTimestamp();
            Assert.True((await database.MailboxList().SearchAsync(Administrator, query, Cancel)).IsDone);
            var took = Stopwatch.GetElapsedTime(started);
            if (took < best) best = took;
        }

        return best;
    }
}
