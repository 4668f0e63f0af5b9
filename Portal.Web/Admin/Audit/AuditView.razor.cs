using System.Globalization;
using Microsoft.AspNetCore.Components;
using Portal.Core;
using Portal.Core.Audit;
using Portal.Web.Components.Shared;
using Portal.Web.Security;

namespace Portal.Web.Admin.Audit;

/// <summary>Who did what: list, filters and drawer.</summary>
public sealed partial class AuditView
{
    private PortalGrid<AuditEntry>? grid;
    private AuditEntry? current;
    private string? next;
    private int? total;

    [SupplyParameterFromQuery(Name = "q")] private string? Q { get; set; }

    [SupplyParameterFromQuery(Name = "action")] private string? ActionKey { get; set; }

    [SupplyParameterFromQuery(Name = "range")] private string? RangeKey { get; set; }

    [SupplyParameterFromQuery(Name = "target")] private string? Target { get; set; }

    [SupplyParameterFromQuery(Name = "before")] private string? Before { get; set; }

    [SupplyParameterFromQuery(Name = "entry")] private string? EntryIdQuery { get; set; }

    private long? EntryId => Queries.Read<long>(EntryIdQuery);

    [Inject] private AuditService Service { get; set; } = null!;

    [Inject] private CurrentActor Actor { get; set; } = null!;

    [Inject] private NavigationManager Nav { get; set; } = null!;

    [Inject] private TimeProvider Clock { get; set; } = null!;

    private bool IsFiltered => Q is not null || ActionKey is not null || RangeKey is not null || Target is not null || Before is not null;

    private IEnumerable<(string Value, string Text)> ActionOptions => A.GetAllStrings(includeParentCultures: true).DistinctBy(a => a.Name).Select(a => (a.Name, a.Value)).OrderBy(a => a.Name, StringComparer.Ordinal);

    protected override async Task OnParametersSetAsync()
    {
        if (EntryId is not { } id) current = null;
        else if (current?.Id != id) current = await Service.GetAsync(await Actor.GetAsync(), id, CancellationToken.None) is { IsDone: true } found ? found.Value : null;
    }

    private void Set(string name, string? value) => Nav.SetFilter((name, value), ("before", null), ("entry", null));

    private void Clear() => Nav.SetFilter(("q", null), ("action", null), ("range", null), ("target", null), ("before", null), ("entry", null));

    private void Open(AuditEntry entry) => Nav.SetQuery(("entry", entry.Id));

    private void Close() => Nav.SetQuery(("entry", null));

    private Task RefreshAsync() => Before is null && grid is not null ? grid.ReloadAsync() : Task.CompletedTask;

    private AuditQuery QueryFrom(string? before, int limit) => new()
    {
        Text = Q,
        Action = ActionKey,
        Target = Target,
        From = TimeRange.From(RangeKey, Clock.GetUtcNow()),
        Before = long.TryParse(before, CultureInfo.InvariantCulture, out var id) ? id : null,
        Limit = limit,
    };

    private async Task<Outcome<KeyPage<AuditEntry>>> MoreAsync(string? before, CancellationToken cancel)
    {
        var page = await Service.SearchAsync(await Actor.GetAsync(cancel), QueryFrom(before, AuditQuery.MaxLimit), cancel);
        return page.IsDone ? new KeyPage<AuditEntry>(page.Value.Entries, page.Value.Next?.ToString(CultureInfo.InvariantCulture)) : page.Refusal;
    }

    private async Task<Outcome<Page<AuditEntry>>> LoadAsync(GridRequest ask, CancellationToken cancel)
    {
        var actor = await Actor.GetAsync(cancel);
        var query = QueryFrom(Before, ask.Take);
        var page = await Service.SearchAsync(actor, query, cancel);
        if (!page.IsDone) return page.Refusal;

        var count = await Service.CountAsync(actor, query, cancel);
        (total, next) = (count.IsDone ? count.Value : null, page.Value.Next?.ToString(CultureInfo.InvariantCulture));
        StateHasChanged();   // the pager stands outside the list
        return new Page<AuditEntry>(page.Value.Entries, total ?? page.Value.Entries.Count, total <= Paging.CountLimit);
    }
}
