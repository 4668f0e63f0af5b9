using System.Collections.Concurrent;

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
}

/// <summary>What stands in the portal's banner: certificate, disk, database. Of this process; whoever raises one also clears it.</summary>
public sealed class SystemNotices(TimeProvider clock)
{
    private readonly ConcurrentDictionary<string, SystemNotice> standing = new();

    /// <summary>A notice came, changed or went. Handlers must be quick and must not throw.</summary>
    public event Action? Changed;

    /// <summary>Most serious first, then oldest.</summary>
    public IReadOnlyList<SystemNotice> Current => [.. standing.Values.OrderByDescending(n => n.Severity).ThenBy(n => n.Since)];

    /// <summary>Puts a notice up; one that stands already keeps its time.</summary>
    public void Raise(string key, NoticeSeverity severity, params object[] arguments)
    {
        var notice = new SystemNotice(key, severity) { Arguments = arguments, Since = clock.GetUtcNow() };
        var isNew = false;
        standing.AddOrUpdate(
            key,
            _ => { isNew = true; return notice; },
            (_, old) =>
            {
                isNew = old.Severity != severity || !old.Arguments.SequenceEqual(arguments);
                return isNew ? notice with { Since = old.Since } : old;
            });
        if (isNew) Changed?.Invoke();
    }

    public void Clear(string key)
    {
        if (standing.TryRemove(key, out _)) Changed?.Invoke();
    }
}
