using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

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
    private readonly HashSet<string> told = [];   // the writer's alone
    private LogFile? file;
    private Task? writer;
    private long dropped;
    private bool hasEnded;
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

    /// <inheritdoc cref="LogFile.FindAsync"/>
    public Task<LogEntry?> FindAsync(long id, CancellationToken cancel) => File.FindAsync(id, cancel);

    /// <summary>Lines, newest first.</summary>
    public Task<LogPage> SearchAsync(LogQuery query, CancellationToken cancel) => File.SearchAsync(query, Dropped, cancel);

    /// <inheritdoc cref="LogFile.CountAsync"/>
    public Task<LogHistogram> CountAsync(LogQuery query, DateTimeOffset from, TimeSpan step, int bars, CancellationToken cancel) => File.CountAsync(query, from, step, bars, cancel);

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
        buffer.Writer.TryComplete();
        if (hasEnded) return;   // the container knows it as itself and as a hosted part, and disposes of both
        hasEnded = true;
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
            if (!await TryAsync("Lines could not be stored", () => file.InsertAsync(batch))) Interlocked.Add(ref dropped, batch.Count);
            if (clock.GetUtcNow() - trimmedAt > options.TrimEvery) await TryAsync("Old lines could not be removed", () => TrimAsync(CancellationToken.None));
            batch.Clear();
            await TryAsync("A listener of the log failed", () =>
            {
                Stored?.Invoke();
                return Task.CompletedTask;
            });
        }
    }

    /// <summary>
    /// The loop's one catch-all: no fault ends the log. Its own lines tell it, once for each kind as long as the program runs (a line
    /// for every time would bring the next one); on a full or broken disk that line is lost with the others, console and rolling files have theirs.
    /// </summary>
    private async Task<bool> TryAsync(string fault, Func<Task> act)
    {
        try
        {
            await act();
            return true;
        }
        catch (Exception e)
        {
            if (told.Add(fault)) Write(new LogEntry { At = clock.GetUtcNow(), Level = LogLevel.Error, Component = "Core.Logs", Message = $"{fault} ({e.GetType().Name})", Exception = LogText.OneLine(e.ToString(), LogText.MaxExceptionLength) });
            return false;
        }
    }
}
