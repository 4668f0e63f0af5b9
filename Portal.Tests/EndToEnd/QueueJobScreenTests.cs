using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Microsoft.Playwright;
using Portal.Core.Data;
using Portal.Core.Jobs;
using Portal.Core.Messages;
using Portal.Core.Queue;
using Portal.Tests.Fixtures;

namespace Portal.Tests.EndToEnd;

/// <summary>A large act on the queue, as whoever began it sees it.</summary>
[Collection(BrowserCollection.Name)]
public sealed partial class QueueJobScreenTests(Browser browser) : IClassFixture<Browser>, IAsyncLifetime
{
    private const int Entries = 150;
    private PortalHost portal = null!;

    public async ValueTask InitializeAsync()
    {
        portal = await PortalHost.StartAsync();
        await QueueAsync();
    }

    public ValueTask DisposeAsync() => portal.DisposeAsync();

    [Fact]
    public async Task It_is_seen_while_it_waits_survives_a_reload_is_stopped_and_begun_again_seen_to_its_end()
    {
        await portal.Get<WorkRunner>().StopAsync(CancellationToken.None);
        await using var ada = await browser.NewPersonAsync(portal.Url);
        await ada.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);
        await ada.OpenAsync("admin/queue");
        var card = ada.Page.Locator(".progress-card");

        await HoldAllAsync(ada);
        await Assertions.Expect(card).ToContainTextAsync("0 of 150");
        await Assertions.Expect(ada.Page.Locator(".running-jobs")).ToBeVisibleAsync();
        Assert.Contains("work=", ada.Page.Url, StringComparison.Ordinal);
        await ada.OpenAsync("admin/queue");   // without its number: what runs is there all the same
        await Assertions.Expect(card).ToContainTextAsync("0 of 150");
        Assert.Empty(await Screenshots.LookAsync(ada));
        await ada.OpenAsync("admin/about");
        await ada.Page.Locator(".running-jobs").ClickAsync();
        await ada.Page.Locator(".mud-popover-open").GetByText("0 of 150").ClickAsync();
        await ada.Page.WaitForURLAsync(url => url.Contains("admin/queue?work=", StringComparison.Ordinal));

        await card.GetByRole(AriaRole.Button, new() { Name = "Stop" }).ClickAsync();
        await ada.Page.Locator(".mud-dialog").GetByRole(AriaRole.Button, new() { Name = "Stop" }).ClickAsync();
        await Assertions.Expect(card).ToContainTextAsync("Stopped by a person");
        await Assertions.Expect(ada.Page.Locator(".running-jobs")).ToHaveCountAsync(0);

        await portal.Get<WorkRunner>().StartAsync(CancellationToken.None);
        await ada.OpenAsync("admin/queue");
        await HoldAllAsync(ada);
        await Assertions.Expect(card).ToContainTextAsync("150 of 150");
        await Assertions.Expect(card).ToContainTextAsync("Done");
        Assert.Equal(Entries, await portal.ReadAsync(db => db.QueueEntries.CountAsync(e => e.State == QueueState.Held)));
        await ada.Page.Locator(".jobs-ended summary").ClickAsync();
        await Assertions.Expect(ada.Page.Locator(".jobs-ended")).ToContainTextAsync("Stopped by a person");
        await card.GetByRole(AriaRole.Button, new() { Name = "Close" }).ClickAsync();
        await Assertions.Expect(card).ToHaveCountAsync(0);
    }

    private static async Task HoldAllAsync(Person person)
    {
        await person.Page.Locator("thead input[type=checkbox]").CheckAsync();
        await person.Page.GetByRole(AriaRole.Button, new() { NameRegex = SelectAll() }).ClickAsync();
        await person.Page.Locator(".bulk").GetByRole(AriaRole.Button, new() { Name = "Hold", Exact = true }).ClickAsync();
        await Assertions.Expect(person.Page.Locator(".mud-dialog")).ToContainTextAsync("150 entries");
        await person.Page.Locator(".mud-dialog").GetByRole(AriaRole.Button, new() { Name = "Hold", Exact = true }).ClickAsync();
    }

    [GeneratedRegex("Select all")]
    private static partial Regex SelectAll();

    private async Task QueueAsync()
    {
        var now = DateTimeOffset.UtcNow;
        var message = new Message { QueueId = Guid.CreateVersion7(), ReceivedAt = now, SizeBytes = 1, ReversePath = "anna@portal.test" };
        using var turn = await portal.Get<WriteGate>().EnterAsync(CancellationToken.None);
        await portal.ReadAsync(async db =>
        {
            db.Messages.Add(message);
            await db.SaveChangesAsync();
            for (var i = 0; i < Entries; i++)
                db.QueueEntries.Add(new() { MessageId = message.Id, QueueId = message.QueueId, ReversePath = message.ReversePath, ForwardPath = $"r{i}@many.example", RouteKey = "many.example", CreatedAt = now, NextAttemptAt = now.AddHours(9), ExpiresAt = now.AddDays(5) });
            return await db.SaveChangesAsync();
        });
    }
}
