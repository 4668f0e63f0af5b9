using System.Globalization;
using Bunit;
using Microsoft.AspNetCore.Components;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using MudBlazor;
using MudBlazor.Services;
using Portal.Core;
using Portal.Core.Data;
using Portal.Core.Permissions;
using Portal.Core.Queue;
using Portal.Core.Trace;
using Portal.Web.Components;
using Portal.Web.Components.Shared;
using Column = Portal.Web.Components.Shared.Column<string>;

namespace Portal.Tests.Web;

/// <summary>The shared parts of pages, rendered by bUnit.</summary>
public sealed class PartsTests : BunitContext, IAsyncLifetime
{
    public PartsTests()
    {
        CultureInfo.CurrentCulture = CultureInfo.CurrentUICulture = CultureInfo.GetCultureInfo("en");
        JSInterop.Mode = JSRuntimeMode.Loose;
        Services.AddMudServices();
        Services.AddLocalization();
        Services.AddScoped<Display>();
        Services.AddScoped<Wording>();
        Services.AddScoped<Notices>();
        Services.AddSingleton(TimeProvider.System);
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    ValueTask IAsyncDisposable.DisposeAsync() => base.DisposeAsync();

    [Fact]
    public void Every_state_has_a_word_an_icon_and_a_tone()
    {
        foreach (var status in Enum.GetValues<Status>())
        {
            var chip = Render<StatusChip>(p => p.Add(c => c.Status, status));

            Assert.DoesNotContain("Status_", chip.Markup, StringComparison.Ordinal);
            Assert.NotNull(chip.Find("svg"));
            Assert.Matches("chip (green|blue|amber|red|grey)", chip.Find("span").ClassName);
        }
    }

    [Fact]
    public void Every_outcome_of_a_recipient_is_a_state()
    {
        Assert.All(Enum.GetValues<RecipientOutcome>(), outcome => Assert.Equal(outcome.ToString(), Statuses.Of(outcome).ToString()));
        Assert.All(Enum.GetValues<TraceOutcome>(), outcome => Assert.Equal(outcome.ToString(), Statuses.Of(outcome).ToString()));
        Assert.Equal(Status.Deferred, Statuses.Of(QueueState.Due, attempts: 2));
    }

    [Fact]
    public void A_page_of_one_mailbox_refreshes_for_that_mailbox_not_for_another_owners()
    {
        var (feed, clock) = (new ChangeFeed(NullLogger<ChangeFeed>.Instance), new FakeTimeProvider());
        Services.AddSingleton(feed);
        Services.AddSingleton<TimeProvider>(clock);
        var (mine, refreshed) = (Guid.CreateVersion7(), 0);
        Render<LiveRefresh>(p => p.Add(r => r.Areas, [Change.Mail]).Add(r => r.MailboxId, mine).Add(r => r.OnChange, () => { refreshed++; }));

        feed.Publish(Change.Mail, Guid.CreateVersion7());
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(0, refreshed);

        feed.Publish(Change.Mail, mine);
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(1, refreshed);
    }

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(999, "999 B")]
    [InlineData(1000, "1 KB")]
    [InlineData(1536, "1.5 KB")]
    [InlineData(1024L * 1024 * 1024, "1 GB")]
    [InlineData(123L * 1024 * 1024, "123 MB")]
    public void Sizes_count_in_1024(long bytes, string text) => Assert.Equal(text, ByteSize.Text(bytes));

    [Theory]
    [InlineData("1 GB", 1L << 30)]
    [InlineData("1.5g", 3L << 29)]
    [InlineData("500", 500L)]
    [InlineData("2 MB ", 2L << 20)]
    public void Sizes_are_read_as_they_are_written(string text, long bytes)
    {
        Assert.True(ByteSize.TryParse(text, out var read));
        Assert.Equal(bytes, read);
    }

    [Theory]
    [InlineData("")]
    [InlineData("-1 GB")]
    [InlineData("1 parsec")]
    [InlineData("99999999999 TB")]
    public void Other_sizes_are_not_read(string text) => Assert.False(ByteSize.TryParse(text, out _));

    [Fact]
    public void Long_addresses_are_cut_in_the_middle()
    {
        Assert.Equal("a@b.test", Texts.CutMiddle("a@b.test", 20));
        var cut = Texts.CutMiddle("a.very.long.local.part@a.very.long.domain.example", 21);
        Assert.Equal(21, cut.Length);
        Assert.StartsWith("a.very", cut, StringComparison.Ordinal);
        Assert.EndsWith(".example", cut, StringComparison.Ordinal);
    }

    [Fact]
    public void A_record_breaks_between_its_words_and_reads_as_one_text()
    {
        var text = Render<CopyText>(p => p.Add(c => c.Value, "v=spf1 mx -all"));

        Assert.Equal(["v=spf1", "mx", "-all"], text.FindAll(".word").Select(w => w.TextContent));
        Assert.Equal("v=spf1 mx -all", text.Find("bdi").TextContent);
    }

    [Fact]
    public void Usage_turns_amber_at_80_and_red_at_95_percent()
    {
        Assert.NotNull(Render<UsageBar>(p => p.Add(b => b.UsedBytes, 79).Add(b => b.QuotaBytes, 100)).Find(".blue"));
        Assert.NotNull(Render<UsageBar>(p => p.Add(b => b.UsedBytes, 80).Add(b => b.QuotaBytes, 100)).Find(".amber"));
        Assert.NotNull(Render<UsageBar>(p => p.Add(b => b.UsedBytes, 95).Add(b => b.QuotaBytes, 100)).Find(".red"));
    }

    [Fact]
    public void A_secret_is_hidden_until_asked_for()
    {
        var secret = Render<SecretOnce>(p => p.Add(s => s.Value, "abcd-efgh"));
        Assert.DoesNotContain("abcd-efgh", secret.Find(".secret-text").TextContent, StringComparison.Ordinal);

        secret.Find(".mud-button-root").Click();

        Assert.Equal("abcd-efgh", secret.Find(".secret-text").TextContent);
    }

    [Fact]
    public async Task A_confirmation_with_a_name_to_type_waits_for_the_name()
    {
        Render<MudPopoverProvider>();
        var provider = Render<MudDialogProvider>();
        var asked = provider.InvokeAsync(() => Services.GetRequiredService<IDialogService>().ConfirmAsync(new("Delete?", "Gone for ever.", "Delete", IsDanger: true, TypeToConfirm: "example.org")));
        provider.WaitForElement("input");
        Assert.True(provider.FindAll("button").Single(b => b.TextContent.Trim() == "Delete").HasAttribute("disabled"));

        provider.Find("input").Input("example.org");
        provider.FindAll("button").Single(b => b.TextContent.Trim() == "Delete").Click();

        Assert.NotNull(await asked);
    }

    [Fact]
    public void A_list_asks_for_a_page_sorts_by_its_column_and_links_its_first()
    {
        var asked = new List<GridRequest>();
        var grid = RenderGrid(ask =>
        {
            asked.Add(ask);
            return new Page<string>(["anna", "bert"], 2, true);
        });

        Assert.Equal(new GridRequest(0, 50, "name", false), Assert.Single(asked));
        Assert.Equal("/people/anna", grid.Find("a.row-link").GetAttribute("href"));
        Assert.Equal("ascending", grid.Find("th").GetAttribute("aria-sort"));

        grid.Find(".grid-sort").Click();

        Assert.EndsWith("sort=-name", Services.GetRequiredService<NavigationManager>().Uri, StringComparison.Ordinal);
    }

    [Fact]
    public void A_refused_list_says_why()
    {
        var grid = RenderGrid(_ => new NotPermitted(Capability.ViewQueue));

        Assert.Contains("see the queue", grid.Find(".empty").TextContent, StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_list_has_its_face()
    {
        var grid = RenderGrid(_ => new Page<string>([], 0, true));

        Assert.Empty(grid.FindAll("table"));
        Assert.NotNull(grid.Find(".empty"));
    }

    private IRenderedComponent<PortalGrid<string>> RenderGrid(Func<GridRequest, Outcome<Page<string>>> answer)
    {
        Render<MudPopoverProvider>();
        RenderFragment<string> cell = name => builder => builder.AddContent(0, name);
        return Render<PortalGrid<string>>(p => p
            .Add(g => g.Label, "people").Add(g => g.Key, s => s).Add(g => g.DefaultSort, "name").Add(g => g.Href, s => $"/people/{s}")
            .Add(g => g.Load, (ask, _) => Task.FromResult(answer(ask)))
            .Add(g => g.Columns, builder =>
            {
                builder.OpenComponent<Column>(0);
                builder.AddComponentParameter(1, nameof(Column.Title), "name");
                builder.AddComponentParameter(2, nameof(Column.Sort), "name");
                builder.AddComponentParameter(3, nameof(Column.ChildContent), cell);
                builder.CloseComponent();
            }));
    }
}
