namespace Portal.Web.Mail;

/// <summary>How many may call one host at a time, so that a slow one holds up its own callers only. A host that nobody calls is forgotten.</summary>
internal sealed class HostPlaces(int maxAtOnce)
{
    private readonly Dictionary<string, Line> lines = new(StringComparer.OrdinalIgnoreCase);
    private readonly Lock sync = new();

    /// <summary>Waits for a place, which ends with the result.</summary>
    public async Task<IDisposable> TakeAsync(string host, CancellationToken cancel)
    {
        Line line;
        lock (sync)
        {
            if (!lines.TryGetValue(host, out line!)) lines[host] = line = new(maxAtOnce);
            line.Users++;
        }

        try
        {
            await line.Places.WaitAsync(cancel);
        }
        catch
        {
            Leave(host, line);
            throw;
        }

        return new Place(this, host, line);
    }

    private void Leave(string host, Line line)
    {
        lock (sync)
        {
            if (--line.Users > 0) return;
            lines.Remove(host);
        }

        line.Places.Dispose();
    }

    private sealed class Line(int maxAtOnce)
    {
        public SemaphoreSlim Places { get; } = new(maxAtOnce);

        /// <summary>Who calls and who waits.</summary>
        public int Users { get; set; }
    }

    private sealed class Place(HostPlaces owner, string host, Line line) : IDisposable
    {
        public void Dispose()
        {
            line.Places.Release();
            owner.Leave(host, line);
        }
    }
}
