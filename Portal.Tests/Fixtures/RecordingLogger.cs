using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Portal.Tests.Fixtures;

/// <summary>Keeps what one class writes to the log, from <paramref name="least"/> on.</summary>
public sealed class RecordingLogger<T>(LogLevel least = LogLevel.Warning) : ILogger<T>
{
    private readonly ConcurrentQueue<string> lines = new();
    private readonly TaskCompletionSource first = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public IReadOnlyCollection<string> Lines => lines;

    /// <summary>Waits for the first line.</summary>
    public Task FirstAsync() => first.Task.WaitAsync(TimeSpan.FromMinutes(1));

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= least;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel)) return;
        lines.Enqueue(formatter(state, exception));
        first.TrySetResult();
    }
}
