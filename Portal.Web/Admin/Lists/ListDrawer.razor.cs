using System.Globalization;
using Microsoft.AspNetCore.Components;
using Portal.Core;
using Portal.Core.Domains;
using Portal.Core.Lists;
using Portal.Web.Components;
using Portal.Web.Components.Shared;
using Portal.Web.Resources;
using Portal.Web.Security;

namespace Portal.Web.Admin.Lists;

/// <summary>Makes and changes one entry.</summary>
public sealed partial class ListDrawer
{
    private static readonly int[] Days = [1, 7, 30, 90, 365];

    private const string Kept = "kept";

    private readonly FieldErrors errors = new();
    private IReadOnlyList<ListConflict> conflicts = [];
    private ListKind kind;
    private string sender = "";
    private string? domain, end, reason;
    private bool isSaved;
    private (Guid?, bool) shown;
    private (ListKind, string, string?, string?, string) opened;

    [Parameter] public ListRow? Entry { get; set; }

    [Parameter] public bool IsNew { get; set; }

    /// <summary>What a new entry begins with.</summary>
    [Parameter] public string? Sender { get; set; }

    [Parameter, EditorRequired] public IReadOnlyList<DomainChoice> Domains { get; set; } = [];

    /// <summary>Whether whoever is signed in may make entries for everybody's mail.</summary>
    [Parameter] public bool MayEverywhere { get; set; }

    [Parameter] public EventCallback OnClose { get; set; }

    [Parameter] public EventCallback OnSaved { get; set; }

    [Parameter] public EventCallback OnUp { get; set; }

    [Parameter] public EventCallback OnDown { get; set; }

    [Inject] private ListService Service { get; set; } = null!;

    [Inject] private CurrentActor Actor { get; set; } = null!;

    [Inject] private PageParts Parts { get; set; } = null!;

    [Inject] private TimeProvider Clock { get; set; } = null!;

    [Inject] private Display Display { get; set; } = null!;

    private bool IsOpen => IsNew || Entry is not null;

    private (ListKind, string, string?, string?, string) Typed => (kind, sender, domain, end, reason ?? "");

    private IEnumerable<(string Value, string Text)> Ends =>
        [.. Entry is { ExpiresAt: { } at } && !IsNew ? [(Kept, L["EndKept", TextOf(at)].Value)] : Array.Empty<(string, string)>(), .. Days.Select(d => ($"{d}", L.Plural("EndDays", d)))];

    private DateTimeOffset? EndsAt => end == Kept ? Entry?.ExpiresAt : Queries.Read<int>(end) is { } days ? Clock.GetUtcNow().AddDays(days) : null;

    private ListDraft Draft => new() { Kind = kind, Sender = IsNew ? sender : Entry?.Pattern ?? "", DomainId = IsNew ? Queries.Read<Guid>(domain) ?? (MayEverywhere || Domains.Count == 0 ? null : Domains[0].Id) : Entry?.DomainId, ExpiresAt = EndsAt, Reason = reason };

    protected override void OnInitialized()
    {
        // An end that stands already may lie behind us; one that is chosen now can't.
        foreach (var field in ListDraft.Fields) errors.Require(field, () => (field != nameof(ListDraft.ExpiresAt) || end != Kept) && Draft.FaultOf(field, Clock.GetUtcNow()) is { } fault ? Parts.Wording.Of(fault) : null);
    }

    protected override async Task OnParametersSetAsync()
    {
        if (shown == (Entry?.Id, IsNew)) return;
        shown = (Entry?.Id, IsNew);
        (kind, sender, domain, end, reason) = Entry is { } entry && !IsNew
            ? (entry.Kind, entry.Pattern, entry.DomainId?.ToString(), entry.ExpiresAt is null ? null : Kept, entry.Reason)
            : (ListKind.Refuse, Sender ?? "", null, null, null);
        (isSaved, conflicts) = (false, []);
        errors.Clear();
        opened = Typed;
        if (IsOpen) await LookAsync();
    }

    private async Task ChangeAsync(Action change)
    {
        change();
        await LookAsync();
    }

    /// <summary>What other entries say against it as it stands in the form.</summary>
    private async Task LookAsync()
    {
        var asked = Draft;
        var found = await Service.ConflictsAsync(await Actor.GetAsync(), asked, IsNew ? null : Entry?.Id, CancellationToken.None);
        if (asked.Sender == Draft.Sender && asked.Kind == Draft.Kind) conflicts = found.IsDone ? found.Value : [];   // else a later answer is on its way
    }

    private async Task SaveAsync()
    {
        if (!errors.Check()) return;
        var draft = Draft;
        var (outcome, back) = IsNew ? await CreateAsync(draft) : await ChangeAsync(draft);
        if (outcome is null || !errors.Take(outcome, Parts.Wording, [.. ListDraft.Fields])) return;
        Parts.Notices.Done(L["Saved", draft.Sender.Trim()], back);
        isSaved = true;
        await OnSaved.InvokeAsync();
    }

    private async Task<(Outcome? Outcome, Func<Task<Outcome>>? Back)> CreateAsync(ListDraft draft)
    {
        var made = await Service.CreateAsync(await Actor.GetAsync(), draft, CancellationToken.None);
        return (made, async () => await Service.DeleteAsync(await Actor.GetAsync(), made.Value, CancellationToken.None));
    }

    /// <summary>No outcome while the person goes on in the form, or when they keep what somebody else has saved.</summary>
    private async Task<(Outcome? Outcome, Func<Task<Outcome>>? Back)> ChangeAsync(ListDraft draft)
    {
        var id = Entry!.Id;
        var saved = await Parts.Saves.SaveAsync(
            Entry,
            async over => await Service.UpdateAsync(await Actor.GetAsync(), id, draft, over.Version, CancellationToken.None),
            async () => await Service.GetAsync(await Actor.GetAsync(), id, CancellationToken.None),
            (read, now) =>
            [
                new(L["Kind"], L[$"Kind_{read.Kind}"], L[$"Kind_{draft.Kind}"], L[$"Kind_{now.Kind}"]),
                new(L["Ends"], EndOf(read.ExpiresAt), EndOf(draft.ExpiresAt), EndOf(now.ExpiresAt)),
                new(L["Reason"], read.Reason ?? "", draft.Reason?.Trim() ?? "", now.Reason ?? ""),
            ]);
        var before = saved.Over;
        if (!saved.IsTheirs) return (saved.Outcome, async () => await Service.UpdateAsync(await Actor.GetAsync(), id, DraftOf(before), before.Version + 1, CancellationToken.None));
        isSaved = true;
        await OnSaved.InvokeAsync();
        return (null, null);
    }

    private static ListDraft DraftOf(ListRow row) => new() { Kind = row.Kind, Sender = row.Pattern, DomainId = row.DomainId, ExpiresAt = row.ExpiresAt, Reason = row.Reason };

    private string EndOf(DateTimeOffset? at) => at is { } end ? TextOf(end) : L["Never"].Value;

    private string TextOf(DateTimeOffset at) => TimeZoneInfo.ConvertTime(at, Display.Zone).ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
}
