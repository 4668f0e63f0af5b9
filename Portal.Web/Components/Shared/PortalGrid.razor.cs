using System.Globalization;
using Microsoft.AspNetCore.Components;
using Portal.Core;

namespace Portal.Web.Components.Shared;

/// <summary>
/// The one list of the portal: 50 rows a page from the service, sticky header, sort, total, selection, cards on a phone, and the faces
/// of waiting and emptiness. Page and sort stand in the address (<c>?page=2&amp;sort=-name</c>), so Back works and a link can be sent.
/// </summary>
public sealed partial class PortalGrid<T>
{
    public const int PageSize = 50;

    /// <summary>Lists page no deeper; an address that asks for more gets this page.</summary>
    private const int LastIndex = (Paging.CountLimit / PageSize) - 1;

    private readonly List<Column<T>> columns = [];
    private readonly Dictionary<object, T> selected = [];
    private Page<T>? page;
    private object? lastFilter;
    private Refusal? refusal;
    private bool isLoading, allMatching, descending;
    private int index, loads;
    private string? sort;

    /// <summary>Asks the service for a page; what it refuses is shown in the list's place.</summary>
    [Parameter, EditorRequired] public Func<GridRequest, CancellationToken, Task<Outcome<Page<T>>>> Load { get; set; } = null!;

    /// <summary>Identity of a row.</summary>
    [Parameter, EditorRequired] public Func<T, object> Key { get; set; } = null!;

    /// <summary>The columns.</summary>
    [Parameter, EditorRequired] public RenderFragment Columns { get; set; } = null!;

    /// <summary>Name of the list for screen readers.</summary>
    [Parameter, EditorRequired] public string Label { get; set; } = "";

    /// <summary>Everything the page filters by, as one value with equality (a tuple): the list loads again when it changes.</summary>
    [Parameter] public object? Filter { get; set; }

    /// <summary>Whether a filter is set: chooses the face of emptiness.</summary>
    [Parameter] public bool IsFiltered { get; set; }

    /// <summary>Takes the filters off.</summary>
    [Parameter] public EventCallback OnClear { get; set; }

    /// <summary>Sort at first, such as "name" or "-time".</summary>
    [Parameter] public string? DefaultSort { get; set; }

    /// <summary>Page of a row.</summary>
    [Parameter] public Func<T, string>? Href { get; set; }

    /// <summary>Opens a row in a drawer instead.</summary>
    [Parameter] public EventCallback<T> OnOpen { get; set; }

    /// <summary>Where a row is changed: E goes there.</summary>
    [Parameter] public Func<T, string>? EditHref { get; set; }

    /// <summary>The drawer that <see cref="OnOpen"/> opens is where a row is changed: E opens it.</summary>
    [Parameter] public bool OpensEditor { get; set; }

    /// <summary>Whether a row is the one shown in the drawer.</summary>
    [Parameter] public Func<T, bool>? IsCurrent { get; set; }

    /// <summary>Face of "nothing yet": why, and the first action.</summary>
    [Parameter] public RenderFragment? Empty { get; set; }

    /// <summary>Menu items of a row.</summary>
    [Parameter] public RenderFragment<T>? RowMenu { get; set; }

    /// <summary>Buttons for what is selected; makes rows selectable.</summary>
    [Parameter] public RenderFragment<GridSelection<T>>? Bulk { get; set; }

    /// <summary>Whether everything that matches may be selected: the service then gets the filter, not the rows.</summary>
    [Parameter] public bool CanSelectMatching { get; set; }

    /// <summary>Replaces the pager of numbered pages: a list that grows at its top goes by key (<see cref="KeyPager"/>).</summary>
    [Parameter] public RenderFragment? Pager { get; set; }

    /// <summary>Keeps page and sort out of the address; for a list beside another one.</summary>
    [Parameter] public bool IsLocal { get; set; }

    /// <summary>Names the list where views and columns are kept and exports are told of, such as "mailboxes"; null gives it no tools. They stand in the page's <see cref="FilterBar"/>.</summary>
    [Parameter] public string? List { get; set; }

    /// <summary>For a list that goes by key: the rows from a key on, null for the first; what an export collects.</summary>
    [Parameter] public Func<string?, CancellationToken, Task<Outcome<KeyPage<T>>>>? More { get; set; }

    [SupplyParameterFromQuery(Name = "page")] private string? PageNumberQuery { get; set; }

    private int? PageNumber => Queries.Read<int>(PageNumberQuery);

    [SupplyParameterFromQuery(Name = "sort")] private string? SortQuery { get; set; }

    [Inject] private NavigationManager Nav { get; set; } = null!;

    [Inject] private Wording Wording { get; set; } = null!;

    /// <summary>The rows now shown.</summary>
    public IReadOnlyList<T> Rows => page?.Rows ?? [];

    private IReadOnlyList<Column<T>> Shown => List is null ? columns : columns.FindAll(c => !IsHidden(c));

    private int SelectedCount => allMatching ? page!.Total : selected.Count;

    private GridSelection<T> Selection => new([.. selected.Values], allMatching, SelectedCount, IsCountExact);

    private bool IsCountExact => !allMatching || page!.IsTotalExact;

    private bool HasNext => page is not null && ((index + 1) * PageSize < page.Total);

    private string TotalText => page!.Total.ToString("N0", CultureInfo.CurrentCulture);

    private string RangeText => S[page!.IsTotalExact ? "Range" : "RangeCapped", index * PageSize + 1, index * PageSize + page.Rows.Count, TotalText];

    internal void Add(Column<T> column) => columns.Add(column);

    /// <summary>Asks the service again: after an act, or when the feed says so. The selection and the place stay.</summary>
    public async Task ReloadAsync()
    {
        await LoadAsync();
        StateHasChanged();
    }

    /// <summary>Opens the row that many below the one in the drawer, above it when negative; none where the page ends.</summary>
    public async Task OpenBesideAsync(int by)
    {
        var at = Rows.ToList().FindIndex(r => IsCurrent?.Invoke(r) == true) + by;
        if (at >= 0 && at < Rows.Count) await OpenAsync(Rows[at]);
    }

    /// <summary>Unselects everything.</summary>
    public void ClearSelection()
    {
        selected.Clear();
        allMatching = false;
    }

    protected override async Task OnParametersSetAsync()
    {
        var wanted = IsLocal ? sort is null ? DefaultSort : descending ? "-" + sort : sort : SortQuery ?? DefaultSort;
        var at = IsLocal ? index : Math.Clamp((PageNumber ?? 1) - 1, 0, LastIndex);
        // Whether it was ever asked counts, not whether the answer is there: a page that renders while it answers would ask again without end.
        var isNew = loads == 0 || at != index || wanted != (sort is null ? null : descending ? "-" + sort : sort) || !Equals(Filter, lastFilter);
        if (!isNew) return;

        if (!Equals(Filter, lastFilter))
        {
            ClearSelection();
            if (IsLocal) at = 0;
        }

        (index, lastFilter) = (at, Filter);
        (sort, descending) = (wanted?.TrimStart('-'), wanted?.StartsWith('-') == true);
        await LoadAsync();
    }

    private async Task LoadAsync()
    {
        // Answers may overtake each other: only the youngest question's counts.
        var mine = ++loads;
        isLoading = true;
        var answer = await Load(new GridRequest(index * PageSize, PageSize, sort, descending), CancellationToken.None);
        if (mine != loads) return;

        isLoading = false;
        refusal = answer.Refusal;
        page = answer.IsDone ? answer.Value : null;
        if (page is null) return;

        if (selected.Count > 0)
        {
            var shown = page.Rows.ToDictionary(Key);
            foreach (var gone in selected.Keys.Where(k => !shown.ContainsKey(k)).ToList()) selected.Remove(gone);
        }
    }

    private Task SortByAsync(Column<T> column)
    {
        var to = column.Sort == sort && !descending ? "-" + column.Sort : column.Sort!;
        return MoveAsync(0, to);
    }

    private Task GoAsync(int to) => MoveAsync(to, sort is null ? null : descending ? "-" + sort : sort);

    private async Task MoveAsync(int to, string? by)
    {
        ClearSelection();
        if (!IsLocal)
        {
            Nav.SetQuery(("page", to == 0 ? null : to + 1), ("sort", by == DefaultSort ? null : by));
            return;
        }

        (index, sort, descending) = (to, by?.TrimStart('-'), by?.StartsWith('-') == true);
        await LoadAsync();
    }

    private async Task OpenAsync(T row)
    {
        if (Href is not null) Nav.NavigateTo(Href(row));
        else await OnOpen.InvokeAsync(row);
    }

    private void Toggle(T row)
    {
        allMatching = false;
        if (!selected.Remove(Key(row))) selected[Key(row)] = row;
    }

    private void TogglePage()
    {
        var all = selected.Count == page!.Rows.Count;
        ClearSelection();
        if (all) return;
        foreach (var row in page.Rows) selected[Key(row)] = row;
    }

    private string? SortWord(Column<T> column) => column.Sort is null ? null : column.Sort != sort ? "none" : descending ? "descending" : "ascending";

    private static string ClassOf(Column<T> column) => $"{(column.Numeric ? "num" : null)} {(column.Wide ? "wide" : null)} {(column.Keep ? "keep" : null)} {(column.Card ? null : "no-card")}".Trim();

    private string RowClass(T row) => $"{(Href is not null || OnOpen.HasDelegate ? "can-open" : null)} {(IsCurrent?.Invoke(row) == true ? "is-current" : null)} {(selected.ContainsKey(Key(row)) ? "is-selected" : null)}".Trim();
}
