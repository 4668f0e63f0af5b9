using System.Globalization;
using Microsoft.AspNetCore.Components;
using MudBlazor;
using Portal.Core;
using Portal.Core.Permissions;
using Portal.Core.Queue;
using Portal.Web.Components.Shared;
using Portal.Web.Resources;
using Portal.Web.Security;

namespace Portal.Web.Admin.Queue;

/// <summary>What waits, why, and what can be done about it: for one entry, some, or all that match.</summary>
public sealed partial class QueuePage
{
    private PortalGrid<QueueEntry>? grid;
    private IReadOnlyList<QueueGroup> groups = [];
    private bool mayManage;

    [SupplyParameterFromQuery(Name = "q")] private string? Q { get; set; }

    [SupplyParameterFromQuery(Name = "state")] private string? StateKey { get; set; }

    [SupplyParameterFromQuery(Name = "cause")] private string? CauseKey { get; set; }

    [SupplyParameterFromQuery(Name = "to")] private string? Destination { get; set; }

    /// <summary>Large act whose end is shown.</summary>
    [SupplyParameterFromQuery(Name = "work")] private string? WorkQuery { get; set; }

    private long? Work => Queries.Read<long>(WorkQuery);

    [Inject] private QueueService Queue { get; set; } = null!;

    [Inject] private CurrentActor Actor { get; set; } = null!;

    [Inject] private IDialogService Dialogs { get; set; } = null!;

    [Inject] private Notices Notices { get; set; } = null!;

    [Inject] private NavigationManager Nav { get; set; } = null!;

    [Inject] private TimeProvider Clock { get; set; } = null!;

    private bool IsFiltered => Q is not null || StateKey is not null || CauseKey is not null || Destination is not null;

    private QueueFilter Filter => new()
    {
        Text = Q,
        State = Enum.TryParse<QueueState>(StateKey, out var state) ? state : null,
        Cause = Enum.TryParse<DeferCause>(CauseKey, out var cause) ? cause : null,
        RouteKey = Destination,
    };

    private IEnumerable<(string Value, string Text)> States => Enum.GetValues<QueueState>().Select(s => (s.ToString(), L[$"State_{s}"].Value));

    private IEnumerable<(string Value, string Text)> Causes => Enum.GetValues<DeferCause>().Select(c => (c.ToString(), L[$"Cause_{c}"].Value));

    protected override async Task OnInitializedAsync() => mayManage = (await Actor.GetAsync()).May(Capability.ManageQueue);

    private void Clear() => Nav.SetFilter(("q", null), ("state", null), ("cause", null), ("to", null));

    private void Choose(QueueGroup group) => Nav.SetFilter(("cause", group.Cause.ToString()), ("to", group.RouteKey));

    private Task RefreshAsync() => grid is null ? Task.CompletedTask : grid.ReloadAsync();

    private async Task<Outcome<Page<QueueEntry>>> LoadAsync(GridRequest ask, CancellationToken cancel)
    {
        var actor = await Actor.GetAsync(cancel);
        var sort = ask.Sort switch
        {
            "age" => QueueSort.Age,
            "recipient" => QueueSort.Recipient,
            "sender" => QueueSort.Sender,
            "tries" => QueueSort.Attempts,
            _ => QueueSort.NextAttempt,
        };
        var page = await Queue.SearchAsync(actor, Filter, sort, ask.Descending, ask.Skip, ask.Take, cancel);
        var grouped = await Queue.GroupsAsync(actor, Filter, cancel);
        groups = grouped.IsDone ? grouped.Value : [];
        StateHasChanged();   // the groups stand outside the list
        return page;
    }

    private async Task<Outcome<KeyPage<QueueEntry>>> MoreAsync(string? after, CancellationToken cancel)
    {
        var rows = await Queue.AfterAsync(await Actor.GetAsync(cancel), Filter, after is null ? 0 : long.Parse(after, CultureInfo.InvariantCulture), cancel);
        if (rows.Refusal is { } refusal) return refusal;
        return new KeyPage<QueueEntry>(rows.Value, rows.Value.Count < Paging.MaxTake ? null : rows.Value[^1].Id.ToString(CultureInfo.InvariantCulture));
    }

    private Task ActOnGroupAsync((QueueGroup Group, QueueAct Act) chosen) =>
        ActAsync(chosen.Act, QueueSelection.Matching(Filter with { Cause = chosen.Group.Cause, RouteKey = chosen.Group.RouteKey }), isNamed: false);

    private Task ActOnSelectionAsync(QueueAct act, GridSelection<QueueEntry> selection) => selection.AllMatching
        ? ActAsync(act, QueueSelection.Matching(Filter), isNamed: false)
        : ActAsync(act, QueueSelection.Of([.. selection.Rows.Select(e => e.Id)]), isNamed: true);

    private Task ActOnOneAsync(QueueAct act, QueueEntry entry) => ActAsync(act, QueueSelection.Of(entry.Id), isNamed: true);

    private async Task ActAsync(QueueAct act, QueueSelection selection, bool isNamed)
    {
        // Retrying a few is harmless; what removes, is many, or touches what one does not see, is asked first.
        string? reason = null;
        var isRemoval = act is QueueAct.Delete or QueueAct.Return;
        if (isRemoval || !isNamed || selection.Ids?.Count > QueueService.MaxRowsAtOnce)
        {
            var preview = await Queue.PreviewAsync(await Actor.GetAsync(), act, selection, CancellationToken.None);
            if (preview.Refusal is { } refusal)
            {
                Notices.Show(refusal, "");
                return;
            }

            var question = new ConfirmQuestion(L.Plural($"{act}Title", preview.Value.Rows, preview.Value.IsExact, S), L[$"{act}Text"], L[act.ToString()], IsDanger: isRemoval, AskReason: true);
            if (await Dialogs.ConfirmAsync(question) is not { } answer) return;
            reason = answer.Reason;
        }

        var outcome = await Queue.ActAsync((await Actor.GetAsync()).Because(reason), act, selection, CancellationToken.None);
        grid!.ClearSelection();
        if (outcome.IsDone && outcome.Value.WorkId is { } work) Nav.SetQuery(("work", work));
        else Notices.Show(outcome, outcome.IsDone ? L.Plural($"{act}Done", outcome.Value.Rows) : "", outcome.IsDone && isNamed ? BackFrom(act, outcome.Value.Changed) : null);
        await grid.ReloadAsync();
    }

    /// <summary>The opposite act on what was changed; null where there is none.</summary>
    private Func<Task<Outcome>>? BackFrom(QueueAct act, IReadOnlyList<long> changed) => (act, changed.Count) switch
    {
        (QueueAct.Hold, > 0) => () => BackAsync(QueueAct.Release, changed),
        (QueueAct.Release, > 0) => () => BackAsync(QueueAct.Hold, changed),
        _ => null,
    };

    private async Task<Outcome> BackAsync(QueueAct act, IReadOnlyList<long> ids)
    {
        var outcome = await Queue.ActAsync(await Actor.GetAsync(), act, QueueSelection.Of(ids), CancellationToken.None);
        return outcome is { IsDone: true, Value.Rows: 0 } ? Conflict.ChangedByOthers : outcome;   // delivered meanwhile, or another has done it
    }
}
