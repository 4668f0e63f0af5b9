using Microsoft.AspNetCore.Components;
using Portal.Core;
using Portal.Core.Accounts;
using Portal.Web.Components.Shared;
using Portal.Web.Security;

namespace Portal.Web.MyAccount;

/// <summary>Changes one's own password. A static form: the cookie is written anew, for every older session ends with the old password.</summary>
public sealed partial class PasswordPage
{
    private string? problem, presentError, passwordError;

    [CascadingParameter] private HttpContext Context { get; set; } = null!;

    [SupplyParameterFromForm] private Input? Form { get; set; }

    [Inject] private AccountService Accounts { get; set; } = null!;

    [Inject] private CurrentActor Actor { get; set; } = null!;

    [Inject] private Sessions Sessions { get; set; } = null!;

    [Inject] private Wording Wording { get; set; } = null!;

    [Inject] private NavigationManager Nav { get; set; } = null!;

    private async Task ChangeAsync()
    {
        var actor = await Actor.GetAsync(Context.RequestAborted);
        var outcome = await Accounts.ChangeOwnPasswordAsync(actor, Form?.Present ?? "", Form?.Password ?? "", Context.RequestAborted);
        if (outcome.IsDone && actor.AccountId is { } own && await Sessions.BeginAsync(Context, own))
        {
            Nav.NavigateTo("/account/security?changed=true");
            return;
        }

        var text = outcome.Refusal is { } refusal ? Wording.Of(refusal) : null;
        if (outcome.Refusal is Invalid { Field: "Present" }) presentError = text;
        else if (outcome.Refusal is Invalid) passwordError = text;
        else problem = text;
    }

    public sealed class Input
    {
        public string? Present { get; set; }

        public string? Password { get; set; }
    }
}
