using Microsoft.AspNetCore.Components;
using Portal.Core;
using Portal.Core.Domains;
using Portal.Core.Lists;
using Portal.Core.Permissions;
using Portal.Web.Components.Shared;
using Portal.Web.Security;

namespace Portal.Web.Admin.Lists;

/// <summary>Senders whose mail is always let through, kept back or refused.</summary>
public sealed partial class ListsPage
{
    private PortalGrid<ListRow>? grid;
    private ListRow? current;
    private IReadOnlyList<DomainChoice> domains = [];
    private bool mayEverywhere;

    [SupplyParameterFromQuery(Name = "q")] private string? Q { get; set; }

    [SupplyParameterFromQuery(Name = "kind")] private string? KindKey { get; set; }

    [SupplyParameterFromQuery(Name = "domain")] private string? DomainKey { get; set; }

    [SupplyParameterFromQuery(Name = "entry")] private string? EntryKey { get; set; }

    /// <summary>What a new entry begins with.</summary>
    [SupplyParameterFromQuery(Name = "sender")] private string? SenderQuery { get; set; }

    [Inject] private ListService Service { get; set; } = null!;

    [Inject] private DomainService DomainService { get; set; } = null!;

    [Inject] private CurrentActor Actor { get; set; } = null!;

    [Inject] private PageParts Parts { get; set; } = null!;

    [Inject] private TimeProvider Clock { get; set; } = null!;

    private NavigationManager Nav => Parts.Nav;

    private bool IsFiltered => Q is not null || KindKey is not null || DomainKey is not null;

    private IEnumerable<(string Value, string Text)> Kinds => Enum.GetValues<ListKind>().Select(k => (k.ToString(), S[$"Status_{Statuses.Of(k)}"].Value));

    protected override async Task OnInitializedAsync()
    {
        var actor = await Actor.GetAsync();
        mayEverywhere = actor.MayEverywhere(Capability.ManageLists);
        var choices = await DomainService.ChoicesAsync(actor, Capability.ManageLists, CancellationToken.None);
        domains = choices.IsDone ? choices.Value : [];
    }

    protected override async Task OnParametersSetAsync()
    {
        if (!Guid.TryParse(EntryKey, out var id)) current = null;
        else if (current?.Id != id) current = await Service.GetAsync(await Actor.GetAsync(), id, CancellationToken.None) is { IsDone: true } found ? found.Value : null;
    }

    private async Task<Outcome<Page<ListRow>>> LoadAsync(GridRequest ask, CancellationToken cancel)
    {
        var filter = new ListFilter { Text = Q, Kind = Enum.TryParse<ListKind>(KindKey, out var kind) ? kind : null, DomainId = Queries.Read<Guid>(DomainKey) };
        var sort = ask.Sort switch { "hits" => ListSort.Hits, "last" => ListSort.LastHit, "ends" => ListSort.Expiry, _ => ListSort.Sender };
        return await Service.SearchAsync(await Actor.GetAsync(cancel), filter, sort, ask.Descending, ask.Skip, ask.Take, cancel);
    }

    private void Clear() => Nav.SetFilter(("q", null), ("kind", null), ("domain", null));

    private void New() => Nav.SetQuery(("entry", "new"));

    private void Open(ListRow row) => Nav.SetQuery(("entry", row.Id));

    private EventCallback Stepper(int by) => current is null ? default : EventCallback.Factory.Create(this, () => grid!.OpenBesideAsync(by));

    private void Close() => Nav.SetQuery(("entry", null), ("sender", null));

    private async Task SavedAsync()
    {
        Close();
        current = null;
        await grid!.ReloadAsync();
    }

    private async Task DeleteAsync(ListRow row)
    {
        if (await Parts.Dialogs.ConfirmAsync(new(L["DeleteTitle", row.Pattern], L["DeleteText"], L["Delete"], IsDanger: true, AskReason: true)) is not { } answer) return;
        var draft = new ListDraft { Kind = row.Kind, Sender = row.Pattern, DomainId = row.DomainId, ExpiresAt = row.ExpiresAt, Reason = row.Reason };
        Parts.Notices.Show(
            await Service.DeleteAsync((await Actor.GetAsync()).Because(answer.Reason), row.Id, CancellationToken.None), L["Deleted", row.Pattern],
            row.ExpiresAt <= Clock.GetUtcNow() ? null : async () => await Service.CreateAsync(await Actor.GetAsync(), draft, CancellationToken.None));   // one that has ended cannot be made again
        await grid!.ReloadAsync();
    }
}
