using System.Globalization;
using System.Text;
using Serilog.Events;
using Serilog.Formatting;
using Serilog.Formatting.Display;

namespace Portal.Web.Hosting;

/// <summary>
/// One event, one line. What comes from outside (a HELO, a subject) can neither begin a line of its own nor colour a terminal:
/// control and direction characters are written as \u escapes (DESIGN §8).
/// </summary>
internal sealed class LogLines : ITextFormatter
{
    private static readonly MessageTemplateTextFormatter Message = new("{Message:lj}", CultureInfo.InvariantCulture);   // l: texts without quotes

    public void Format(LogEvent logEvent, TextWriter output)
    {
        var line = new StringBuilder(256);
        line.Append(logEvent.Timestamp.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture)).Append(' ').Append(Level(logEvent.Level)).Append(' ');
        if (logEvent.Properties.GetValueOrDefault("SourceContext") is ScalarValue { Value: string source }) line.Append(source[(source.LastIndexOf('.') + 1)..]).Append(": ");
        using var words = new StringWriter(CultureInfo.InvariantCulture);
        Message.Format(logEvent, words);
        Escape(words.ToString(), line);
        output.WriteLine(line);
        if (logEvent.Exception is null) return;
        foreach (var part in logEvent.Exception.ToString().Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            line.Clear().Append("    ");   // no event begins with a space, so a line of an exception can't pass for one
            Escape(part, line);
            output.WriteLine(line);
        }
    }

    private static string Level(LogEventLevel level) => level switch
    {
        LogEventLevel.Fatal => "FTL",
        LogEventLevel.Error => "ERR",
        LogEventLevel.Warning => "WRN",
        LogEventLevel.Information => "INF",
        _ => "DBG",
    };

    internal static void Escape(string text, StringBuilder line)
    {
        foreach (var c in text)
        {
            if (char.GetUnicodeCategory(c) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator)
                line.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            else line.Append(c);
        }
    }
}
