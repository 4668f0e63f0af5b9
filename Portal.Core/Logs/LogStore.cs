using System.Threading.Channels;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Hosting;

namespace Portal.Core.Logs;

/// <summary>
/// Keeps log lines in a SQLite file of their own, so that logging never waits for mail nor mail for logging. Writers put a line into
/// a bounded buffer and go on; a full buffer drops the line and counts it.
/// </summary>
public sealed class LogStore : IHostedService, IAsyncDisposable
{
    private const int BatchRows = 500;

    // A transaction writes the same dozen pages for one line as for a hundred, and a reader of the tail waits for a quarter of a second gladly.
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(250);

    private readonly LogOptions options;
    private readonly TimeProvider clock;
    private readonly string path;
    private readonly Channel<LogEntry> buffer;
    private readonly CancellationTokenSource ending = new();
    private LogFile? file;
    private Task? writer;
    private long dropped;
    private DateTimeOffset trimmedAt = DateTimeOffset.MinValue;

    /// <summary>Takes lines at once and keeps them in memory until it is started: a host logs before its data folder is there.</summary>
    /// <param name="path">The file; its folder must exist at the start.</param>
    /// <param name="options">Bounds.</param>
    /// <param name="clock">Tells what is too old.</param>
    public LogStore(string path, LogOptions options, TimeProvider clock)
    {
        (this.path, this.options, this.clock) = (path, options, clock);
        buffer = Channel.CreateBounded<LogEntry>(new BoundedChannelOptions(options.BufferEntries) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
    }

    /// <summary>Lines lost since the start.</summary>
    public long Dropped => Interlocked.Read(ref dropped);

    /// <summary>Raised after lines were stored; handlers must be quick and must not throw or log.</summary>
    public event Action? Stored;

    private LogFile File => file ?? throw new InvalidOperationException("The log store has not been started.");

    /// <summary>Makes the file where it is missing and begins to write. A file that is no longer a database is set aside: no log is worth a mail system that does not start.</summary>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        file = LogFile.Open(path, clock.GetUtcNow());
        writer = Task.Run(() => WriteAsync(file), CancellationToken.None);
        return Task.CompletedTask;
    }

    /// <summary>Nothing: the last lines come after the last service has stopped, and <see cref="DisposeAsync"/> stores them.</summary>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Takes a line; never waits, never throws.</summary>
    public void Write(LogEntry entry)
    {
        if (!buffer.Writer.TryWrite(entry)) Interlocked.Increment(ref dropped);
    }

    /// <summary>Lines, newest first.</summary>
    public Task<LogPage> SearchAsync(LogQuery query, CancellationToken cancel) => File.SearchAsync(query, Dropped, cancel);

    /// <summary>The components that have spoken, in order of name.</summary>
    public Task<List<string>> ComponentsAsync(CancellationToken cancel) => File.ComponentsAsync(cancel);

    /// <summary>Removes what is too old or too much.</summary>
    public Task TrimAsync(CancellationToken cancel)
    {
        trimmedAt = clock.GetUtcNow();
        return File.TrimAsync(trimmedAt - options.KeepFor, options.MaxEntries, cancel);
    }

    /// <summary>Stores what is buffered and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!buffer.Writer.TryComplete()) return;   // the container disposes it once as itself and once as a hosted service
        await ending.CancelAsync();
        if (writer is not null) await writer;
        file?.Dispose();
        ending.Dispose();
    }

    private async Task WriteAsync(LogFile file)
    {
        List<LogEntry> batch = new(BatchRows);
        while (await buffer.Reader.WaitToReadAsync())
        {
            if (buffer.Reader.Count < BatchRows) await Task.Delay(Gathering, ending.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);   // real time: a line must not wait for a clock that a test holds
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
