using System.Globalization;
using Microsoft.AspNetCore.Components;
using Portal.Core;
using Portal.Core.Logs;
using Portal.Core.Permissions;
using Portal.Web.Components.Shared;
using Portal.Web.Security;

namespace Portal.Web.Admin.Logs;

/// <summary>The log: searched, and followed while it grows.</summary>
public sealed partial class LogsPage : IDisposable
{
    /// <summary>A list that is followed is counted anew so often, not with every line.</summary>
    private static readonly TimeSpan CountEvery = TimeSpan.FromSeconds(10);

    private PortalGrid<LogEntry>? grid;
    private IReadOnlyList<string> components = [];
    private LogEntry? current;
    private LogHistogram? histogram;
    private (LogQuery Query, string? Range)? counted;
    private DateTimeOffset countedAt;
    private string? next;
    private long dropped;
    private Reread? reread;
    private IDisposable? following;

    [SupplyParameterFromQuery(Name = "q")] private string? Q { get; set; }

    [SupplyParameterFromQuery(Name = "level")] private string? LevelKey { get; set; }

    [SupplyParameterFromQuery(Name = "component")] private string? Component { get; set; }

    [SupplyParameterFromQuery(Name = "range")] private string? RangeKey { get; set; }

    [SupplyParameterFromQuery(Name = "queue")] private string? QueueKey { get; set; }

    [SupplyParameterFromQuery(Name = "session")] private string? Session { get; set; }

    [SupplyParameterFromQuery(Name = "account")] private string? Account { get; set; }

    [SupplyParameterFromQuery(Name = "before")] private string? Before { get; set; }

    [SupplyParameterFromQuery(Name = "live")] private string? LiveQuery { get; set; }

    private int? Live => Queries.Read<int>(LiveQuery);

    [SupplyParameterFromQuery(Name = "line")] private string? LineQuery { get; set; }

    private long? Line => Queries.Read<long>(LineQuery);

    [Inject] private LogService Service { get; set; } = null!;

    [Inject] private CurrentActor Actor { get; set; } = null!;

    [Inject] private NavigationManager Nav { get; set; } = null!;

    [Inject] private TimeProvider Clock { get; set; } = null!;

    private bool IsPaused => Live == 0;

    private bool IsFiltered => Q is not null || LevelKey is not null || Component is not null || RangeKey is not null || QueueKey is not null || Session is not null || Account is not null || Before is not null;

    private IEnumerable<(string Value, string Text)> Levels =>
        new[] { LogLevel.Debug, LogLevel.Information, LogLevel.Warning, LogLevel.Error, LogLevel.Critical }.Select(l => (l.ToString(), L[$"Level_{l}"].Value));

    /// <summary>What a link from elsewhere narrowed to, each with its word.</summary>
    private IEnumerable<(string Name, string Value, string Label)> Narrowings =>
        new[] { ("queue", QueueKey, "OfMessage"), ("session", Session, "OfSession"), ("account", Account, "OfAccount") }.Where(n => n.Item2 is not null).Select(n => (n.Item1, n.Item2!, n.Item3));

    public void Dispose() => following?.Dispose();

    protected override async Task OnInitializedAsync()
    {
        var names = await Service.ComponentsAsync(await Actor.GetAsync(), CancellationToken.None);
        components = names.IsDone ? names.Value : [];
    }

    // By its number, wherever in the log it stands.
    protected override async Task OnParametersSetAsync()
    {
        if (Line is not { } id) current = null;
        else if (current?.Id != id) current = await Service.GetAsync(await Actor.GetAsync(), id, CancellationToken.None) is { IsDone: true } found ? found.Value : null;
    }

    // A prerendered page has nobody to tell.
    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        if (!firstRender) return;
        var follow = Service.Follow(await Actor.GetAsync(), reread!.Ask);
        following = follow.IsDone ? follow.Value : null;
        reread.Ask();   // what came between the first reading and now
    }

    private void Set(string name, string? value) => Nav.SetFilter((name, value), ("before", null), ("line", null));

    private void Clear() => Nav.SetFilter(("q", null), ("level", null), ("component", null), ("range", null), ("queue", null), ("session", null), ("account", null), ("before", null), ("line", null));

    private void Open(LogEntry entry) => Nav.SetQuery(("line", entry.Id));

    private void Close() => Nav.SetQuery(("line", null));

    // A tail that is paused, or read further down, or looked at in the drawer, stands still.
    private Task RefreshAsync() => !IsPaused && Before is null && Line is null && grid is not null ? grid.ReloadAsync() : Task.CompletedTask;

    private LogQuery QueryFrom(string? before, int limit, DateTimeOffset now) => new()
    {
        Text = Q,
        Level = Enum.TryParse<LogLevel>(LevelKey, out var level) ? level : null,
        Component = Component,
        QueueId = QueueKey is null ? null : Guid.TryParse(QueueKey, out var queueId) ? queueId : Guid.Empty,
        SessionId = Session,
        Property = Account is null ? null : LogText.AccountId,
        PropertyValue = Account,
        From = TimeRange.From(RangeKey, now),
        Before = long.TryParse(before, CultureInfo.InvariantCulture, out var id) ? id : null,
        Limit = limit,
    };

    private async Task<Outcome<KeyPage<LogEntry>>> MoreAsync(string? before, CancellationToken cancel)
    {
        var page = await Service.SearchAsync(await Actor.GetAsync(cancel), QueryFrom(before, Paging.MaxTake, Clock.GetUtcNow()), cancel);
        return page.IsDone ? new KeyPage<LogEntry>(page.Value.Entries, page.Value.Next?.ToString(CultureInfo.InvariantCulture)) : page.Refusal;
    }

    private async Task<Outcome<Page<LogEntry>>> LoadAsync(GridRequest ask, CancellationToken cancel)
    {
        var (actor, now) = (await Actor.GetAsync(cancel), Clock.GetUtcNow());
        var query = QueryFrom(Before, ask.Take, now);
        var page = await Service.SearchAsync(actor, query, cancel);
        if (!page.IsDone) return page.Refusal;
        await CountAsync(actor, query with { From = null, Before = null }, now, cancel);

        (next, dropped) = (page.Value.Next?.ToString(CultureInfo.InvariantCulture), page.Value.Dropped);
        StateHasChanged();   // pager, drawer and notices stand outside the list
        return new Page<LogEntry>(page.Value.Entries, page.Value.Entries.Count, true);
    }

    /// <summary>Thirty bars or so over the time chosen; over the last day where none is.</summary>
    private async Task CountAsync(Actor actor, LogQuery query, DateTimeOffset now, CancellationToken cancel)
    {
        if (counted == (query, RangeKey) && now - countedAt < CountEvery) return;

        var (step, bars) = RangeKey switch
        {
            "hour" => (TimeSpan.FromMinutes(2), 30),
            "week" => (TimeSpan.FromHours(6), 28),
            "month" => (TimeSpan.FromDays(1), 30),
            _ => (TimeSpan.FromHours(1), 24),
        };
        var found = await Service.CountAsync(actor, query, now - step * bars, step, bars, cancel);
        (counted, countedAt, histogram) = ((query, RangeKey), now, found.IsDone ? found.Value : null);
    }
}
