using System.Globalization;
using Microsoft.Extensions.Localization;
using Microsoft.Extensions.Options;
using Portal.Core.Permissions;
using Portal.Core.Queue;
using Portal.Core.Reports;
using Portal.Web.Admin.Domains;
using Portal.Web.Components.Shared;
using Portal.Web.Hosting;
using Portal.Web.Resources;
using Portal.Web.Security;

namespace Portal.Web.Admin.Overview;

public sealed partial class OverviewPage(
    OverviewService overview, DeliveryHealth health, IOptions<HostingOptions> hosting, CurrentActor actor, Wording wording, OverviewWords words)
{
    private static readonly TimeSpan Pace = TimeSpan.FromSeconds(10);
    private OverviewFigures? figures;
    private DeliveryStatus? delivery;
    private string? refusal, nameProblem;
    private string hostName = "";
    private bool mayCertificate;

    private IStringLocalizer<OverviewPage> L => words.Page;

    private IStringLocalizer<Shell> S => words.Shell;

    private IStringLocalizer<Rules> R => words.Rules;

    protected override async Task OnInitializedAsync()
    {
        (nameProblem, hostName) = (PublicName.Problem(hosting.Value), PublicName.Of(hosting.Value));
        await LoadAsync();
    }

    private async Task RereadAsync()
    {
        if (!await words.Js.GetValueAsync<bool>("document.hidden")) await LoadAsync();   // else nobody looks
    }

    private async Task LoadAsync()
    {
        var asking = await actor.GetAsync();
        var found = await overview.GetAsync(asking, CancellationToken.None);
        figures = found.IsDone ? found.Value : null;
        refusal = found.Refusal is { } why ? wording.Of(why) : null;
        mayCertificate = asking.MayEverywhere(Capability.ManageSettings);
        delivery = health.Status();
    }

    private static string Number(long value) => value.ToString("N0", CultureInfo.CurrentCulture);

    private string Change(long now, long before, string span) => Math.Sign(now - before) switch
    {
        > 0 => L[$"More_{span}", Number(now - before)],
        < 0 => L[$"Fewer_{span}", Number(before - now)],
        _ => L[$"Same_{span}"],
    };

    private string Day(long day, long before) => L["Day", Number(day), Change(day, before, "Day")];
}
