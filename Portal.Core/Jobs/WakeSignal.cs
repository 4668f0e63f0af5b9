namespace Portal.Core.Jobs;

/// <summary>Wakes a loop that has nothing to do: once, however often it was told meanwhile.</summary>
public sealed class WakeSignal : IDisposable
{
    private readonly SemaphoreSlim wake = new(0, 1);

    /// <summary>The loop looks again, now or as soon as it waits. Never blocks, never throws.</summary>
    public void Wake()
    {
        try
        {
            if (wake.CurrentCount == 0) wake.Release();
        }
        catch (Exception e) when (e is SemaphoreFullException or ObjectDisposedException)
        {
            // Somebody else woke it in the same moment, or it has ended.
        }
    }

    public Task WaitAsync(CancellationToken cancel) => wake.WaitAsync(cancel);

    public void Dispose() => wake.Dispose();
}
