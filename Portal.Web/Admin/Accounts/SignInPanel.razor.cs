using Microsoft.AspNetCore.Components;
using Microsoft.Extensions.Localization;
using MudBlazor;
using Portal.Core.Accounts;
using Portal.Core.Permissions;
using Portal.Web.Components.Shared;
using Portal.Web.Security;

namespace Portal.Web.Admin.Accounts;

public sealed partial class SignInPanel(
    AccountListService list, AccountService accounts, CredentialReset reset, CurrentActor actor, Notices notices, Wording wording, IStringLocalizer<AccountsPage> l, IDialogService dialogs)
{
    private readonly HashSet<Role> roles = [];
    private AccountDetail? account;
    private IReadOnlyList<SignIn> signIns = [];
    private string? refusal;
    private bool mayReset, mayGrant;

    private IStringLocalizer<AccountsPage> L => l;

    [Parameter, EditorRequired] public Guid AccountId { get; set; }

    /// <summary>Whether the account's mailbox is linked; not on the mailbox's own page.</summary>
    [Parameter] public bool LinkToMailbox { get; set; }

    private IEnumerable<Role> HeldRoles => account!.Row.Roles.Select(r => r.Role).Where(RoleWords.Grantable.Contains);

    protected override Task OnInitializedAsync() => LoadAsync();

    private async Task LoadAsync()
    {
        var who = await actor.GetAsync();
        (mayReset, mayGrant) = (who.May(Capability.ResetPasswords), who.MayEverywhere(Capability.ManageRoles));
        var found = await list.GetAsync(who, AccountId, CancellationToken.None);
        if (!found.IsDone)
        {
            (account, refusal) = (null, wording.Of(found.Refusal));
            return;
        }

        // Ticks not saved yet stay when only somebody else's change came in.
        var isUntouched = account is null || roles.SetEquals(HeldRoles);
        (account, refusal) = (found.Value, null);
        if (isUntouched)
        {
            roles.Clear();
            roles.UnionWith(HeldRoles);
        }

        signIns = await accounts.RecentSignInsAsync(who, AccountId, 20, CancellationToken.None);
    }

    private async Task ResetAsync()
    {
        if (await reset.AskAsync(account!.Row.Id, account.Row.LoginName)) await LoadAsync();
    }

    private async Task UnlockAsync()
    {
        notices.Show(await accounts.UnlockAsync(await actor.GetAsync(), AccountId, CancellationToken.None), L["Unlocked", account!.Row.LoginName]);
        await LoadAsync();
    }

    private async Task EndSessionsAsync()
    {
        var name = account!.Row.LoginName;
        if (await dialogs.ConfirmAsync(new(L["EndSessionsTitle", name], L["EndSessionsText"], L["EndSessions"])) is null) return;
        notices.Show(await accounts.SignOutEverywhereAsync(await actor.GetAsync(), AccountId, CancellationToken.None), L["SessionsEnded", name]);
    }

    private void Toggle(Role role)
    {
        if (!roles.Remove(role)) roles.Add(role);
    }

    private async Task SaveRolesAsync()
    {
        var before = HeldRoles.ToList();
        var outcome = await accounts.SetRolesAsync(await actor.GetAsync(), AccountId, [.. roles], CancellationToken.None);
        notices.Show(outcome, L["RolesSet", account!.Row.LoginName], async () => await accounts.SetRolesAsync(await actor.GetAsync(), AccountId, before, CancellationToken.None));
        if (!outcome.IsDone)
        {
            roles.Clear();
            roles.UnionWith(before);
        }

        await LoadAsync();
    }
}
