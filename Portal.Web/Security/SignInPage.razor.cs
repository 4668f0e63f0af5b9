using System.Net;
using Microsoft.AspNetCore.Components;
using Microsoft.Extensions.Options;
using Portal.Core.Accounts;
using Portal.Core.Permissions;
using Portal.Web.Components;
using Portal.Web.Components.Shared;
using Portal.Web.Hosting;

namespace Portal.Web.Security;

/// <summary>Plain form, plain inputs: password managers know it, and it works before any circuit does.</summary>
public sealed partial class SignInPage
{
    private bool isSetUp = true;
    private string? problem;

    [CascadingParameter] private HttpContext Context { get; set; } = null!;

    [SupplyParameterFromQuery] private string? ReturnUrl { get; set; }

    [SupplyParameterFromQuery(Name = "signedOut")] private string? SignedOutQuery { get; set; }

    private bool SignedOut => Queries.Read<bool>(SignedOutQuery) == true;

    [SupplyParameterFromQuery(Name = "away")] private string? AwayQuery { get; set; }

    private bool WasAway => Queries.Read<bool>(AwayQuery) == true || Sessions.WasAway(Context);

    private string AwayFor => Times.Wait(S, Options.Value.AdministratorIdleTimeout);

    [SupplyParameterFromForm] private Input? Form { get; set; }

    [Inject] private AccountAuthenticator Authenticator { get; set; } = null!;

    [Inject] private SetupService Setup { get; set; } = null!;

    [Inject] private Sessions Sessions { get; set; } = null!;

    [Inject] private IOptions<WebOptions> Options { get; set; } = null!;

    [Inject] private NavigationManager Nav { get; set; } = null!;

    protected override async Task OnInitializedAsync()
    {
        if (HttpMethods.IsPost(Context.Request.Method)) return;

        isSetUp = await Setup.IsSetUpAsync(Context.RequestAborted);
        if (await Sessions.FindAsync(Context.User, Context.RequestAborted) is not null) Nav.NavigateTo(LocalPath.Of(ReturnUrl));
    }

    private async Task SignInAsync()
    {
        var client = Context.Connection.RemoteIpAddress ?? IPAddress.None;
        var result = await Authenticator.VerifyAsync(Form?.Name ?? "", Form?.Password ?? "", client, Channel.Portal, Context.RequestAborted);
        if (result is { Kind: AuthenticationKind.Succeeded, Account: { } account } && await Sessions.BeginAsync(Context, account.Id))
        {
            Nav.NavigateTo(LocalPath.Of(ReturnUrl));
            return;
        }

        // One sentence for a wrong, an unknown and a disabled name: who asks learns nothing.
        problem = result.Kind switch
        {
            AuthenticationKind.SlowedDown => L["SlowedDown", Times.Wait(S, result.RetryAfter)],
            AuthenticationKind.Busy => L["Busy"],
            _ => L["Failed"],
        };
    }

    public sealed class Input
    {
        public string? Name { get; set; }

        public string? Password { get; set; }
    }
}
