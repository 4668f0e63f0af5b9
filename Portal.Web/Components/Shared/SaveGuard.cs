using Microsoft.Extensions.Localization;
using MudBlazor;
using Portal.Core;
using Portal.Web.Resources;

namespace Portal.Web.Components.Shared;

/// <summary>One value of a form beside what somebody else has made of it meanwhile, as people read them.</summary>
/// <param name="Label">Name of the field.</param>
/// <param name="Before">As the form found it.</param>
/// <param name="Mine">As it stands in the form.</param>
/// <param name="Theirs">As it is saved now.</param>
public sealed record ChangedValue(string Label, string Before, string Mine, string Theirs)
{
    /// <summary>Whether saving mine would overwrite theirs.</summary>
    public bool IsContested => Theirs != Before && Theirs != Mine;
}

/// <summary>What became of a save.</summary>
/// <param name="Over">What was there before it, as last read: what Undo brings back.</param>
/// <param name="Outcome">Done or refused; null when the person has decided otherwise.</param>
/// <param name="IsTheirs">The person keeps what somebody else has saved. False without an outcome: they go on in the form.</param>
public sealed record Saved<T>(T Over, Outcome? Outcome, bool IsTheirs = false);

/// <summary>Saves a form over the version it was opened with. Where somebody else was faster, both versions are shown side by side, and the person says which one stands (PORTAL §5).</summary>
public sealed class SaveGuard(IDialogService dialogs, IStringLocalizer<Shell> words)
{
    private const int MaxTries = 10;

    /// <summary>Saves, and asks as often as somebody else was faster.</summary>
    /// <param name="read">What the form was opened with.</param>
    /// <param name="save">Saves over the version of the one given.</param>
    /// <param name="reread">How it is now.</param>
    /// <param name="compare">The values of the form beside those of the first, read before, and the second, read now.</param>
    public async Task<Saved<T>> SaveAsync<T>(T read, Func<T, Task<Outcome>> save, Func<Task<Outcome<T>>> reread, Func<T, T, IReadOnlyList<ChangedValue>> compare)
    {
        for (var tries = 1; ; tries++)
        {
            var outcome = await save(read);
            if (outcome.Refusal is not Conflict { IsStale: true } || tries == MaxTries) return new(read, outcome);
            var found = await reread();
            if (!found.IsDone) return new(read, found);

            var contested = compare(read, found.Value).Where(c => c.IsContested).ToList();
            read = found.Value;
            if (contested.Count == 0) continue;   // something else of it was changed, and stays as it is
            var answer = await AskAsync(contested);
            if (answer != ChangedAnswer.Mine) return new(read, null, answer == ChangedAnswer.Theirs);
        }
    }

    private async Task<ChangedAnswer?> AskAsync(IReadOnlyList<ChangedValue> values)
    {
        var dialog = await dialogs.ShowAsync<ChangedDialog>(words["ChangedTitle"], new DialogParameters<ChangedDialog> { { d => d.Values, values } });
        return await dialog.Result is { Canceled: false, Data: ChangedAnswer answer } ? answer : null;
    }
}

/// <summary>Which of two versions stands.</summary>
public enum ChangedAnswer
{
    Mine,
    Theirs,
}
