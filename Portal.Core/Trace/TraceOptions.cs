using System.ComponentModel.DataAnnotations;

namespace Portal.Core.Trace;

/// <summary>How long the trace is kept.</summary>
public sealed class TraceOptions
{
    public const string Section = "Portal:Trace";

    /// <summary>How long the trace of a message is kept; longer than mail waits in the queue.</summary>
    [Range(typeof(TimeSpan), "7.00:00:00", "3650.00:00:00")]
    public TimeSpan KeepFor { get; init; } = TimeSpan.FromDays(90);

    /// <summary>How long its content facts (subject, author) are kept; never longer than the trace.</summary>
    [Range(typeof(TimeSpan), "01:00:00", "3650.00:00:00")]
    public TimeSpan KeepContentFactsFor { get; init; } = TimeSpan.FromDays(30);
}
