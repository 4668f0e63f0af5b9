using Microsoft.AspNetCore.Components;
using Microsoft.JSInterop;
using MudBlazor;
using Portal.Core;
using Portal.Core.Messages;
using Portal.Web.Components.Shared;
using Portal.Web.Resources;

namespace Portal.Web.Mail;

/// <summary>Folders, list and reading pane of one's own mail. Folder, open item and letter stand in the address.</summary>
public sealed partial class MailPage : IAsyncDisposable
{
    internal const int MaxRows = 200;   // DESIGN §1
    private readonly HashSet<long> selected = [];
    private MailOverview? overview;
    private MailFolder? folder;
    private List<MailRow> rows = [];
    private long? top, next;   // rows begin below top (null: with the newest) and go on below next
    private bool isDenied, isGone, isLoaded;
    private ElementReference root;
    private IJSObjectReference? keys;

    [Parameter] public long? FolderId { get; set; }

    [SupplyParameterFromQuery(Name = "item")] private string? ItemQuery { get; set; }

    private long? Item => Queries.Read<long>(ItemQuery);

    /// <summary>"new", "reply-5", "all-5", "forward-5" or "draft-5".</summary>
    [SupplyParameterFromQuery(Name = "compose")] private string? Compose { get; set; }

    private bool IsOutgoing => folder?.SpecialUse is SpecialUse.Sent or SpecialUse.Drafts;

    private string FolderHref => folder is null ? "/mail" : $"/mail/{folder.Id}";

    private string CountText => folder switch
    {
        { SpecialUse: SpecialUse.Drafts } => L.Plural("Items", (int)folder.Items),
        { Unseen: > 0 } => L.Plural("Unread", (int)folder.Unseen),
        _ => L.Plural("Items", (int)(folder?.Items ?? 0)),
    };

    protected override async Task OnParametersSetAsync()
    {
        if (overview is null) await ReadOverviewAsync();
        if (overview is null) return;

        var wanted = FolderId ?? overview.For(SpecialUse.Inbox).Id;
        if (folder?.Id == wanted) return;

        selected.Clear();
        folder = overview.Folders.FirstOrDefault(f => f.Id == wanted);
        (rows, top, next, isLoaded, isGone) = ([], null, null, false, folder is null);
        if (folder is not null) await ReadRowsAsync();
    }

    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        if (overview is null || keys is not null) return;

        var module = await Js.InvokeAsync<IJSObjectReference>("import", "./Mail/MailPage.razor.js");
        keys = await module.InvokeAsync<IJSObjectReference>("listen", root);
        await module.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (keys is null) return;
        try
        {
            await keys.InvokeVoidAsync("stop");
            await keys.DisposeAsync();
        }
        catch (Exception e) when (e.IsBrowserGone())
        {
            // The browser is gone, and its listeners with it.
        }
    }

    private string ComposeHref(string begin) => $"{FolderHref}?compose={begin}";

    private string HrefOf(MailRow row) => row.Flags.HasFlag(MailFlags.Draft) && folder?.SpecialUse == SpecialUse.Drafts ? ComposeHref($"draft-{row.Id}") : $"{FolderHref}?item={row.Id}";

    private async Task ReadOverviewAsync()
    {
        var read = await Mails.OverviewAsync(await Actor.GetAsync(), CancellationToken.None);
        isDenied = !read.IsDone;
        overview = read.IsDone ? read.Value : null;
        if (folder is not null && overview is not null) folder = overview.Folders.FirstOrDefault(f => f.Id == folder.Id);
    }

    /// <summary>Reads as many rows as are shown, from where they begin; from the newest when none is left there.</summary>
    private async Task ReadRowsAsync()
    {
        var wanted = Math.Max(rows.Count, MailService.PageRows);
        var read = new List<MailRow>();
        var from = top;
        do
        {
            var page = await Mails.ListAsync(await Actor.GetAsync(), folder!.Id, from, CancellationToken.None);
            if (!page.IsDone)
            {
                (isGone, isLoaded) = (true, true);
                return;
            }

            read.AddRange(page.Value.Rows);
            from = page.Value.Next;
            if (read.Count == 0 && top is not null) (top, from) = (null, long.MaxValue);
        }
        while (from is not null && read.Count < wanted);

        (rows, next, isLoaded) = (read, from, true);
        selected.IntersectWith(rows.Select(r => r.Id));
    }

    private async Task ReloadAsync()
    {
        await ReadOverviewAsync();
        if (overview is null) return;
        if (folder is null) isGone = true;
        else await ReadRowsAsync();
    }

    private async Task MoreAsync()
    {
        var page = await Mails.ListAsync(await Actor.GetAsync(), folder!.Id, next, CancellationToken.None);
        if (!page.IsDone) return;
        rows.AddRange(page.Value.Rows);
        next = page.Value.Next;
        if (rows.Count <= MaxRows) return;

        var left = rows.Count - MaxRows;
        top = rows[left - 1].Uid;
        rows.RemoveRange(0, left);
        selected.IntersectWith(rows.Select(r => r.Id));
    }

    private async Task NewestAsync()
    {
        (top, rows) = (null, rows[..Math.Min(rows.Count, MailService.PageRows)]);
        await ReadRowsAsync();
    }

    private void Select(long id, bool isOn)
    {
        if (isOn) selected.Add(id);
        else selected.Remove(id);
    }

    private void SelectAll(bool isOn)
    {
        selected.Clear();
        if (isOn) selected.UnionWith(rows.Select(r => r.Id));
    }

    private Task ToggleFlagAsync(MailRow row) =>
        MarkAsync([row.Id], row.Flags.HasFlag(MailFlags.Flagged) ? MailFlags.None : MailFlags.Flagged, row.Flags.HasFlag(MailFlags.Flagged) ? MailFlags.Flagged : MailFlags.None);

    private async Task MarkAsync(List<long> ids, MailFlags set, MailFlags clear)
    {
        var outcome = await Mails.MarkAsync(await Actor.GetAsync(), ids, set, clear, CancellationToken.None);
        if (outcome.Refusal is { } refusal) Notices.Show(refusal, "");
        await ReloadAsync();
    }

    /// <summary>Unread again, and no longer open: it would be read at once.</summary>
    private async Task UnreadAsync(long id)
    {
        Nav.NavigateTo(FolderHref);
        await MarkAsync([id], MailFlags.None, MailFlags.Seen);
    }

    private async Task DeleteAsync(List<long> ids)
    {
        var outcome = await Mails.DeleteAsync(await Actor.GetAsync(), ids, CancellationToken.None);
        var text = outcome is { IsDone: true, Value.Removed.Count: > 0 } ? L.Plural("Removed", outcome.Value.Removed.Count) : L.Plural("MovedToTrash", outcome.IsDone ? outcome.Value.Moved.Count : 0);
        await AfterLeavingAsync(ids, outcome, text);
    }

    private async Task MoveAsync(List<long> ids, MailFolder target)
    {
        var outcome = await Mails.MoveAsync(await Actor.GetAsync(), ids, target.Id, CancellationToken.None);
        await AfterLeavingAsync(ids, outcome, L.Plural("Moved", outcome.IsDone ? outcome.Value.Moved.Count : 0, FolderNames.Of(L, target)));
    }

    /// <summary>Says what happened, with the way back, and opens what stood below the open item.</summary>
    private async Task AfterLeavingAsync(List<long> ids, Outcome<MailDeletion> outcome, string done)
    {
        if (!Notices.Show(outcome, done, outcome.IsDone ? () => UndoAsync(outcome.Value) : null, L["Undone"])) return;

        selected.ExceptWith(ids);
        if (Item is { } open && ids.Contains(open))
        {
            var at = rows.FindIndex(r => r.Id == open);
            var neighbour = rows.Skip(at + 1).Concat(rows.Take(Math.Max(at, 0)).Reverse()).FirstOrDefault(r => !ids.Contains(r.Id));
            Nav.NavigateTo(neighbour is null || at < 0 ? FolderHref : HrefOf(neighbour));
        }

        await ReloadAsync();
    }

    // Called by the snackbar, outside any event of this page.
    private async Task<Outcome> UndoAsync(MailDeletion deletion)
    {
        var outcome = await Mails.UndoAsync(await Actor.GetAsync(), deletion, CancellationToken.None);
        await InvokeAsync(async () =>
        {
            await ReloadAsync();
            StateHasChanged();
        });
        return outcome;
    }

    private async Task CreateFolderAsync()
    {
        if (await AskNameAsync(L["NewFolder"], "") is not { } name) return;
        Notices.Show(await Folders.CreateAsync(await Actor.GetAsync(), name, CancellationToken.None), L["FolderMade", name]);
        await ReloadAsync();
    }

    private async Task RenameFolderAsync()
    {
        if (folder is not { } before || await AskNameAsync(L["RenameFolder"], before.Name) is not { } name) return;
        Notices.Show(await Folders.RenameAsync(await Actor.GetAsync(), before.Id, name, CancellationToken.None), L["FolderRenamed", name],
            async () => await Folders.RenameAsync(await Actor.GetAsync(), before.Id, before.Name, CancellationToken.None));
        await ReloadAsync();
    }

    private async Task DeleteFolderAsync()
    {
        if (folder is null || await Dialogs.ConfirmAsync(new(L["DeleteFolderTitle", folder.Name], L["DeleteFolderText"], L["DeleteFolder"], IsDanger: true)) is null) return;

        var outcome = await Folders.DeleteAsync(await Actor.GetAsync(), folder.Id, CancellationToken.None);
        if (Notices.Show(outcome, outcome.IsDone && outcome.Value ? L["FolderDeleted", folder.Name] : L["FolderBeingDeleted", folder.Name])) Nav.NavigateTo("/mail");
        await ReloadAsync();
    }

    private async Task EmptyFolderAsync()
    {
        if (folder is null || await Dialogs.ConfirmAsync(new(L["EmptyFolderTitle", FolderNames.Of(L, folder)], L["EmptyFolderText"], L["EmptyFolder"], IsDanger: true)) is null) return;

        var outcome = await Folders.EmptyAsync(await Actor.GetAsync(), folder.Id, CancellationToken.None);
        Notices.Show(outcome, outcome.IsDone && outcome.Value ? L["FolderEmptied"] : L["FolderBeingEmptied"]);
        await ReloadAsync();
    }

    private async Task<string?> AskNameAsync(string title, string name)
    {
        var dialog = await Dialogs.ShowAsync<FolderDialog>(title, new DialogParameters<FolderDialog> { { d => d.Name, name }, { d => d.Title, title } });
        return await dialog.Result is { Canceled: false, Data: string chosen } ? chosen : null;
    }

    private async Task CloseComposeAsync(long? itemId)
    {
        Nav.NavigateTo(itemId is { } id && folder?.SpecialUse != SpecialUse.Drafts ? $"{FolderHref}?item={id}" : FolderHref);
        await ReloadAsync();
    }
}
