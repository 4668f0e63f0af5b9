using MudBlazor;

namespace Portal.Web.Components.Shared;

/// <param name="Title">Verb and object: "Delete the mailbox anna@example.org?"</param>
/// <param name="Text">The effect and the way back.</param>
/// <param name="Button">The verb.</param>
/// <param name="TypeToConfirm">Only for what can't be undone: the name to type.</param>
/// <param name="AskReason">Whether the audit wants a reason; it may stay empty.</param>
public sealed record ConfirmQuestion(string Title, string Text, string Button, bool IsDanger = false, string? TypeToConfirm = null, bool AskReason = false);

/// <param name="Reason">Null when none was asked or given.</param>
public sealed record ConfirmAnswer(string? Reason);

public static class Confirm
{
    /// <summary>Asks; null when the person thought better of it.</summary>
    public static async Task<ConfirmAnswer?> ConfirmAsync(this IDialogService dialogs, ConfirmQuestion question)
    {
        var dialog = await dialogs.ShowAsync<ConfirmDialog>(question.Title, new DialogParameters<ConfirmDialog> { { d => d.Question, question } });
        return await dialog.Result is { Canceled: false } closed ? (ConfirmAnswer?)closed.Data : null;
    }
}
