using System.Globalization;
using Portal.Core.Logs;
using Serilog;
using Serilog.Configuration;
using Serilog.Core;
using Serilog.Events;

namespace Portal.Web.Hosting;

/// <summary>From Serilog's events to the log that the portal shows.</summary>
internal sealed class LogStoreSink(LogStore store) : ILogEventSink
{
    private const string QueueId = "QueueId", SessionId = "SessionId", SourceContext = "SourceContext", EventId = "EventId";

    public void Emit(LogEvent logEvent) => store.Write(EntryOf(logEvent));

    internal static LogEntry EntryOf(LogEvent logEvent)
    {
        // The text is made from the cleaned values, so that what must not stand in a property does not stand in the sentence either.
        var values = logEvent.Properties.Keys.Any(LogText.IsForbidden) ? logEvent.Properties.ToDictionary(p => p.Key, p => LogText.IsForbidden(p.Key) ? new ScalarValue(LogText.Removed) : p.Value) : logEvent.Properties;
        using var message = new StringWriter(CultureInfo.InvariantCulture);
        foreach (var token in logEvent.MessageTemplate.Tokens)
        {
            // "{Name:l}" would be literal; a plain string in quotes reads badly, so strings are written as they are.
            if (token is Serilog.Parsing.PropertyToken hole && values.GetValueOrDefault(hole.PropertyName) is ScalarValue { Value: string text }) message.Write(text);
            else token.Render(values, message, CultureInfo.InvariantCulture);
        }

        return new LogEntry
        {
            At = logEvent.Timestamp,
            Level = (LogLevel)(int)logEvent.Level,   // both count from the least grave, Verbose and Trace first
            Component = LogText.ComponentOf(TextOf(values.GetValueOrDefault(SourceContext))),
            Message = LogText.OneLine(message.ToString(), LogText.MaxMessageLength),
            Exception = logEvent.Exception is { } exception ? LogText.OneLine(exception.ToString(), LogText.MaxExceptionLength) : null,
            QueueId = Guid.TryParse(TextOf(values.GetValueOrDefault(QueueId)), out var id) ? id : null,
            SessionId = TextOf(values.GetValueOrDefault(SessionId)) is { } session ? LogText.OneLine(session, 64) : null,
            Properties = LogText.Properties(values.Where(v => v.Key is not (QueueId or SessionId or EventId)).Select(v => KeyValuePair.Create(v.Key, TextOf(v.Value) ?? ""))),
        };
    }

    private static string? TextOf(LogEventPropertyValue? value) => value switch
    {
        null or ScalarValue { Value: null } => null,
        ScalarValue { Value: IFormattable formattable } => formattable.ToString(null, CultureInfo.InvariantCulture),
        ScalarValue scalar => scalar.Value!.ToString(),
        _ => value.ToString(null, CultureInfo.InvariantCulture),
    };
}

internal static class LogStoreSinkConfiguration
{
    /// <summary>Keeps lines where the portal finds them.</summary>
    public static LoggerConfiguration LogStore(this LoggerSinkConfiguration sinks, LogStore store) => sinks.Sink(new LogStoreSink(store));
}
