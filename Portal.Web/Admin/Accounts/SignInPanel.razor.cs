using Microsoft.AspNetCore.Components;
using Microsoft.Extensions.Localization;
using MudBlazor;
using Portal.Core.Accounts;
using Portal.Core.Permissions;
using Portal.Web.Components.Shared;
using Portal.Web.Security;

namespace Portal.Web.Admin.Accounts;

public sealed partial class SignInPanel(
    AccountListService list, AccountService accounts, CredentialReset reset, CurrentActor actor, PageParts parts, IStringLocalizer<AccountsPage> l)
{
    private readonly HashSet<Role> roles = [];
    private AccountDetail? account;

    /// <summary>What the ticks began from.</summary>
    private AccountDetail? read;
    private IReadOnlyList<SignIn> signIns = [];
    private string? refusal, reason;
    private bool mayReset, mayGrant;

    private IStringLocalizer<AccountsPage> L => l;

    [Parameter, EditorRequired] public Guid AccountId { get; set; }

    /// <summary>Whether the account's mailbox is linked; not on the mailbox's own page.</summary>
    [Parameter] public bool LinkToMailbox { get; set; }

    protected override Task OnInitializedAsync() => LoadAsync();

    private async Task LoadAsync()
    {
        var who = await actor.GetAsync();
        (mayReset, mayGrant) = (who.May(Capability.ResetPasswords), who.MayEverywhere(Capability.ManageRoles));
        var found = await list.GetAsync(who, AccountId, CancellationToken.None);
        if (!found.IsDone)
        {
            (account, refusal) = (null, parts.Wording.Of(found.Refusal));
            return;
        }

        // Ticks not saved yet stay when only somebody else's change came in.
        (account, refusal) = (found.Value, null);
        if (read is null || roles.SetEquals(RolesOf(read))) Begin(account);

        signIns = await accounts.RecentSignInsAsync(who, AccountId, 20, CancellationToken.None);
    }

    private async Task ResetAsync()
    {
        if (await reset.AskAsync(account!.Row.Id, account.Row.LoginName)) await LoadAsync();
    }

    private async Task UnlockAsync()
    {
        parts.Notices.Show(await accounts.UnlockAsync(await actor.GetAsync(), AccountId, CancellationToken.None), L["Unlocked", account!.Row.LoginName]);
        await LoadAsync();
    }

    private async Task EndSessionsAsync()
    {
        var name = account!.Row.LoginName;
        if (await parts.Dialogs.ConfirmAsync(new(L["EndSessionsTitle", name], L["EndSessionsText"], L["EndSessions"], AskReason: true)) is not { } answer) return;
        parts.Notices.Show(await accounts.SignOutEverywhereAsync((await actor.GetAsync()).Because(answer.Reason), AccountId, CancellationToken.None), L["SessionsEnded", name]);
    }

    private static HashSet<Role> RolesOf(AccountDetail detail) => [.. detail.Row.Roles.Where(r => r.Scope == Scope.Everything).Select(r => r.Role).Where(RoleWords.Grantable.Contains)];

    private void Begin(AccountDetail from)
    {
        (read, reason) = (from, null);
        roles.Clear();
        roles.UnionWith(RolesOf(from));
    }

    private void Toggle(Role role)
    {
        if (!roles.Remove(role)) roles.Add(role);
    }

    private async Task SaveRolesAsync()
    {
        Role[] wanted = [.. roles];
        var saved = await parts.Saves.SaveAsync(
            read!,
            async over => await accounts.SetRolesAsync((await actor.GetAsync()).Because(reason), AccountId, over.Row.Version, wanted, CancellationToken.None),
            async () => await list.GetAsync(await actor.GetAsync(), AccountId, CancellationToken.None),
            (before, now) => [new(L["Roles"], TextOf(RolesOf(before)), TextOf(wanted), TextOf(RolesOf(now)))]);
        if (saved is { Outcome: null, IsTheirs: false }) return;

        var over = saved.Over;
        if (saved.Outcome is { } outcome)
        {
            parts.Notices.Show(outcome, L["RolesSet", over.Row.LoginName],
                async () => await accounts.SetRolesAsync(await actor.GetAsync(), AccountId, over.Row.Version + 1, RolesOf(over), CancellationToken.None));
        }

        Begin(over);
        await LoadAsync();
    }

    private string TextOf(IReadOnlyCollection<Role> some) => some.Count == 0 ? L["NoRoles"] : string.Join(L["ListMark"], some.Order().Select(r => L[$"Role_{r}"].Value));
}
