using Microsoft.AspNetCore.Components;
using Portal.Core.Accounts;
using Portal.Web.Components.Shared;

namespace Portal.Web.Security;

/// <summary>Where a first-password link leads: choose one, and be signed in. The link works once.</summary>
public sealed partial class FirstPasswordPage
{
    private string? loginName, problem;
    private Guid accountId;

    [Parameter] public string Token { get; set; } = "";

    [CascadingParameter] private HttpContext Context { get; set; } = null!;

    [SupplyParameterFromForm] private Input? Form { get; set; }

    [Inject] private AccountService Accounts { get; set; } = null!;

    [Inject] private RoleDirectory Directory { get; set; } = null!;

    [Inject] private Sessions Sessions { get; set; } = null!;

    [Inject] private Wording Wording { get; set; } = null!;

    [Inject] private NavigationManager Nav { get; set; } = null!;

    protected override async Task OnInitializedAsync()
    {
        if (await Accounts.FindLinkAsync(LinkPurpose.FirstPassword, Token, Context.RequestAborted) is not { AccountId: { } id }) return;

        accountId = id;
        loginName = (await Directory.FindAsync(id, Context.RequestAborted))?.LoginName;
    }

    private async Task ChooseAsync()
    {
        if (loginName is null) return;

        var outcome = await Accounts.RedeemFirstPasswordAsync(Token, Form?.Password ?? "", Context.Connection.RemoteIpAddress?.ToString(), Context.RequestAborted);
        if (outcome.IsDone && await Sessions.BeginAsync(Context, accountId))
        {
            Nav.NavigateTo("/");
            return;
        }

        if (outcome.Refusal is Core.Invalid invalid) problem = Wording.Of(invalid);
        else loginName = null;   // spent between opening and sending
    }

    public sealed class Input
    {
        public string? Password { get; set; }
    }
}
