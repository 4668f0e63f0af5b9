using Microsoft.AspNetCore.Components;
using Microsoft.Extensions.Localization;
using MudBlazor;
using Portal.Core.Accounts;
using Portal.Web.Components.Shared;
using Portal.Web.Security;

namespace Portal.Web.Admin.Accounts;

/// <summary>Resetting a password, the same for administrators and helpdesk: ask how and why, do it, show the link or password once.</summary>
public sealed class CredentialReset(IDialogService dialogs, AccountService accounts, CurrentActor actor, Notices notices, NavigationManager navigation, IStringLocalizer<AccountsPage> l)
{
    /// <summary>Asks and does it; true when it was done.</summary>
    public async Task<bool> AskAsync(Guid accountId, string loginName)
    {
        var dialog = await dialogs.ShowAsync<ResetPasswordDialog>(l["ResetTitle", loginName]);
        if (await dialog.Result is not { Canceled: false, Data: ResetAnswer answer }) return false;

        var outcome = await accounts.ResetPasswordAsync((await actor.GetAsync()).Because(answer.Reason), accountId, answer.AsLink, CancellationToken.None);
        if (!notices.Show(outcome, l["ResetDone", loginName])) return false;
        await ShowAsync(loginName, outcome.Value);
        return true;
    }

    /// <summary>Shows a new credential, once.</summary>
    public async Task ShowAsync(string loginName, NewCredential credential)
    {
        var isLink = credential.LinkToken is not null;
        var secret = isLink ? $"{navigation.BaseUri}first-password/{credential.LinkToken}" : credential.Password;
        if (secret is null) return;
        var dialog = await dialogs.ShowAsync<SecretDialog>(l["SecretTitle", loginName], new DialogParameters<SecretDialog> { { d => d.Secret, secret }, { d => d.IsLink, isLink } });
        await dialog.Result;
    }
}

/// <summary>How a password is to be reset.</summary>
/// <param name="AsLink">A link to choose one; else a random password.</param>
/// <param name="Reason">For the audit; null where none was given.</param>
public sealed record ResetAnswer(bool AsLink, string? Reason);
