using Microsoft.Extensions.Localization;
using MudBlazor;
using Portal.Core;
using Portal.Core.Permissions;
using Portal.Web.Resources;

namespace Portal.Web.Components.Shared;

/// <summary>Words a refusal for a person; an argument of type <see cref="long"/> is a size in bytes.</summary>
public sealed class Wording(IStringLocalizer<Refusals> refusals)
{
    public string Of(Refusal refusal) => refusal is NotPermitted missing
        ? refusals["NotPermitted", Of(missing.Capability)]
        : refusals[refusal.Key, [.. refusal.Arguments.Select(a => a is long bytes ? ByteSize.Text(bytes) : a)]];

    public string Of(Capability capability) => refusals[$"Capability_{capability}"];
}

/// <summary>What happened, in the corner: done with Undo where the service can undo; a failure stays until read.</summary>
public sealed class Notices(ISnackbar snackbar, Wording wording, IStringLocalizer<Shell> words)
{
    public void Done(string text, Func<Task>? undo = null) => snackbar.Add(text, Severity.Success, options =>
    {
        if (undo is null) return;
        options.Action = words["Undo"];
        options.OnClick = _ => undo();
        options.VisibleStateDuration = 10_000;
    });

    public void Failed(string text) => snackbar.Add(text, Severity.Warning, options => options.RequireInteraction = true);

    /// <summary>Says why it was refused, or <paramref name="done"/>; true when it was done.</summary>
    public bool Show(Outcome outcome, string done, Func<Task>? undo = null)
    {
        if (outcome.Refusal is { } refusal) Failed(wording.Of(refusal));
        else Done(done, undo);
        return outcome.IsDone;
    }
}
