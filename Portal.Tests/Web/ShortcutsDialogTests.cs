using System.Globalization;
using Bunit;
using Microsoft.Extensions.DependencyInjection;
using MudBlazor;
using MudBlazor.Services;
using Portal.Web.Components;
using Portal.Web.Components.Layout;

namespace Portal.Tests.Web;

public sealed class ShortcutsDialogTests : BunitContext, IAsyncLifetime
{
    private readonly Display display = new();

    public ShortcutsDialogTests()
    {
        CultureInfo.CurrentCulture = CultureInfo.CurrentUICulture = CultureInfo.GetCultureInfo("en");
        JSInterop.Mode = JSRuntimeMode.Loose;
        Services.AddMudServices();
        Services.AddLocalization();
        Services.AddSingleton(display);
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    ValueTask IAsyncDisposable.DisposeAsync() => base.DisposeAsync();

    [Fact]
    public async Task It_lists_the_keys_of_the_page_below_and_of_no_other() =>
        Assert.Equal(["Ctrl K", "/", "?", "J K", "↑ ↓", "Enter", "C", "R", "Delete", "Esc"], await KeysAsync("Rows", "Open", "Compose", "Reply", "Delete"));

    [Fact]
    public async Task Single_letters_that_are_switched_off_are_not_listed_and_it_says_so()
    {
        display.SingleKeys = false;

        Assert.Equal(["Ctrl K", "↑ ↓", "Enter", "Delete", "Esc"], await KeysAsync("Rows", "Open", "Compose", "Reply", "Delete", "New"));
    }

    private async Task<IEnumerable<string>> KeysAsync(params string[] here)
    {
        JSInterop.Setup<string[]>("portal.keysHere").SetResult(here);
        Render<MudPopoverProvider>();
        var provider = Render<MudDialogProvider>();
        await provider.InvokeAsync(() => Services.GetRequiredService<IDialogService>().ShowAsync<ShortcutsDialog>("Keys"));
        provider.WaitForAssertion(() => Assert.Contains(provider.FindAll("dt"), dt => dt.TextContent.Contains("Enter", StringComparison.Ordinal)));
        Assert.Equal(!display.SingleKeys, provider.Markup.Contains("switched off", StringComparison.Ordinal));
        return provider.FindAll("dt").Select(dt => string.Join(' ', dt.QuerySelectorAll("kbd").Select(k => k.TextContent)));
    }
}
