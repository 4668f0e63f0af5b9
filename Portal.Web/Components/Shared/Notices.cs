using Microsoft.Extensions.Localization;
using MudBlazor;
using Portal.Core;
using Portal.Core.Data;
using Portal.Core.Permissions;
using Portal.Web.Resources;

namespace Portal.Web.Components.Shared;

/// <summary>Words a refusal for a person; an argument of type <see cref="long"/> is a size in bytes, a <see cref="TimeSpan"/> how long to wait.</summary>
public sealed class Wording(IStringLocalizer<Refusals> refusals, IStringLocalizer<Shell> words)
{
    public string Of(Refusal refusal) => refusal is NotPermitted missing
        ? refusals["NotPermitted", Of(missing.Capability)]
        : refusals[refusal.Key, [.. refusal.Arguments.Select(TextOf)]];

    public string Of(Capability capability) => refusals[$"Capability_{capability}"];

    private object TextOf(object argument) => argument switch
    {
        long bytes => ByteSize.Text(bytes),
        TimeSpan wait => Times.Wait(words, wait),
        _ => argument,
    };
}

/// <summary>What happened, in the corner: done with Undo where the service can undo; a failure stays until read.</summary>
public sealed class Notices(ISnackbar snackbar, Wording wording, IStringLocalizer<Shell> words)
{
    /// <summary>Says what was done.</summary>
    /// <param name="undo">The way back, where there is one; what becomes of it is told too.</param>
    /// <param name="undone">Said when it was taken back; null says just that.</param>
    public void Done(string text, Func<Task<Outcome>>? undo = null, string? undone = null) => snackbar.Add(text, Severity.Success, options =>
    {
        if (undo is null) return;
        options.Action = words["Undo"];
        options.OnClick = _ => UndoAsync(undo, undone);
        options.VisibleStateDuration = 10_000;
    });

    public void Failed(string text) => snackbar.Add(text, Severity.Warning, options => options.RequireInteraction = true);

    /// <summary>Says why it was refused, or <paramref name="done"/>; true when it was done.</summary>
    public bool Show(Outcome outcome, string done, Func<Task<Outcome>>? undo = null, string? undone = null)
    {
        if (outcome.Refusal is { } refusal) Failed(wording.Of(refusal));
        else Done(done, undo, undone);
        return outcome.IsDone;
    }

    // The corner stands outside every page's error boundary: an outage met here would end the whole circuit.
    private async Task UndoAsync(Func<Task<Outcome>> undo, string? undone)
    {
        try
        {
            Show(await undo(), undone ?? words["Undone"]);
        }
        catch (Exception e) when (e.IsOutage())
        {
            Failed(words["NotUndone"]);
        }
    }
}
