using Microsoft.EntityFrameworkCore;
using Portal.Core;
using Portal.Core.Accounts;
using Portal.Core.Audit;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Accounts;

public class SavedViewServiceTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, BothDatabases]
    public async Task A_view_is_kept_replaced_and_forgotten_by_its_owner_alone(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.SeedDomainAsync();
        var (anna, bo) = (await PersonAsync(database, "anna@portal.test"), await PersonAsync(database, "bo@portal.test"));
        var views = database.Get<SavedViewService>();

        Assert.True((await views.SaveAsync(anna, "queue", " Slow ", "state=Due", Cancel)).IsDone);
        Assert.True((await views.SaveAsync(anna, "queue", "Slow", "state=Due&sort=-age", Cancel)).IsDone);
        Assert.True((await views.SaveAsync(anna, "mailboxes", "Slow", "use=full", Cancel)).IsDone);

        var kept = Assert.Single(await views.ListAsync(anna, "queue", Cancel));
        Assert.Equal(("Slow", "state=Due&sort=-age"), (kept.Name, kept.Query));
        Assert.Empty(await views.ListAsync(bo, "queue", Cancel));
        Assert.IsType<NotFound>((await views.RemoveAsync(bo, kept.Id, Cancel)).Refusal);

        Assert.True((await views.RemoveAsync(anna, kept.Id, Cancel)).IsDone);
        Assert.Empty(await views.ListAsync(anna, "queue", Cancel));
        Assert.Equal(["view.remove", "view.save", "view.save", "view.save"], await ActionsAsync(database, "view."));
    }

    [Theory, BothDatabases]
    public async Task Bad_names_too_many_views_and_who_has_no_account_are_refused(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.SeedDomainAsync();
        var anna = await PersonAsync(database, "anna@portal.test");
        var views = database.Get<SavedViewService>();

        Assert.Equal("NameLength", (await views.SaveAsync(anna, "queue", "  ", "", Cancel)).Refusal?.Key);
        Assert.Equal("NameLength", (await views.SaveAsync(anna, "queue", new string('x', 61), "", Cancel)).Refusal?.Key);
        Assert.Equal("ViewTooLong", (await views.SaveAsync(anna, "queue", "x", new string('x', 2_001), Cancel)).Refusal?.Key);
        Assert.IsType<NotFound>((await views.SaveAsync(Actor.Operator(), "queue", "x", "", Cancel)).Refusal);
        for (var i = 0; i < SavedViewService.MaxViews; i++) Assert.True((await views.SaveAsync(anna, "queue", $"view {i}", "", Cancel)).IsDone);
        Assert.Equal("ViewsFull", (await views.SaveAsync(anna, "queue", "one more", "", Cancel)).Refusal?.Key);
        Assert.True((await views.SaveAsync(anna, "queue", "view 3", "q=x", Cancel)).IsDone);
    }

    [Theory, BothDatabases]
    public async Task An_export_is_told_of_with_its_filter_and_size(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.SeedDomainAsync();
        var anna = await PersonAsync(database, "anna@portal.test");

        Assert.True((await database.Get<ExportService>().RecordAsync(anna, "mailboxes", "q=berg", 12, Cancel)).IsDone);
        Assert.IsType<NotFound>((await database.Get<ExportService>().RecordAsync(Actor.Visitor(null), "mailboxes", "", 1, Cancel)).Refusal);

        await using var db = await database.Databases.CreateDbContextAsync(Cancel);
        var entry = await db.Audit.SingleAsync(a => a.Action == "list.export", Cancel);
        Assert.Equal(("mailboxes", """{"query":"q=berg","rows":12}"""), (entry.Target, entry.After));
    }

    private static async Task<Actor> PersonAsync(TestDatabase database, string address) =>
        Actor.ForAccount((await database.AddMailboxAsync(address)).AccountId, address, [new HeldRole(Role.User, Scope.Everything)], Channel.Portal, "192.0.2.7");

    private static async Task<List<string>> ActionsAsync(TestDatabase database, string area)
    {
        await using var db = await database.Databases.CreateDbContextAsync(Cancel);
        return await db.Audit.Where(a => a.Action.StartsWith(area)).Select(a => a.Action).OrderBy(a => a).ToListAsync(Cancel);
    }
}
