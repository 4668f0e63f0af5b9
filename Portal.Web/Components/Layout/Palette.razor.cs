using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;
using Microsoft.JSInterop;
using Portal.Web.Components.Shared;

namespace Portal.Web.Components.Layout;

public sealed partial class Palette
{
    private const int Recents = 5;

    private readonly List<PaletteItem> recent = [];
    private DotNetObjectReference<Palette>? self;
    private ElementReference panel;
    private IReadOnlyList<PaletteItem> items = [];
    private bool isOpen, justOpened;
    private int at, questions;
    private string text = "";

    /// <summary>Called by portal.js for keys pressed anywhere on the page.</summary>
    [JSInvokable]
    public async Task OnKeyAsync(string what)
    {
        if (what == "help") await Dialogs.ShowAsync<ShortcutsDialog>(S["Shortcuts"]);
        else await OpenAsync();
        StateHasChanged();
    }

    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        if (firstRender)
        {
            self = DotNetObjectReference.Create(this);
            await Js.InvokeVoidAsync("portal.onKeys", self);
        }

        if (!justOpened) return;
        justOpened = false;
        await Js.InvokeVoidAsync("portal.enter", panel, "#palette-text");
    }

    public async ValueTask DisposeAsync()
    {
        if (self is null) return;   // prerendered only: no browser has heard of it

        self.Dispose();
        try
        {
            await Js.InvokeVoidAsync("portal.onKeys", (object?)null);
        }
        catch (Exception e) when (e.IsBrowserGone())
        {
            // The browser is gone, and its listeners with it.
        }
    }

    private async Task OpenAsync()
    {
        if (isOpen) return;
        (isOpen, justOpened, text) = (true, true, "");
        await AskAsync();
    }

    private async Task CloseAsync()
    {
        isOpen = false;
        await Js.InvokeVoidAsync("portal.leave");
    }

    private Task TypeAsync(ChangeEventArgs e)
    {
        text = e.Value as string ?? "";
        return AskAsync();
    }

    private async Task AskAsync()
    {
        var mine = ++questions;
        var found = await Items.FindAsync(await Actor.GetAsync(), text, CancellationToken.None);
        if (mine != questions) return;   // answers may overtake each other

        items = text.Length == 0 ? [.. recent.Select(r => r with { Group = "Recent" }), .. found] : found;
        at = 0;
    }

    private async Task OnFieldKeyAsync(KeyboardEventArgs e)
    {
        switch (e.Key)
        {
            case "Escape":
                await CloseAsync();
                break;
            case "ArrowDown" when items.Count > 0:
                await MoveAsync((at + 1) % items.Count);
                break;
            case "ArrowUp" when items.Count > 0:
                await MoveAsync((at + items.Count - 1) % items.Count);
                break;
            case "Enter" when items.Count > 0 && e.Code != "":
                await GoAsync(items[at]);
                break;
        }
    }

    private async Task MoveAsync(int to)
    {
        at = to;
        await Js.InvokeVoidAsync("portal.show", $"palette-{to}");
    }

    private async Task GoAsync(PaletteItem item)
    {
        recent.RemoveAll(r => r.Href == item.Href);
        recent.Insert(0, item);
        if (recent.Count > Recents) recent.RemoveAt(Recents);
        await CloseAsync();
        Nav.NavigateTo(item.Href);
    }
}
