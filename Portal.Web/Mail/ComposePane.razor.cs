using Microsoft.AspNetCore.Components;
using Microsoft.JSInterop;
using Portal.Core.Data;
using Portal.Core.Messages;
using Portal.Web.Components.Shared;

namespace Portal.Web.Mail;

/// <summary>A letter being written. It is saved into Drafts every few seconds, and when it is left; the text lives in the browser between two savings.</summary>
public sealed partial class ComposePane : IAsyncDisposable
{
    private const long LargeBytes = 2 * 1024 * 1024;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(3);

    /// <summary>With large attachments each saving writes them again: text alone waits longer.</summary>
    private static readonly TimeSpan LargePause = TimeSpan.FromSeconds(60);

    private readonly Dictionary<string, int> uploads = [];
    private readonly SemaphoreSlim turn = new(1);
    private Letter? letter;
    private AddressField? toField, ccField, bccField;
    private ElementReference area, picker;
    private IJSObjectReference? editor;
    private DotNetObjectReference<ComposePane>? self;
    private ITimer? timer;
    private string initialText = "";
    // What sending or attaching was refused for stays until the next try; what saving failed for ends with the next saving.
    private string? refused, error, saveError;
    private bool showsCopies, isSending, isSaved, isEnded, hasFieldChanges, hasFileChanges;
    private int savedVersion;
    private DateTimeOffset savedAt;

    /// <summary>What is begun, in the words of <see cref="LetterBegin"/>.</summary>
    [Parameter, EditorRequired] public string Begin { get; set; } = "";

    /// <summary>Sent, discarded or closed; given the item to show next, or null.</summary>
    [Parameter] public EventCallback<long?> OnClosed { get; set; }

    private string StateText => isSending ? L["Sending"] : isSaved ? L["SavedInDrafts"] : "";

    private long LimitBytes => MailEndpoints.UploadLimitBytes(Smtp.Value);

    /// <summary>A file came up whole; called by the browser.</summary>
    [JSInvokable]
    public void AddUpload(string key, LetterAttachment attachment)
    {
        uploads.Remove(key);
        (error, hasFileChanges) = (null, true);
        Change(letter! with { Attachments = [.. letter!.Attachments, attachment] });
        StateHasChanged();
    }

    [JSInvokable]
    public void ShowProgress(string key, int percent)
    {
        uploads[key] = percent;
        StateHasChanged();
    }

    /// <summary>A file was not taken; called by the browser, with the server's sentence or null when the way was lost.</summary>
    [JSInvokable]
    public void FailUpload(string key, string? message)
    {
        uploads.Remove(key);
        error = message ?? L["UploadLost", key];
        StateHasChanged();
    }

    /// <summary>Whether a file still fits; asked by the browser before it sends the first octet.</summary>
    [JSInvokable]
    public bool AdmitUpload(string name, long sizeBytes)
    {
        var fits = sizeBytes + letter!.Attachments.Sum(a => a.SizeBytes) <= LimitBytes;
        if (!fits) error = L["AttachmentTooLarge", name, ByteSize.Text(sizeBytes), ByteSize.Text(LimitBytes)];
        else uploads[name] = 0;
        StateHasChanged();
        return fits;
    }

    protected override async Task OnInitializedAsync()
    {
        var begun = await LetterBegin.OpenAsync(Begin, Drafts, await Actor.GetAsync(), start => Quotation.Of(L, start, Display.Zone));
        if (!begun.IsDone)
        {
            refused = Wording.Of(begun.Refusal);
            return;
        }

        letter = begun.Value;
        (initialText, showsCopies, isSaved) = (letter.Text, letter.Cc.Count > 0 || letter.Bcc.Count > 0, letter.DraftId is not null);
    }

    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        if (letter is null || editor is not null || self is not null) return;

        self = DotNetObjectReference.Create(this);
        var token = Antiforgery.GetAntiforgeryToken();
        var module = await Js.InvokeAsync<IJSObjectReference>("import", "./Mail/ComposePane.razor.js");
        editor = await module.InvokeAsync<IJSObjectReference>("begin", area, picker, self, token?.Value, letter.To.Count > 0);
        await module.DisposeAsync();
        timer = Clock.CreateTimer(_ => _ = InvokeAsync(TickAsync), null, Pause, Pause);
    }

    public async ValueTask DisposeAsync()
    {
        if (timer is not null) await timer.DisposeAsync();
        try
        {
            if (!isEnded) await SaveIfChangedAsync(isLeaving: true);
            isEnded = true;   // a tick that still waits for its turn finds nothing to do
            if (editor is not null) await editor.DisposeAsync();
        }
        catch (Exception e) when (e.IsBrowserGone())
        {
            // The browser is gone; what was typed since the last saving went with it.
        }
        catch (Exception e) when (e.IsOutage())
        {
            LogKept(Logger, "saved", e);
        }

        self?.Dispose();
    }

    private void Change(Letter changed)
    {
        letter = changed;
        hasFieldChanges = true;
    }

    private void Remove(LetterAttachment file)
    {
        hasFileChanges = true;
        Change(letter! with { Attachments = [.. letter!.Attachments.Where(a => a != file)] });
    }

    private async Task TickAsync()
    {
        if (isEnded || isSending) return;
        try
        {
            await SaveIfChangedAsync(isLeaving: false);
        }
        catch (Exception e) when (e.IsBrowserGone())
        {
            // Lost for the moment; the next tick after the return saves.
        }
        catch (Exception e) when (e.IsOutage())
        {
            KeepUnsaved(e);
        }
        catch (Exception e)
        {
            await DispatchExceptionAsync(e);
        }
    }

    /// <summary>The database or the disk is lost for now: the text stays in the pane, and the next tick tries again.</summary>
    private void KeepUnsaved(Exception failure)
    {
        var said = L["NotSavedNow"].Value;
        if (saveError != said) LogKept(Logger, "saved", failure);
        (saveError, hasFieldChanges, isSaved) = (said, true, false);
        StateHasChanged();
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "A letter could not be {Deed}; it stays open")]
    private static partial void LogKept(ILogger logger, string deed, Exception error);

    private async Task SaveIfChangedAsync(bool isLeaving)
    {
        if (editor is null || letter is null) return;

        await turn.WaitAsync();
        try
        {
            var version = await editor.InvokeAsync<int>("version");
            if (isEnded || (version == savedVersion && !hasFieldChanges && !hasFileChanges)) return;
            if (!isLeaving && !hasFileChanges && letter.AttachedBytes > LargeBytes && Clock.GetUtcNow() - savedAt < LargePause) return;

            await SaveAsync(version);
        }
        finally
        {
            turn.Release();
        }
    }

    private async Task SaveAsync(int version)
    {
        var text = await TextAsync();
        var before = letter! with { Text = text };
        (hasFieldChanges, hasFileChanges) = (false, false);
        var saved = await Drafts.SaveAsync(await Actor.GetAsync(), before, CancellationToken.None);
        if (!saved.IsDone)
        {
            (saveError, hasFieldChanges, isSaved) = (Wording.Of(saved.Refusal), true, false);
            StateHasChanged();
            return;
        }

        // What was changed while it was being saved stays; the stored parts take the place of the uploads they came from.
        var places = before.Attachments.Zip(saved.Value.Attachments).ToDictionary(p => p.First, p => p.Second);
        letter = letter! with { DraftId = saved.Value.DraftId, Text = text, Attachments = [.. letter!.Attachments.Select(a => places.GetValueOrDefault(a, a))] };
        (savedVersion, savedAt, isSaved, saveError) = (version, Clock.GetUtcNow(), true, null);
        await editor!.InvokeVoidAsync("address", $"draft-{letter.DraftId}");
        StateHasChanged();
    }

    private async Task<string> TextAsync()
    {
        await using var reference = await editor!.InvokeAsync<IJSStreamReference>("text");
        await using var stream = await reference.OpenReadStreamAsync(1 + DraftService.MaxTextLength * 4L);
        using var reader = new StreamReader(stream);
        return (await reader.ReadToEndAsync())[1..];   // an "=" stands in front, because Blazor streams no empty text
    }

    private async Task SendAsync()
    {
        foreach (var field in new[] { toField, ccField, bccField }) if (field is not null) await field.CommitAsync();
        (isSending, error) = (true, null);
        StateHasChanged();
        await turn.WaitAsync();
        try
        {
            letter = letter! with { Text = await TextAsync() };
            var sent = await Sender.SendAsync(await Actor.GetAsync(), letter, CancellationToken.None);
            if (!sent.IsDone)
            {
                error = Wording.Of(sent.Refusal);
                return;
            }

            isEnded = true;
            Notices.Done(L["Sent"]);
        }
        catch (Exception e) when (e.IsOutage())
        {
            LogKept(Logger, "sent", e);
            error = L["NotSentNow"];
            return;
        }
        finally
        {
            isSending = false;
            turn.Release();
        }

        await OnClosed.InvokeAsync(letter.SourceItemId);
    }

    /// <summary>Leaves; what was written is in Drafts.</summary>
    private async Task CloseAsync()
    {
        try
        {
            await SaveIfChangedAsync(isLeaving: true);
        }
        catch (Exception e) when (e.IsOutage())
        {
            KeepUnsaved(e);
        }

        if (saveError is not null) return;   // it could not be kept: nothing is thrown away
        isEnded = true;
        await OnClosed.InvokeAsync(letter!.SourceItemId);
    }

    private async Task DiscardAsync()
    {
        (isEnded, error) = (true, null);
        await turn.WaitAsync();   // a saving under way names the draft first
        turn.Release();
        try
        {
            if (letter!.DraftId is { } draft)
            {
                var outcome = await Mails.DeleteAsync(await Actor.GetAsync(), [draft], CancellationToken.None);
                Notices.Show(outcome, L["Discarded"], outcome.IsDone ? async () => await Mails.UndoAsync(await Actor.GetAsync(), outcome.Value, CancellationToken.None) : null);
            }
        }
        catch (Exception e) when (e.IsOutage())
        {
            LogKept(Logger, "discarded", e);
            (isEnded, error) = (false, L["NotDiscardedNow"]);
            return;
        }

        await OnClosed.InvokeAsync(letter.SourceItemId);
    }
}
