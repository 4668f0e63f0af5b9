using Microsoft.Extensions.Logging;
using Portal.Core.Logs;
using Portal.Web.Hosting;
using Serilog;
using Serilog.Core;
using Serilog.Events;

namespace Portal.Tests.Core.Logs;

public class LogStoreSinkTests
{
    [Fact]
    public void An_event_becomes_a_line_with_its_message_and_session_beside_it()
    {
        var queueId = Guid.CreateVersion7();
        var entry = EntryOf(log => log.ForContext("SourceContext", "Portal.Smtp.Delivery.Courier").ForContext("QueueId", queueId).ForContext("SessionId", "s7").Warning("Delivery to {Host} took {Seconds} s", "mx.example.org\r\nforged", 3));

        Assert.Equal((LogLevel.Warning, "Smtp.Delivery", @"Delivery to mx.example.org\r\nforged took 3 s"), (entry.Level, entry.Component, entry.Message));
        Assert.Equal((queueId, "s7"), (entry.QueueId, entry.SessionId));
        var properties = LogText.ReadProperties(entry.Properties);
        Assert.Equal(@"mx.example.org\r\nforged", properties["Host"]);
        Assert.Equal("3", properties["Seconds"]);
    }

    [Fact]
    public void A_password_that_somebody_logged_stands_neither_in_the_sentence_nor_beside_it()
    {
        var entry = EntryOf(log => log.Error(new InvalidOperationException("broken"), "Sign-in of {User} with {Password} failed", "anna", "hunter2"));

        Assert.DoesNotContain("hunter2", entry.ToString(), StringComparison.Ordinal);
        Assert.Equal("Sign-in of anna with *** failed", entry.Message);
        Assert.Contains("InvalidOperationException: broken", entry.Exception, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(LogEventLevel.Verbose, LogLevel.Trace)]
    [InlineData(LogEventLevel.Debug, LogLevel.Debug)]
    [InlineData(LogEventLevel.Information, LogLevel.Information)]
    [InlineData(LogEventLevel.Warning, LogLevel.Warning)]
    [InlineData(LogEventLevel.Error, LogLevel.Error)]
    [InlineData(LogEventLevel.Fatal, LogLevel.Critical)]
    public void Levels_keep_their_weight(LogEventLevel serilog, LogLevel level) => Assert.Equal(level, EntryOf(log => log.Write(serilog, "x")).Level);

    private static LogEntry EntryOf(Action<Serilog.ILogger> act)
    {
        var caught = new Catcher();
        using var logger = new LoggerConfiguration().MinimumLevel.Verbose().WriteTo.Sink(caught).CreateLogger();
        act(logger);
        return LogStoreSink.EntryOf(Assert.Single(caught.Events));
    }

    private sealed class Catcher : ILogEventSink
    {
        public List<LogEvent> Events { get; } = [];

        public void Emit(LogEvent logEvent) => Events.Add(logEvent);
    }
}
