using System.Globalization;
using Microsoft.Extensions.Localization;
using Portal.Core.Mailboxes;
using Portal.Web.Components;
using Portal.Web.Components.Shared;
using Portal.Web.Security;

namespace Portal.Web.Admin.Mailboxes;

/// <summary>What list and page do with one mailbox alike: ask, act, tell, offer Undo.</summary>
public sealed class MailboxDeeds(MailboxService mailboxes, CurrentActor actor, PageParts parts, Display display, TimeProvider clock, IStringLocalizer<MailboxesPage> l)
{
    /// <summary>Disables or enables; disabling asks first.</summary>
    public async Task ToggleAsync(MailboxRow row)
    {
        if (row.State == MailboxState.Disabled)
        {
            parts.Notices.Show(await mailboxes.EnableAsync(await actor.GetAsync(), row.Id, CancellationToken.None), l["Enabled", row.Address], async () => await mailboxes.DisableAsync(await actor.GetAsync(), row.Id, CancellationToken.None));
            return;
        }

        if (await parts.Dialogs.ConfirmAsync(new(l["DisableTitle", row.Address], l["DisableText", row.Address], l["Disable"], AskReason: true)) is { } answer) await DisableAsync(row, answer.Reason);
    }

    /// <summary>Deletes with 30 days' grace; asks first.</summary>
    public async Task DeleteAsync(MailboxRow row)
    {
        var until = TimeZoneInfo.ConvertTime(clock.GetUtcNow() + MailboxService.Grace, display.Zone).ToString("d", CultureInfo.CurrentCulture);
        if (await parts.Dialogs.ConfirmAsync(new(l["DeleteTitle", row.Address], l["DeleteText", row.Address, until], l["Delete"], IsDanger: true, AskReason: true)) is not { } answer) return;
        parts.Notices.Show(await mailboxes.DeleteAsync((await actor.GetAsync()).Because(answer.Reason), row.Id, CancellationToken.None), l["Deleted", row.Address],
            async () => await mailboxes.RestoreAsync(await actor.GetAsync(), row.Id, CancellationToken.None), l["Restored", row.Address]);
    }

    public async Task RestoreAsync(MailboxRow row) =>
        parts.Notices.Show(await mailboxes.RestoreAsync(await actor.GetAsync(), row.Id, CancellationToken.None), l["Restored", row.Address]);

    private async Task DisableAsync(MailboxRow row, string? reason) =>
        parts.Notices.Show(await mailboxes.DisableAsync((await actor.GetAsync()).Because(reason), row.Id, CancellationToken.None), l["Disabled", row.Address], async () => await mailboxes.EnableAsync(await actor.GetAsync(), row.Id, CancellationToken.None));
}
