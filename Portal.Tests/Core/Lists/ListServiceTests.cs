using System.Net;
using Microsoft.EntityFrameworkCore;
using Portal.Core;
using Portal.Core.Data;
using Portal.Core.Lists;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Lists;

public sealed class ListServiceTests
{
    private static readonly Actor Admin = Organisation.With(Role.Administrator);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, BothDatabases]
    public async Task An_entry_is_made_changed_and_deleted_audited_and_counts_at_once(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var (service, lists) = (database.Get<ListService>(), database.Get<SenderLists>());
        Assert.Null(await AnswerAsync());

        var id = (await service.CreateAsync(Admin, new() { Kind = ListKind.Refuse, Sender = "@Spam.example", Reason = "  sells pills " }, Cancel)).Value;
        Assert.Equal(ListKind.Refuse, await AnswerAsync());
        Assert.True((await service.UpdateAsync(Admin, id, new() { Kind = ListKind.Quarantine, Sender = "ignored", ExpiresAt = TestDatabase.Start.AddDays(1) }, 0, Cancel)).IsDone);
        Assert.Equal(ListKind.Quarantine, await AnswerAsync());
        Assert.Equal("ChangedByOthers", (await service.UpdateAsync(Admin, id, new() { Sender = "" }, 0, Cancel)).Refusal?.Key);

        var row = (await service.GetAsync(Admin, id, Cancel)).Value;
        Assert.Equal((ListKind.Quarantine, ListMatch.Domain, "spam.example", null, null, 1), (row.Kind, row.Match, row.Pattern, row.Reason, row.Domain, row.Version));
        database.Clock.Advance(TimeSpan.FromDays(1));
        Assert.Null(await AnswerAsync());
        Assert.True((await service.UpdateAsync(Admin, id, new() { Kind = ListKind.Allow, Sender = "", ExpiresAt = row.ExpiresAt }, 1, Cancel)).IsDone);   // one that has expired may keep its date

        Assert.True((await service.DeleteAsync(Admin, id, Cancel)).IsDone);
        Assert.IsType<NotFound>((await service.DeleteAsync(Admin, id, Cancel)).Refusal);
        Assert.Equal(["list.create spam.example", "list.update spam.example", "list.update spam.example", "list.delete spam.example"], await database.AuditedActionsAsync());
        Assert.Equal(0, await database.ReadAsync(db => db.ListHits.CountAsync(Cancel)));

        async Task<ListKind?> AnswerAsync() => (await lists.FindAsync(SenderFacts.OfEnvelope("x@mail.spam.example", null), null, Cancel))?.Decisive.Kind;
    }

    [Theory, BothDatabases]
    public async Task Another_node_hears_of_it(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await using var other = database.AnotherNode();
        Assert.Null(await other.Get<SenderLists>().FindAsync(SenderFacts.OfEnvelope("x@spam.example", null), null, Cancel));

        await database.Get<ListService>().CreateAsync(Admin, new() { Kind = ListKind.Refuse, Sender = "spam.example" }, Cancel);
        Assert.Equal(1, await database.ReadAsync(db => db.ChangeCounters.Where(c => c.Area == Change.Lists).Select(c => c.Value).SingleAsync(Cancel)));
        other.Feed.Publish(Change.Lists);   // as its link to the database does when the counter has risen

        Assert.NotNull(await other.Get<SenderLists>().FindAsync(SenderFacts.OfEnvelope("x@spam.example", null), null, Cancel));
    }

    [Theory]
    [BothDatabases("spam .example", "ListSender")]
    [BothDatabases("", "ListSender")]
    [BothDatabases("10.0.0.0/4", "ListNetworkTooWide")]
    public async Task A_bad_sender_is_refused_by_name(DatabaseKind kind, string sender, string key)
    {
        await using var database = await TestDatabase.CreateAsync(kind);

        var refusal = (await database.Get<ListService>().CreateAsync(Admin, new() { Sender = sender }, Cancel)).Refusal;

        Assert.Equal((key, "Sender"), (refusal?.Key, refusal?.Field));
    }

    [Theory, BothDatabases]
    public async Task A_past_end_a_long_reason_and_an_unknown_domain_are_refused(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var service = database.Get<ListService>();

        Assert.Equal("ListExpired", (await service.CreateAsync(Admin, new() { Sender = "x.example", ExpiresAt = TestDatabase.Start }, Cancel)).Refusal?.Key);
        Assert.Equal("ListReasonLength", (await service.CreateAsync(Admin, new() { Sender = "x.example", Reason = new string('x', 501) }, Cancel)).Refusal?.Key);
        Assert.Equal("NotFoundDomain", (await service.CreateAsync(Admin, new() { Sender = "x.example", DomainId = Guid.NewGuid() }, Cancel)).Refusal?.Key);
        Assert.Equal(0, await database.ReadAsync(db => db.ListEntries.CountAsync(Cancel)));
    }

    [Theory, BothDatabases]
    public async Task One_sender_has_one_entry_in_one_place_also_when_two_ask_at_once(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.SeedDomainAsync();
        var service = database.Get<ListService>();

        var asked = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => service.CreateAsync(Admin, new() { Kind = (ListKind)(i % 3), Sender = "x.example" }, Cancel)));
        var scoped = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => service.CreateAsync(Admin, new() { Sender = "x.example", DomainId = domain.Id }, Cancel)));

        Assert.Single(asked, o => o.IsDone);
        Assert.Single(scoped, o => o.IsDone);
        Assert.All(asked.Concat(scoped).Where(o => !o.IsDone), o => Assert.Equal("ListEntryExists", o.Refusal?.Key));
    }

    [Theory, BothDatabases]
    public async Task Contradictions_are_told_with_which_one_gives_way_and_why(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.SeedDomainAsync();
        var service = database.Get<ListService>();
        var wide = (await service.CreateAsync(Admin, new() { Kind = ListKind.Refuse, Sender = "x.example" }, Cancel)).Value;
        await service.CreateAsync(Admin, new() { Kind = ListKind.Quarantine, Sender = "a@x.example", DomainId = domain.Id }, Cancel);
        await service.CreateAsync(Admin, new() { Kind = ListKind.Refuse, Sender = "10.1.0.0/16" }, Cancel);

        var draft = new ListDraft { Kind = ListKind.Allow, Sender = "a@x.example" };
        var conflicts = (await service.ConflictsAsync(Admin, draft, null, Cancel)).Value;

        Assert.Equal([("a@x.example", "portal.test", false, ListOrder.Scope), ("x.example", null, true, ListOrder.Match)], conflicts.Select(c => (c.Other.Pattern, c.Other.Domain, c.GivesWay, c.Because)));
        Assert.Equal(ListOrder.Exactness, Assert.Single((await service.ConflictsAsync(Admin, new() { Kind = ListKind.Allow, Sender = "10.1.2.0/24" }, null, Cancel)).Value).Because);
        Assert.Empty((await service.ConflictsAsync(Admin, new() { Kind = ListKind.Allow, Sender = "nobody@" }, null, Cancel)).Value);
        var page = (await service.SearchAsync(Admin, ListFilter.All, ListSort.Sender, false, 0, 50, Cancel)).Value;
        Assert.Equal([("10.1.0.0/16", 0), ("a@x.example", 1), ("x.example", 1)], page.Rows.Select(r => (r.Pattern, r.Conflicts)));
        Assert.Equal(wide, Assert.Single((await service.SearchAsync(Admin, new() { Text = "X.example", Kind = ListKind.Refuse }, ListSort.Hits, true, 0, 50, Cancel)).Value.Rows).Id);
    }

    [Theory, BothDatabases]
    public async Task Decisions_are_counted_also_after_a_write_that_was_broken_off(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var (service, lists) = (database.Get<ListService>(), database.Get<SenderLists>());
        var id = (await service.CreateAsync(Admin, new() { Kind = ListKind.Refuse, Sender = "192.0.2.0/24" }, Cancel)).Value;
        var entry = (await lists.FindAsync(SenderFacts.OfEnvelope("", IPAddress.Parse("192.0.2.1")), null, Cancel))!.Decisive;

        lists.Count(entry);
        database.Clock.Advance(TimeSpan.FromMinutes(1));
        lists.Count(entry);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => lists.FlushAsync(new CancellationToken(canceled: true)));
        lists.Count(entry);
        await lists.FlushAsync(Cancel);
        await lists.FlushAsync(Cancel);

        var row = (await service.GetAsync(Admin, id, Cancel)).Value;
        Assert.Equal((3, TestDatabase.Start.AddMinutes(1)), (row.Hits, row.LastHitAt));
        Assert.Equal(0, row.Version);   // counting meets nobody who edits
    }

    [Theory, BothDatabases]
    public async Task Who_answers_for_a_domain_sees_and_changes_its_entries_only(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var (own, other) = (await database.SeedDomainAsync(), await database.SeedDomainAsync("other.test"));
        var service = database.Get<ListService>();
        var everywhere = (await service.CreateAsync(Admin, new() { Kind = ListKind.Refuse, Sender = "x.example" }, Cancel)).Value;
        var foreign = (await service.CreateAsync(Admin, new() { Kind = ListKind.Refuse, Sender = "x.example", DomainId = other.Id }, Cancel)).Value;
        var scoped = Organisation.With(Role.Administrator, own.Id);

        var mine = (await service.CreateAsync(scoped, new() { Kind = ListKind.Allow, Sender = "x.example", DomainId = own.Id }, Cancel)).Value;

        Assert.Equal([mine], (await service.SearchAsync(scoped, ListFilter.All, ListSort.Sender, false, 0, 50, Cancel)).Value.Rows.Select(r => r.Id));
        Assert.Empty((await service.ConflictsAsync(scoped, new() { Kind = ListKind.Allow, Sender = "x.example", DomainId = own.Id }, mine, Cancel)).Value);
        Assert.IsType<NotPermitted>((await service.CreateAsync(scoped, new() { Sender = "y.example" }, Cancel)).Refusal);
        Assert.IsType<NotFound>((await service.CreateAsync(scoped, new() { Sender = "y.example", DomainId = other.Id }, Cancel)).Refusal);
        foreach (var id in new[] { everywhere, foreign })
        {
            Assert.IsType<NotFound>((await service.GetAsync(scoped, id, Cancel)).Refusal);
            Assert.IsType<NotFound>((await service.UpdateAsync(scoped, id, new() { Sender = "" }, 0, Cancel)).Refusal);
            Assert.IsType<NotFound>((await service.DeleteAsync(scoped, id, Cancel)).Refusal);
        }
    }

    [Theory]
    [BothDatabases(Role.User, "")]
    [BothDatabases(Role.Auditor, "")]
    [BothDatabases(Role.Helpdesk, "")]
    [BothDatabases(Role.Administrator, "SearchAsync GetAsync ConflictsAsync CreateAsync UpdateAsync DeleteAsync")]
    public async Task Permissions(DatabaseKind kind, Role role, string allowed)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var service = database.Get<ListService>();
        var id = (await service.CreateAsync(Admin, new() { Sender = "x.example" }, Cancel)).Value;
        var actor = Organisation.With(role);
        var calls = new Dictionary<string, Func<Task<Outcome>>>
        {
            ["SearchAsync"] = async () => await service.SearchAsync(actor, ListFilter.All, ListSort.Sender, false, 0, 50, Cancel),
            ["GetAsync"] = async () => await service.GetAsync(actor, id, Cancel),
            ["ConflictsAsync"] = async () => await service.ConflictsAsync(actor, new() { Sender = "x.example" }, null, Cancel),
            ["CreateAsync"] = async () => await service.CreateAsync(actor, new() { Sender = "y.example" }, Cancel),
            ["UpdateAsync"] = () => service.UpdateAsync(actor, id, new() { Sender = "" }, 0, Cancel),
            ["DeleteAsync"] = () => service.DeleteAsync(actor, id, Cancel),
        };

        await PermissionMatrix.CheckAsync<ListService>(calls, allowed);
    }
}
