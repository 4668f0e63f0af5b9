using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Portal.Core.Permissions;

namespace Portal.Core.Alerts;

public enum NoticeSeverity
{
    Information,
    Warning,
    Error,
}

/// <summary>Something about the whole system that people should see now.</summary>
/// <param name="Key">Key of its text (Banners resource), such as "CertificateExpired"; one notice per key stands at a time.</param>
public sealed record SystemNotice(string Key, NoticeSeverity Severity)
{
    /// <summary>Values for the holes of the text, in order. No path, no configuration: banners are public to who is signed in.</summary>
    public object[] Arguments { get; init; } = [];

    public DateTimeOffset Since { get; init; }

    /// <summary>Who is shown it; null for everybody.</summary>
    public Capability? Needs { get; init; }
}

/// <summary>What stands in the portal's banner: certificate, disk, database. Of this process; whoever raises one also clears it.</summary>
public sealed partial class SystemNotices(TimeProvider clock, ILogger<SystemNotices> logger)
{
    private readonly ConcurrentDictionary<string, SystemNotice> standing = new();

    /// <summary>A notice came, changed or went. Handlers must be quick and must not throw.</summary>
    public event Action? Changed;

    /// <summary>Most serious first, then oldest.</summary>
    public IReadOnlyList<SystemNotice> Current => [.. standing.Values.OrderByDescending(n => n.Severity).ThenBy(n => n.Since)];

    /// <summary>Puts a notice up; one that stands already keeps its time.</summary>
    public void Raise(string key, NoticeSeverity severity, params object[] arguments) => Raise(new SystemNotice(key, severity) { Arguments = arguments });

    /// <inheritdoc cref="Raise(string, NoticeSeverity, object[])"/>
    public void Raise(SystemNotice raised)
    {
        var notice = raised with { Since = clock.GetUtcNow() };
        var isNew = false;
        standing.AddOrUpdate(
            raised.Key,
            _ => { isNew = true; return notice; },
            (_, old) =>
            {
                isNew = old.Severity != notice.Severity || old.Needs != notice.Needs || !old.Arguments.SequenceEqual(notice.Arguments);
                return isNew ? notice with { Since = old.Since } : old;
            });
        if (isNew) Tell();
    }

    public void Clear(string key)
    {
        if (standing.TryRemove(key, out _)) Tell();
    }

    /// <summary>One listener's fault ends neither the others nor whoever watches certificate, disk and database.</summary>
    private void Tell()
    {
        foreach (var handler in Changed?.GetInvocationList().Cast<Action>() ?? [])
        {
            try
            {
                handler();
            }
            catch (Exception e)
            {
                LogFault(logger, e);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "A listener of the system's notices failed")]
    private static partial void LogFault(ILogger logger, Exception exception);
}
