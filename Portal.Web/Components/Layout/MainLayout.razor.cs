using Microsoft.AspNetCore.Components.Routing;
using Portal.Core.Accounts;
using Portal.Core.Permissions;

namespace Portal.Web.Components.Layout;

public sealed partial class MainLayout
{
    private AccountSnapshot? account;
    private Actor? actor;
    private Area area;
    private IReadOnlyList<Area> areas = [];
    private IReadOnlyList<NavigationEntry> entries = [];
    private bool menuOpen;
    private ErrorBoundaryWithReference? boundary;

    private string Path => "/" + Nav.ToBaseRelativePath(Nav.Uri).Split('?', '#')[0];

    private bool Compact => Display.Compact ?? area is Area.Admin or Area.Helpdesk or Area.Reports;

    protected override async Task OnInitializedAsync()
    {
        Nav.LocationChanged += OnLocationChanged;
        Display.Changed += Refresh;
        await LoadAsync();
    }

    private async Task LoadAsync()
    {
        var whose = await Actor.AccountAsync();
        var acting = await Actor.GetAsync();

        // All at once: a render between would show a frame without its menu.
        (account, actor) = (whose, acting);
        if (account is null) return;
        areas = [.. Navigation.AreasOf(acting)];
        area = Navigation.AreaOf(Path);
        entries = [.. Navigation.For(acting).Where(e => e.Area == area)];
    }

    private void OnLocationChanged(object? sender, LocationChangedEventArgs e)
    {
        menuOpen = false;
        boundary?.Recover();
        InvokeAsync(async () =>
        {
            await LoadAsync();
            StateHasChanged();
        });
    }

    private void Refresh() => InvokeAsync(StateHasChanged);

    public void Dispose()
    {
        Nav.LocationChanged -= OnLocationChanged;
        Display.Changed -= Refresh;
    }
}
