using Microsoft.AspNetCore.Components;
using Portal.Core.Policies;
using Portal.Web.Components.Shared;
using Portal.Web.Security;

namespace Portal.Web.Admin.Connections;

public partial class SenderChecks
{
    private readonly FieldErrors errors = new();
    private readonly List<ExceptionInput> exceptions = [];
    private SenderPolicy? policy;

    /// <summary>What the form was opened with; null while it is closed.</summary>
    private SenderPolicy? read;
    private string? refusal, follows, spf, unknown, sealers;

    [Inject] private PolicyService<SenderPolicy> Policies { get; set; } = null!;

    [Inject] private CurrentActor Actor { get; set; } = null!;

    [Inject] private PageParts Parts { get; set; } = null!;

    private IEnumerable<(string Value, string Text)> Treatments => Enum.GetValues<SenderTreatment>().Select(t => (t.ToString(), L[$"Treatment_{t}"].Value));

    protected override Task OnInitializedAsync() => LoadAsync();

    private async Task LoadAsync()
    {
        var found = await Policies.GetAsync(await Actor.GetAsync(), CancellationToken.None);
        policy = found.IsDone ? found.Value : null;
        refusal = found.Refusal is { } why ? Parts.Wording.Of(why) : null;
    }

    private void Edit()
    {
        errors.Clear();
        read = policy!;
        (follows, spf, unknown) = (read.FollowsDmarc.ToString(), read.OnSpfFail.ToString(), read.OnDnsFailure.ToString());
        sealers = string.Join('\n', read.TrustedSealers);
        exceptions.Clear();
        exceptions.AddRange(read.Overrides.Select(o => new ExceptionInput { Domain = o.Domain, Treatment = o.Treatment.ToString() }));
    }

    private SenderPolicy Wanted() => new()
    {
        FollowsDmarc = bool.Parse(follows!),
        OnSpfFail = Enum.Parse<SenderTreatment>(spf!),
        OnDnsFailure = Enum.Parse<UnknownTreatment>(unknown!),
        Overrides = [.. exceptions.Where(e => !string.IsNullOrWhiteSpace(e.Domain)).Select(e => new DmarcOverride(e.Domain!.Trim(), Enum.Parse<SenderTreatment>(e.Treatment!)))],
        TrustedSealers = [.. (sealers ?? "").Split(['\n', ',', ' '], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)],
    };

    private void Close() => read = null;

    private async Task SaveAsync()
    {
        var wanted = Wanted();
        var saved = await Parts.Saves.SaveAsync(
            read!,
            async over => await Policies.SaveAsync(await Actor.GetAsync(), wanted with { Version = over.Version }, CancellationToken.None),
            async () => await Policies.GetAsync(await Actor.GetAsync(), CancellationToken.None),
            (before, now) => Compare(before, wanted.Normal(), now));
        if (saved.Outcome is { } outcome ? !errors.Take(outcome, Parts.Wording, nameof(SenderPolicy.Overrides), nameof(SenderPolicy.TrustedSealers)) : !saved.IsTheirs) return;

        Close();
        var over = saved.Over;
        if (!saved.IsTheirs) Parts.Notices.Done(L["Saved"], async () => await Policies.SaveAsync(await Actor.GetAsync(), over with { Version = over.Version + 1 }, CancellationToken.None));
        await LoadAsync();
    }

    private List<ChangedValue> Compare(SenderPolicy before, SenderPolicy mine, SenderPolicy now)
    {
        return [
            Value("Dmarc", p => L[$"Follows_{p.FollowsDmarc}"]),
            Value("Spf", p => L[$"Treatment_{p.OnSpfFail}"]),
            Value("Unknown", p => L[$"Unknown_{p.OnDnsFailure}"]),
            Value("Overrides", p => p.Overrides.Count == 0 ? L["None"] : string.Join(", ", p.Overrides.Select(o => $"{o.Domain} · {L[$"Treatment_{o.Treatment}"]}"))),
            Value("Sealers", p => p.TrustedSealers.Count == 0 ? L["None"] : string.Join(", ", p.TrustedSealers)),
        ];

        ChangedValue Value(string label, Func<SenderPolicy, string> text) => new(L[label], text(before), text(mine), text(now));
    }

    /// <summary>An exception as it stands in the form.</summary>
    private sealed class ExceptionInput
    {
        public string? Domain { get; set; } = "";

        public string? Treatment { get; set; } = SenderTreatment.Junk.ToString();
    }
}
