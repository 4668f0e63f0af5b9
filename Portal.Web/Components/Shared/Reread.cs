using Microsoft.AspNetCore.Components;
using Portal.Core.Data;

namespace Portal.Web.Components.Shared;

/// <summary>
/// Reads again what an open page shows, on the circuit's own thread: when asked, at most once in half a second, or at a pace. While the
/// database is lost the page stays as it is, with what is being typed in it, and it is tried again. Shows nothing.
/// </summary>
public class Reread(TimeProvider clock) : ComponentBase, IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    /// <summary>While the database is lost.</summary>
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(5);
    private ITimer? timer;
    private int isWaiting;

    /// <summary>The pace; null when only asked.</summary>
    [Parameter] public TimeSpan? Every { get; set; }

    [Parameter, EditorRequired] public EventCallback OnChange { get; set; }

    /// <summary>Something changed; may be called from any thread.</summary>
    public void Ask()
    {
        if (Interlocked.Exchange(ref isWaiting, 1) == 0) timer?.Change(Pause, Timeout.InfiniteTimeSpan);
    }

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool isDisposing) => timer?.Dispose();

    protected override void OnInitialized() => timer = clock.CreateTimer(_ => Fire(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

    // After the first render only: a prerendered page has nobody to tell.
    protected override void OnAfterRender(bool firstRender)
    {
        if (firstRender && Every is { } pace) timer?.Change(pace, Timeout.InfiniteTimeSpan);
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
                if (Every is { } pace) timer?.Change(pace, Timeout.InfiniteTimeSpan);
            }
            catch (Exception e) when (e.IsOutage() || e.IsBrowserGone())   // a browser that does not come back takes this with it
            {
                timer?.Change(Retry, Timeout.InfiniteTimeSpan);
            }
            catch (Exception e)
            {
                await DispatchExceptionAsync(e);
            }
        });
    }
}
