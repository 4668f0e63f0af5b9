using Bunit;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using MudBlazor;
using Portal.Core;
using Portal.Core.Data;
using Portal.Core.Queue;
using Portal.Core.Trace;
using Portal.Web.Components.Shared;

namespace Portal.Tests.Web;

/// <summary>The shared parts of pages.</summary>
public sealed class PartsTests : PartsContext
{
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
    public void What_is_impossible_now_says_why_and_does_nothing()
    {
        var acted = 0;
        var button = Render<ActButton>(p => p.Add(b => b.Reason, "There is nothing to unlock.").Add(b => b.OnClick, () => acted++).AddChildContent("Unlock"));

        button.Find("button").Click();

        Assert.Equal(0, acted);
        Assert.Equal("true", button.Find("button").GetAttribute("aria-disabled"));
        Assert.Equal("There is nothing to unlock.", button.Find("button").GetAttribute("title"));
        Assert.Equal("There is nothing to unlock.", button.Find($"#{button.Find("button").GetAttribute("aria-describedby")}").TextContent);

        button.Render(p => p.Add(b => b.Reason, null));
        button.Find("button").Click();

        Assert.Equal(1, acted);
        Assert.False(button.Find("button").HasAttribute("aria-disabled"));
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
    public void An_open_page_outlives_a_database_that_goes_away_and_is_read_again()
    {
        var clock = new FakeTimeProvider();
        Services.AddSingleton<TimeProvider>(clock);
        var (asked, isLost) = (0, true);
        var boundary = Render<ErrorBoundary>(p => p.Add(b => b.ChildContent, builder =>
        {
            builder.OpenComponent<Reread>(0);
            builder.AddComponentParameter(1, nameof(Reread.Every), (TimeSpan?)TimeSpan.FromSeconds(10));
            builder.AddComponentParameter(2, nameof(Reread.OnChange), EventCallback.Factory.Create(this, () =>
            {
                asked++;
                if (isLost) throw new TimeoutException("The test has taken the database away.");
            }));
            builder.CloseComponent();
        }));

        clock.Advance(TimeSpan.FromSeconds(10));
        boundary.WaitForAssertion(() => Assert.Equal(1, asked));
        isLost = false;
        clock.Advance(TimeSpan.FromSeconds(5));
        boundary.WaitForAssertion(() => Assert.Equal(2, asked));
        clock.Advance(TimeSpan.FromSeconds(10));
        boundary.WaitForAssertion(() => Assert.Equal(3, asked));
        Assert.NotNull(boundary.FindComponent<Reread>());   // the page, not the error face
    }

    [Fact]
    public void Only_one_piece_of_code_reads_open_pages_again() =>
        Assert.Equal(["ComposePane.razor.cs", "Reread.cs"], Sources.Code.Where(c => c.Text.Contains("await DispatchExceptionAsync", StringComparison.Ordinal)).Select(c => Path.GetFileName(c.Path)).Order());

    [Theory]
    [InlineData(false, "Undone.", false)]
    [InlineData(true, "Somebody else has changed this meanwhile. Look at it again, then repeat your change.", true)]
    public void Undo_says_what_became_of_it_and_its_refusal_stays_until_read(bool isRefused, string said, bool stays)
    {
        var corner = Undo(() => Task.FromResult<Outcome>(isRefused ? Conflict.ChangedByOthers : Outcome.Done));

        corner.WaitForAssertion(() => Assert.Contains(said, corner.Markup, StringComparison.Ordinal));
        Assert.Equal(stays, corner.FindAll(".mud-snackbar").Any(s => s.ClassName!.Contains("warning", StringComparison.Ordinal)));
    }

    [Fact]
    public void Undo_without_a_database_says_so_and_the_page_lives_on()
    {
        var corner = Undo(() => throw new TimeoutException("The test has taken the database away."));

        corner.WaitForAssertion(() => Assert.Contains("Nothing was undone: the database cannot be reached.", corner.Markup, StringComparison.Ordinal));
    }

    /// <summary>Does something with a way back, and goes it.</summary>
    private IRenderedComponent<MudSnackbarProvider> Undo(Func<Task<Outcome>> undo)
    {
        var corner = Render<MudSnackbarProvider>();
        corner.InvokeAsync(() => Services.GetRequiredService<Notices>().Done("It is done.", undo));
        corner.WaitForElement("button");
        corner.FindAll("button").Single(b => b.TextContent.Trim() == "Undo").Click();
        return corner;
    }
}
