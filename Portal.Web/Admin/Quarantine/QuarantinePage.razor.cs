using Microsoft.AspNetCore.Components;
using Microsoft.Extensions.Options;
using Portal.Core;
using Portal.Core.Domains;
using Portal.Core.Permissions;
using Portal.Core.Quarantine;
using Portal.Web.Components.Shared;
using Portal.Web.Resources;
using Portal.Web.Security;

namespace Portal.Web.Admin.Quarantine;

/// <summary>Mail that was kept back: why, what it is, and whether it is let through.</summary>
public sealed partial class QuarantinePage
{
    private PortalGrid<QuarantineRow>? grid;
    private IReadOnlyList<string> rules = [];
    private IReadOnlyList<DomainChoice> domains = [];
    private bool mayRelease, mayList;

    [SupplyParameterFromQuery(Name = "q")] private string? Q { get; set; }

    [SupplyParameterFromQuery(Name = "why")] private string? RuleKey { get; set; }

    [SupplyParameterFromQuery(Name = "domain")] private string? DomainKey { get; set; }

    /// <summary>The item that is open.</summary>
    [SupplyParameterFromQuery(Name = "item")] private string? ItemQuery { get; set; }

    /// <summary>Large act whose end is shown.</summary>
    [SupplyParameterFromQuery(Name = "work")] private string? WorkQuery { get; set; }

    private long? Item => Queries.Read<long>(ItemQuery);

    private long? Work => Queries.Read<long>(WorkQuery);

    [Inject] private QuarantineService Service { get; set; } = null!;

    [Inject] private DomainService DomainService { get; set; } = null!;

    [Inject] private CurrentActor Actor { get; set; } = null!;

    [Inject] private PageParts Parts { get; set; } = null!;

    [Inject] private IOptions<QuarantineOptions> Options { get; set; } = null!;

    private NavigationManager Nav => Parts.Nav;

    private bool IsFiltered => Q is not null || RuleKey is not null || DomainKey is not null;

    private QuarantineFilter Filter => new() { Text = Q, Rule = RuleKey, DomainId = Queries.Read<Guid>(DomainKey) };

    protected override async Task OnInitializedAsync()
    {
        var actor = await Actor.GetAsync();
        (mayRelease, mayList) = (actor.May(Capability.ReleaseQuarantine), actor.May(Capability.ManageLists));
        var choices = await DomainService.ChoicesAsync(actor, Capability.ViewQuarantine, CancellationToken.None);
        domains = choices.IsDone ? choices.Value : [];
        await ReadRulesAsync();
    }

    /// <summary>As the header names them; as the envelope does where it names nobody.</summary>
    private string AuthorOf(QuarantineRow row) => row.From?.Replace("\"", "", StringComparison.Ordinal) ?? (row.ReversePath.Length > 0 ? row.ReversePath : L["NoSender"].Value);

    private void Clear() => Nav.SetFilter(("q", null), ("why", null), ("domain", null));

    private void Open(QuarantineRow row) => Nav.SetQuery(("item", row.Id));

    private void Close() => Nav.SetQuery(("item", null));

    private EventCallback Stepper(int by) => Item is null ? default : EventCallback.Factory.Create(this, () => grid!.OpenBesideAsync(by));

    private async Task RefreshAsync()
    {
        await ReadRulesAsync();
        if (grid is not null) await grid.ReloadAsync();
    }

    private async Task ReadRulesAsync()
    {
        var found = await Service.RulesAsync(await Actor.GetAsync(), CancellationToken.None);
        rules = found.IsDone ? found.Value : [];
    }

    private async Task<Outcome<Page<QuarantineRow>>> LoadAsync(GridRequest ask, CancellationToken cancel)
    {
        var sort = ask.Sort switch { "recipient" => QuarantineSort.Recipient, "sender" => QuarantineSort.Sender, "size" => QuarantineSort.Size, _ => QuarantineSort.Age };
        return await Service.SearchAsync(await Actor.GetAsync(cancel), Filter, sort, ask.Descending, ask.Skip, ask.Take, cancel);
    }

    private Task<bool> ActOnSelectionAsync(QuarantineAct act, GridSelection<QuarantineRow> selection) =>
        ActAsync(act, selection.AllMatching ? QuarantineSelection.Matching(Filter) : QuarantineSelection.Of([.. selection.Rows.Select(r => r.Id)]), selection is { AllMatching: false, Rows: [var only] } ? only : null);

    private async Task ActOnOpenAsync((QuarantineAct Act, QuarantineRow Row) chosen)
    {
        if (await ActAsync(chosen.Act, QuarantineSelection.Of(chosen.Row.Id), chosen.Row)) Close();
    }

    /// <summary>Asks and does it; true when it was done.</summary>
    /// <param name="single">The one it is for, to be named; null for several.</param>
    private async Task<bool> ActAsync(QuarantineAct act, QuarantineSelection selection, QuarantineRow? single)
    {
        var preview = await Service.PreviewAsync(await Actor.GetAsync(), selection, CancellationToken.None);
        if (preview.Refusal is { } refusal)
        {
            Parts.Notices.Show(refusal, "");
            return false;
        }

        var question = new ConfirmQuestion(
            single is null ? L.Plural($"{act}Title", preview.Value.Rows, preview.Value.IsExact, S) : L[$"{act}OneTitle", AuthorOf(single), single.ForwardPath], L[$"{act}Text"], L[act.ToString()], IsDanger: act == QuarantineAct.Delete, AskReason: true);
        if (await Parts.Dialogs.ConfirmAsync(question) is not { } answer) return false;

        var outcome = await Service.ActAsync((await Actor.GetAsync()).Because(answer.Reason), act, selection, CancellationToken.None);
        grid!.ClearSelection();
        if (outcome.IsDone && outcome.Value.WorkId is { } work) Nav.SetQuery(("work", work));
        else Parts.Notices.Show(outcome, outcome.IsDone ? L.Plural($"{act}Done", outcome.Value.Rows) : "");
        await grid.ReloadAsync();
        return outcome.IsDone;
    }
}
