using Microsoft.AspNetCore.Components;
using Microsoft.Extensions.Localization;
using Portal.Core;
using Portal.Core.Accounts;
using Portal.Core.Domains;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Web.Admin.Accounts;
using Portal.Web.Components.Shared;
using Portal.Web.Resources;
using Portal.Web.Security;

namespace Portal.Web.Admin.Mailboxes;

public sealed partial class MailboxesPage(
    MailboxListService list, MailboxBulkService bulk, DomainService domainService, MailboxDeeds deeds, CurrentActor actor, PageParts parts, CredentialReset credentials, IStringLocalizer<MailboxesPage> l, IStringLocalizer<Shell> s, IStringLocalizer<Jobs> j)
{
    private PortalGrid<MailboxRow>? grid;
    private (string Address, NewCredential Credential)? toShow;
    private IReadOnlyList<DomainChoice> domains = [];

    private IStringLocalizer<MailboxesPage> L => l;

    private IStringLocalizer<Shell> S => s;

    private IStringLocalizer<Jobs> J => j;

    private NavigationManager Nav => parts.Nav;

    [SupplyParameterFromQuery(Name = "q")] private string? Q { get; set; }

    [SupplyParameterFromQuery(Name = "domain")] private string? Domain { get; set; }

    [SupplyParameterFromQuery(Name = "state")] private string? State { get; set; }

    [SupplyParameterFromQuery(Name = "signin")] private string? SignIn { get; set; }

    [SupplyParameterFromQuery(Name = "use")] private string? Use { get; set; }

    [SupplyParameterFromQuery(Name = "new")] private string? NewQuery { get; set; }

    private bool? New => Queries.Read<bool>(NewQuery);

    /// <summary>Large act whose progress is shown.</summary>
    [SupplyParameterFromQuery(Name = "work")] private string? WorkQuery { get; set; }

    private long? Work => Queries.Read<long>(WorkQuery);

    private bool IsFiltered => Q is not null || Domain is not null || State is not null || SignIn is not null || Use is not null;

    private MailboxQuery Query => new()
    {
        Text = Q ?? "",
        DomainId = Guid.TryParse(Domain, out var id) ? id : null,
        State = Enum.TryParse<MailboxState>(State, out var state) ? state : null,
        NearlyFull = Use == "full",
        NeverSignedIn = SignIn == "never",
    };

    protected override async Task OnInitializedAsync()
    {
        var choices = await domainService.ChoicesAsync(await actor.GetAsync(), Capability.ManageMailboxes, CancellationToken.None);
        if (choices.IsDone) domains = choices.Value;
    }

    // Only when the drawer is closed and the address has changed: a change of address takes open dialogs away, and a secret is shown once.
    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        if (New == true || toShow is not { } made) return;
        toShow = null;
        await credentials.ShowAsync(made.Address, made.Credential);
    }

    private void Created((string Address, NewCredential Credential) made)
    {
        toShow = made;
        Nav.SetQuery(("new", null));
    }

    private async Task<Outcome<Page<MailboxRow>>> LoadAsync(GridRequest ask, CancellationToken cancel) =>
        await list.SearchAsync(await actor.GetAsync(cancel), Query with
        {
            Sort = ask.Sort == "name" ? MailboxSort.Name : MailboxSort.Address,
            Descending = ask.Descending,
            Skip = ask.Skip,
            Take = ask.Take,
        }, cancel);

    private Task ToggleAsync(MailboxRow row) => ThenReloadAsync(deeds.ToggleAsync(row));

    private Task DeleteAsync(MailboxRow row) => ThenReloadAsync(deeds.DeleteAsync(row));

    private Task RestoreAsync(MailboxRow row) => ThenReloadAsync(deeds.RestoreAsync(row));

    private async Task ThenReloadAsync(Task deed)
    {
        await deed;
        await grid!.ReloadAsync();
    }

    private async Task BulkQuotaAsync(GridSelection<MailboxRow> selection)
    {
        var dialog = await parts.Dialogs.ShowAsync<QuotaDialog>(L.Plural("QuotaFor", selection.Count, selection.IsCountExact, S));
        if (await dialog.Result is { Canceled: false, Data: QuotaAnswer answer }) await BulkAsync(selection, new(MailboxAct.SetQuota, answer.Bytes));
    }

    /// <summary>Preview, confirm, do: at once for a few, as work for many (PORTAL §4).</summary>
    private async Task BulkAsync(GridSelection<MailboxRow> selection, MailboxChange change)
    {
        var selected = selection.AllMatching ? MailboxSelection.Matching(Query) : MailboxSelection.Of([.. selection.Rows.Select(r => r.Id)]);
        var preview = await bulk.PreviewAsync(await actor.GetAsync(), selected, change, CancellationToken.None);
        if (preview.Refusal is { } refusal)
        {
            parts.Notices.Failed(parts.Wording.Of(refusal));
            return;
        }

        var (rows, left) = (preview.Value.Rows, preview.Value.Refused);
        var text = left == 0 ? L[$"Bulk_{change.Act}"].Value : $"{L[$"Bulk_{change.Act}"]} {L.Plural("BulkLeft", left)}";
        if (await parts.Dialogs.ConfirmAsync(new(L.Plural($"BulkTitle_{change.Act}", rows), text, L[change.Act == MailboxAct.SetQuota ? "SetQuota" : change.Act.ToString()], AskReason: true)) is not { } answer) return;

        var outcome = await bulk.ApplyAsync((await actor.GetAsync()).Because(answer.Reason), selected, change, CancellationToken.None);
        grid!.ClearSelection();
        if (outcome.Refusal is { } why) parts.Notices.Failed(parts.Wording.Of(why));
        else if (outcome.Value.WorkId is { } work) Nav.SetQuery(("work", work));
        else Tell(change, outcome.Value);
        await grid.ReloadAsync();
    }

    private void Tell(MailboxChange change, MailboxBulkResult result)
    {
        if (result.Done > 0) parts.Notices.Done(L.Plural("BulkDone", result.Done), BackFrom(change.Act, result.Changed));
        foreach (var left in result.Refused.Take(5)) parts.Notices.Failed(J[$"Left_{left.Key}", left.Address]);
        if (result.Refused.Count > 5) parts.Notices.Failed(L.Plural("BulkLeft", result.Refused.Count - 5));
    }

    /// <summary>The opposite act on those that were changed; null where there is none: their quotas differed.</summary>
    private Func<Task<Outcome>>? BackFrom(MailboxAct act, IReadOnlyList<Guid> changed) => act == MailboxAct.SetQuota || changed.Count == 0 ? null
        : async () => await bulk.ApplyAsync(await actor.GetAsync(), MailboxSelection.Of(changed), new(act == MailboxAct.Disable ? MailboxAct.Enable : MailboxAct.Disable), CancellationToken.None);

    private void Clear() => Nav.SetFilter(("q", null), ("domain", null), ("state", null), ("signin", null), ("use", null));
}
