using Microsoft.Extensions.Logging;

namespace Portal.Core.Logs;

/// <summary>One line of the log as the portal keeps it: facts only, never content, a password or an AUTH line (DESIGN §8).</summary>
public sealed record LogEntry
{
    /// <summary>Place in the log; rises with time. 0 until stored.</summary>
    public long Id { get; init; }

    public DateTimeOffset At { get; init; }

    public LogLevel Level { get; init; }

    /// <summary>Part of the program that speaks, such as "Smtp.Delivery".</summary>
    public required string Component { get; init; }

    /// <summary>The sentence, on one line: control characters are escaped.</summary>
    public required string Message { get; init; }

    /// <summary>What was thrown, escaped likewise; null for most lines.</summary>
    public string? Exception { get; init; }

    /// <summary>The message it is about; null for none.</summary>
    public Guid? QueueId { get; init; }

    /// <summary>The session it is about; null for none.</summary>
    public string? SessionId { get; init; }

    /// <summary>Named values of the line, as JSON; null for none.</summary>
    public string? Properties { get; init; }
}

/// <summary>A question to the log. All parts narrow.</summary>
public sealed record LogQuery
{
    /// <summary>Most lines of a page.</summary>
    public const int MaxLimit = 200;

    /// <summary>Part of message or exception; case does not matter for ASCII.</summary>
    public string? Text { get; init; }

    /// <summary>This level and graver ones.</summary>
    public LogLevel? Level { get; init; }

    /// <summary>A component or, with its parts, a family of them: "Smtp" means "Smtp.Delivery" too.</summary>
    public string? Component { get; init; }

    public Guid? QueueId { get; init; }

    public string? SessionId { get; init; }

    /// <summary>Name of a property that must have <see cref="PropertyValue"/>.</summary>
    public string? Property { get; init; }

    public string? PropertyValue { get; init; }

    public DateTimeOffset? From { get; init; }

    public DateTimeOffset? Until { get; init; }

    /// <summary>Only lines before this one: the last id of the page before.</summary>
    public long? Before { get; init; }

    /// <summary>Only lines after this one: what a tail has shown.</summary>
    public long? After { get; init; }

    public int Limit { get; init; } = 100;
}

/// <summary>Lines of the log, newest first.</summary>
/// <param name="Entries">The lines.</param>
/// <param name="Next">Put into <see cref="LogQuery.Before"/> for the next page; null on the last.</param>
/// <param name="Dropped">Lines lost since the start because they came faster than the disk took them.</param>
public sealed record LogPage(IReadOnlyList<LogEntry> Entries, long? Next, long Dropped);

/// <summary>How many lines came in one stretch of time.</summary>
/// <param name="Grave">Warnings and above.</param>
public sealed record LogBar(DateTimeOffset From, int Grave, int Other);

/// <summary>Lines over time, oldest first.</summary>
/// <param name="Step">Length of a bar.</param>
/// <param name="IsPartial">True when there were more than <see cref="MaxLines"/>: the oldest bars are short then.</param>
public sealed record LogHistogram(IReadOnlyList<LogBar> Bars, TimeSpan Step, bool IsPartial)
{
    /// <summary>Most lines looked at, the newest ones.</summary>
    public const int MaxLines = 100_000;
}
