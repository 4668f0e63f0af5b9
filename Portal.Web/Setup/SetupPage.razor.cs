using Microsoft.AspNetCore.Components;
using Portal.Core;
using Portal.Core.Accounts;
using Portal.Core.Addresses;
using Portal.Core.Permissions;
using Portal.Web.Components.Shared;
using Portal.Web.Security;

namespace Portal.Web.Setup;

/// <summary>
/// Three steps from an empty system to a signed-in administrator. No circuit yet, so what earlier steps asked travels along in the form;
/// the password is asked last and never travels back.
/// </summary>
public sealed partial class SetupPage
{
    private Input form = new();
    private Step step;
    private string? closed;
    private (string Field, string Text)? problem;

    private enum Step
    {
        Organisation,
        Domain,
        Administrator,
    }

    [Parameter] public string Token { get; set; } = "";

    [CascadingParameter] private HttpContext Context { get; set; } = null!;

    [SupplyParameterFromForm] private Input? Form { get; set; }

    [Inject] private SetupService Setup { get; set; } = null!;

    [Inject] private Sessions Sessions { get; set; } = null!;

    [Inject] private Wording Wording { get; set; } = null!;

    [Inject] private NavigationManager Nav { get; set; } = null!;

    protected override async Task OnInitializedAsync()
    {
        form = Form ?? new();
        step = Enum.TryParse<Step>(form.Step, out var at) ? at : Step.Organisation;
        if (await Setup.CheckLinkAsync(Token, Context.RequestAborted) is { } refusal) closed = Wording.Of(refusal);
    }

    private async Task SubmitAsync()
    {
        if (closed is not null) return;
        if (form.Go == "Back")
        {
            step = (Step)Math.Max(0, (int)step - 1);
            return;
        }

        if (step == Step.Organisation && string.IsNullOrWhiteSpace(form.Organisation)) Refuse(new Invalid("OrganisationMissing") { Field = nameof(Input.Organisation) });
        else if (step == Step.Domain && !DomainName.TryParse(form.Domain?.Trim() ?? "", out _)) Refuse(new Invalid("DomainInvalid", form.Domain ?? "") { Field = nameof(Input.Domain) });
        else if (step != Step.Administrator) step++;
        else await FinishAsync();
    }

    private async Task FinishAsync()
    {
        var request = new SetupRequest(Token, form.Organisation?.Trim() ?? "", form.Domain?.Trim() ?? "", form.Administrator?.Trim() ?? "", form.AdministratorName, form.Password ?? "");
        var outcome = await Setup.SetUpAsync(Actor.Visitor(Context.Connection.RemoteIpAddress?.ToString()), request, Context.RequestAborted);
        if (outcome.Refusal is { } refusal) Refuse(refusal);
        else if (await Sessions.BeginAsync(Context, outcome.Value)) Nav.NavigateTo("/admin");
    }

    private void Refuse(Refusal refusal)
    {
        if (refusal is not Invalid { Field: { } field })
        {
            closed = Wording.Of(refusal);   // of two at once the other won
            return;
        }

        problem = (field, Wording.Of(refusal));
        step = field switch { nameof(Input.Organisation) => Step.Organisation, nameof(Input.Domain) => Step.Domain, _ => Step.Administrator };
    }

    private string? ErrorOf(string field) => problem?.Field == field ? problem.Value.Text : null;

    public sealed class Input
    {
        public string? Step { get; set; }

        public string? Go { get; set; }

        public string? Organisation { get; set; }

        public string? Domain { get; set; }

        public string? Administrator { get; set; }

        public string? AdministratorName { get; set; }

        public string? Password { get; set; }
    }
}
