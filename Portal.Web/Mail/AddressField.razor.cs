using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;
using Microsoft.JSInterop;
using Portal.Core.Data;
using Portal.Core.Messages;
using Portal.Core.Recipients;
using Portal.Web.Security;

namespace Portal.Web.Mail;

/// <summary>The recipients of a letter: what is typed becomes chips, and colleagues are offered meanwhile.</summary>
public sealed partial class AddressField
{
    private readonly string id = "address-" + Guid.NewGuid().ToString("N")[..8];
    private IReadOnlyList<Colleague> offered = [];
    private string typed = "", offeredFor = "", closedFor = "";
    private int at;
    private ElementReference input;

    [Inject] private ColleagueService Colleagues { get; set; } = null!;

    [Inject] private CurrentActor Actor { get; set; } = null!;

    [Inject] private IJSRuntime Js { get; set; } = null!;

    [Inject] private ILogger<AddressField> Logger { get; set; } = null!;

    [Parameter, EditorRequired] public string Label { get; set; } = "";

    [Parameter, EditorRequired] public IReadOnlyList<string> Values { get; set; } = [];

    [Parameter] public EventCallback<IReadOnlyList<string>> ValuesChanged { get; set; }

    [Parameter] public bool AutoFocus { get; set; }

    /// <summary>Takes what is typed but not yet a chip.</summary>
    public Task CommitAsync() => AddAsync(typed);

    protected override async Task OnAfterRenderAsync(bool firstRender)
    {
        if (!firstRender) return;
        if (AutoFocus) await input.FocusAsync();
        var module = await Js.InvokeAsync<IJSObjectReference>("import", "./Mail/AddressField.razor.js");
        await module.InvokeVoidAsync("keepKeys", input);
        await module.DisposeAsync();
    }

    private static bool IsWrong(string value) => LetterComposer.ParsePerson(value) is null;

    // Bound, not "value" beside "oninput": a late rendering would put back what stood there some keys ago.
    private async Task TypeAsync(string? value)
    {
        typed = value ?? "";
        // A comma may stand inside quotes: only what is whole is taken.
        if (typed.IndexOfAny([',', ';', '\n']) >= 0 && typed.Count(c => c == '"') % 2 == 0) await AddAsync(typed);
        else await OfferAsync();
    }

    private async Task OfferAsync()
    {
        var wanted = typed;
        if (wanted.Trim().Length == 0)
        {
            offered = [];
            return;
        }

        IReadOnlyList<Colleague> found = [];
        try
        {
            var outcome = await Colleagues.FindAsync(await Actor.GetAsync(), wanted, CancellationToken.None);
            if (outcome.IsDone) found = [.. outcome.Value.Where(c => !IsChosen(c.Address))];
        }
        catch (Exception e) when (e.IsOutage())
        {
            LogNobody(Logger, e);   // nobody is offered; what is typed stays
        }

        if (wanted == typed && wanted != closedFor) (offered, offeredFor, at) = (found, wanted, 0);   // answers may overtake each other, and Escape
    }

    private async Task KeyAsync(KeyboardEventArgs e)
    {
        switch (e.Key)
        {
            case "ArrowDown" when offered.Count > 0:
                at = (at + 1) % offered.Count;
                break;
            case "ArrowUp" when offered.Count > 0:
                at = (at + offered.Count - 1) % offered.Count;
                break;
            case "Escape":
                (offered, closedFor) = ([], typed);
                break;
            case "Enter" or "Tab" when offered.Count > 0 && offeredFor == typed && !e.ShiftKey:
                await PickAsync(offered[at]);
                break;
            case "Enter":
            case "Tab" when offered.Count > 0:
                await AddAsync(typed);
                break;
            case "Backspace" when typed.Length == 0 && Values.Count > 0:
                await ValuesChanged.InvokeAsync([.. Values.SkipLast(1)]);
                break;
        }
    }

    private async Task PickAsync(Colleague colleague)
    {
        (typed, offered) = ("", []);
        var value = colleague.Name.Length == 0 ? colleague.Address : $"\"{colleague.Name.Replace("\"", "", StringComparison.Ordinal)}\" <{colleague.Address}>";
        if (!IsChosen(colleague.Address)) await ValuesChanged.InvokeAsync([.. Values, value]);
    }

    private bool IsChosen(string address) => Values.Any(v => string.Equals(LetterComposer.ParsePerson(v)?.Address.ToString(), address, StringComparison.OrdinalIgnoreCase));

    private async Task AddAsync(string text)
    {
        (typed, offered) = ("", []);
        var added = AddressSplit.Of(text).Where(one => !Values.Contains(one, StringComparer.OrdinalIgnoreCase)).Distinct(StringComparer.OrdinalIgnoreCase).ToList();
        if (added.Count > 0) await ValuesChanged.InvokeAsync([.. Values, .. added]);
    }

    private Task RemoveAsync(string value) => ValuesChanged.InvokeAsync([.. Values.Where(v => v != value)]);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Colleagues could not be looked for")]
    private static partial void LogNobody(ILogger logger, Exception error);
}
