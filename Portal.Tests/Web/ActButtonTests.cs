using Bunit;
using Portal.Web.Components.Shared;

namespace Portal.Tests.Web;

/// <summary>A button that works is disabled and says so (PORTAL §5).</summary>
public sealed class ActButtonTests : PartsContext
{
    private readonly TaskCompletionSource done = new();
    private int acts;

    [Fact]
    public async Task While_it_saves_it_says_so_and_a_second_press_does_nothing()
    {
        var button = Render<SaveButton>(p => p.Add(b => b.OnClick, ActAsync));

        var first = button.Find("button").ClickAsync(new());
        await button.Find("button").ClickAsync(new());

        Assert.Equal((1, "Saving…", "true"), (acts, button.Find("button").TextContent.Trim(), button.Find("button").GetAttribute("aria-disabled")));
        done.SetResult();
        await first;
        Assert.Equal("Save", button.Find("button").TextContent.Trim());
        Assert.False(button.Find("button").HasAttribute("aria-disabled"));
    }

    [Fact]
    public async Task An_act_keeps_its_words_and_takes_no_second_press_while_it_runs()
    {
        var button = Render<ActButton>(p => p.Add(b => b.OnClick, ActAsync).AddChildContent("Unlock"));

        var first = button.Find("button").ClickAsync(new());
        await button.Find("button").ClickAsync(new());
        Assert.Equal((1, "Unlock"), (acts, button.Find("button").TextContent.Trim()));

        done.SetResult();
        await first;
        await button.Find("button").ClickAsync(new());
        Assert.Equal(2, acts);
    }

    [Fact]
    public async Task What_failed_can_be_tried_again()
    {
        var button = Render<SaveButton>(p => p.Add(b => b.OnClick, ActAsync));
        done.SetException(new TimeoutException("The test has taken the database away."));

        await Assert.ThrowsAsync<TimeoutException>(() => button.Find("button").ClickAsync(new()));

        Assert.False(button.Find("button").HasAttribute("aria-disabled"));
    }

    private Task ActAsync()
    {
        acts++;
        return done.Task;
    }
}
