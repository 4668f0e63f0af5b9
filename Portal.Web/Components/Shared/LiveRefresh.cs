using Microsoft.AspNetCore.Components;
using Portal.Core.Data;

namespace Portal.Web.Components.Shared;

/// <summary>Calls back when one of the areas changed, at most once in half a second, on the circuit's own thread; shows nothing.</summary>
public sealed class LiveRefresh(ChangeFeed feed, TimeProvider clock) : ComponentBase, IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    /// <summary>While the database is lost.</summary>
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(5);

    private IDisposable? subscription;
    private ITimer? timer;
    private int isWaiting;

    [Parameter, EditorRequired] public IReadOnlyList<Change> Areas { get; set; } = [];

    /// <summary>Only this mailbox of <see cref="Change.Mail"/>; null for any.</summary>
    [Parameter] public Guid? MailboxId { get; set; }

    [Parameter, EditorRequired] public EventCallback OnChange { get; set; }

    // After the first render only: a prerendered page has nobody to tell.
    protected override void OnAfterRender(bool firstRender)
    {
        if (!firstRender) return;
        timer = clock.CreateTimer(_ => Fire(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        subscription = feed.Subscribe((area, mailbox) =>
        {
            if (Areas.Contains(area) && (mailbox is null || MailboxId is null || mailbox == MailboxId) && Interlocked.Exchange(ref isWaiting, 1) == 0)
                timer.Change(Pause, Timeout.InfiniteTimeSpan);
        });
    }

    public void Dispose()
    {
        subscription?.Dispose();
        timer?.Dispose();
    }

    private void Fire()
    {
        Volatile.Write(ref isWaiting, 0);
        // DispatchExceptionAsync hands a failed reload to the page's error boundary.
        _ = InvokeAsync(async () =>
        {
            try
            {
                await OnChange.InvokeAsync();
            }
            catch (Exception e) when (e.IsOutage())
            {
                timer?.Change(Retry, Timeout.InfiniteTimeSpan);   // the page stays as it is, with what is being typed in it
            }
            catch (Exception e)
            {
                await DispatchExceptionAsync(e);
            }
        });
    }
}
