using Microsoft.AspNetCore.Components;
using Portal.Core.Data;

namespace Portal.Web.Components.Shared;

/// <summary>Reads again when one of the areas changed.</summary>
public sealed class LiveRefresh(ChangeFeed feed, TimeProvider clock) : Reread(clock)
{
    private IDisposable? subscription;

    [Parameter, EditorRequired] public IReadOnlyList<Change> Areas { get; set; } = [];

    /// <summary>Only this mailbox of <see cref="Change.Mail"/>; null for any.</summary>
    [Parameter] public Guid? MailboxId { get; set; }

    protected override void OnAfterRender(bool firstRender)
    {
        base.OnAfterRender(firstRender);
        if (!firstRender) return;
        subscription = feed.Subscribe((area, mailbox) =>
        {
            if (Areas.Contains(area) && (mailbox is null || MailboxId is null || mailbox == MailboxId)) Ask();
        });
    }

    protected override void Dispose(bool isDisposing)
    {
        subscription?.Dispose();
        base.Dispose(isDisposing);
    }
}
