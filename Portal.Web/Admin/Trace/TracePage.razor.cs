using Microsoft.AspNetCore.Components;
using Portal.Core;
using Portal.Core.Trace;
using Portal.Web.Components.Shared;
using Portal.Web.Security;

namespace Portal.Web.Admin.Trace;

/// <summary>Why did it not arrive? Every message and every refusal, newest first.</summary>
public sealed partial class TracePage
{
    private PortalGrid<TraceRow>? grid;
    private string? next;
    private int? total;
    private bool isPartial;
    private long dropped;

    [SupplyParameterFromQuery(Name = "q")] private string? Q { get; set; }

    [SupplyParameterFromQuery(Name = "outcome")] private string? OutcomeKey { get; set; }

    [SupplyParameterFromQuery(Name = "rule")] private string? RuleKey { get; set; }

    [SupplyParameterFromQuery(Name = "range")] private string? RangeKey { get; set; }

    [SupplyParameterFromQuery(Name = "before")] private string? Before { get; set; }

    [Inject] private TraceService Traces { get; set; } = null!;

    [Inject] private CurrentActor Actor { get; set; } = null!;

    [Inject] private NavigationManager Nav { get; set; } = null!;

    [Inject] private TimeProvider Clock { get; set; } = null!;

    private bool IsFiltered => Q is not null || OutcomeKey is not null || RuleKey is not null || RangeKey is not null || Before is not null;

    private IEnumerable<(string Value, string Text)> Filters => Enum.GetValues<TraceFilter>().Select(f => (f.ToString(), L[$"Filter_{f}"].Value));

    private IEnumerable<(string Value, string Text)> Ranges => TimeRange.Keys.Select(k => (k, S[$"Range_{k}"].Value));

    private static Status? StateOf(TraceRow row) => row.State is { } state ? Statuses.Of(state) : null;

    private static string? RuleOf(TraceRow row) => row.Trace.Rule ?? row.Recipients.Select(r => r.Rule).FirstOrDefault(r => r is not null);

    private void Clear() => Nav.SetFilter(("q", null), ("outcome", null), ("rule", null), ("range", null), ("before", null));

    // What is being read further down stays where it is.
    private Task RefreshAsync() => Before is null && grid is not null ? grid.ReloadAsync() : Task.CompletedTask;

    private TraceQuery QueryFrom(string? before, int limit) => new()
    {
        Text = Q,
        Filter = Enum.TryParse<TraceFilter>(OutcomeKey, out var filter) ? filter : null,
        Rule = RuleKey,
        From = TimeRange.From(RangeKey, Clock.GetUtcNow()),
        Before = Guid.TryParse(before, out var id) ? id : null,
        Limit = limit,
    };

    private async Task<Outcome<KeyPage<TraceRow>>> MoreAsync(string? before, CancellationToken cancel)
    {
        var page = await Traces.SearchAsync(await Actor.GetAsync(cancel), QueryFrom(before, Paging.MaxTake), cancel);
        return page.IsDone ? new KeyPage<TraceRow>(page.Value.Rows, page.Value.Next?.ToString()) : page.Refusal;
    }

    private async Task<Outcome<Page<TraceRow>>> LoadAsync(GridRequest ask, CancellationToken cancel)
    {
        var query = QueryFrom(Before, ask.Take);
        var actor = await Actor.GetAsync(cancel);
        var page = await Traces.SearchAsync(actor, query, cancel);
        if (!page.IsDone) return page.Refusal;

        var count = await Traces.CountAsync(actor, query, cancel);
        (total, next, isPartial, dropped) = (count.IsDone ? count.Value : null, page.Value.Next?.ToString(), page.Value.IsPartial, page.Value.Dropped);
        StateHasChanged();   // pager and notices stand outside the list
        return new Page<TraceRow>(page.Value.Rows, total ?? page.Value.Rows.Count, total <= Paging.CountLimit);
    }
}
