using System.Threading.Channels;
using Microsoft.Data.Sqlite;

namespace Portal.Core.Logs;

/// <summary>
/// Keeps log lines in a SQLite file of their own, so that logging never waits for mail nor mail for logging. Writers put a line into
/// a bounded buffer and go on; a full buffer drops the line and counts it.
/// </summary>
public sealed class LogStore : IAsyncDisposable
{
    private const int BatchRows = 500;

    private readonly LogOptions options;
    private readonly TimeProvider clock;
    private readonly LogFile file;
    private readonly Channel<LogEntry> buffer;
    private readonly Lazy<Task> writer;
    private readonly SemaphoreSlim trims = new(1, 1);
    private long dropped;
    private DateTimeOffset trimmedAt = DateTimeOffset.MinValue;

    /// <summary>Makes the file where it is missing; the first line starts the writer.</summary>
    /// <param name="path">The file; its folder must exist.</param>
    /// <param name="options">Bounds.</param>
    /// <param name="clock">Tells what is too old.</param>
    public LogStore(string path, LogOptions options, TimeProvider clock)
    {
        (this.options, this.clock) = (options, clock);
        file = new LogFile(path);
        buffer = Channel.CreateBounded<LogEntry>(new BoundedChannelOptions(options.BufferEntries) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
        writer = new(() => Task.Run(WriteAsync));
    }

    /// <summary>Lines lost since the start.</summary>
    public long Dropped => Interlocked.Read(ref dropped);

    /// <summary>Raised after lines were stored; handlers must be quick and must not throw or log.</summary>
    public event Action? Stored;

    /// <summary>Takes a line; never waits, never throws.</summary>
    public void Write(LogEntry entry)
    {
        if (!buffer.Writer.TryWrite(entry)) Interlocked.Increment(ref dropped);
        _ = writer.Value;
    }

    /// <summary>Lines, newest first.</summary>
    public Task<LogPage> SearchAsync(LogQuery query, CancellationToken cancel) => file.SearchAsync(query, Dropped, cancel);

    /// <summary>The components that have spoken, in order of name.</summary>
    public Task<List<string>> ComponentsAsync(CancellationToken cancel) => file.ComponentsAsync(cancel);

    /// <summary>Removes what is too old or too much.</summary>
    public async Task TrimAsync(CancellationToken cancel)
    {
        await trims.WaitAsync(cancel);
        try
        {
            trimmedAt = clock.GetUtcNow();
            await file.TrimAsync(trimmedAt - options.KeepFor, options.MaxEntries, cancel);
        }
        finally
        {
            trims.Release();
        }
    }

    /// <summary>Stores what is buffered and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        buffer.Writer.TryComplete();
        if (writer.IsValueCreated) await writer.Value;
        file.Dispose();
        trims.Dispose();
    }

    private async Task WriteAsync()
    {
        List<LogEntry> batch = new(BatchRows);
        while (await buffer.Reader.WaitToReadAsync())
        {
            while (batch.Count < BatchRows && buffer.Reader.TryRead(out var entry)) batch.Add(entry);
            if (!await TryAsync(() => file.InsertAsync(batch))) Interlocked.Add(ref dropped, batch.Count);
            if (clock.GetUtcNow() - trimmedAt > options.TrimEvery) await TryAsync(() => TrimAsync(CancellationToken.None));
            batch.Clear();
            Stored?.Invoke();
        }
    }

    /// <summary>False on a full or broken disk: that can't be logged here, so lines are counted; console and rolling files have them.</summary>
    private static async Task<bool> TryAsync(Func<Task> act)
    {
        try
        {
            await act();
            return true;
        }
        catch (Exception e) when (e is SqliteException or IOException)
        {
            return false;
        }
    }
}
