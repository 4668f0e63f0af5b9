using Portal.Core.Alerts;
using Portal.Core.Permissions;

namespace Portal.Core.Messages;

/// <summary>
/// Remembers content that could not be stored, by its hash, for a client that comes again brings it under another queue id. After three
/// times it is set aside (DESIGN §3): committed alone, so that it breaks nobody else's batch, and shown to who can read the log. Used by
/// the writer's one loop only.
/// </summary>
public sealed class SetAside(SystemNotices notices, TimeProvider clock)
{
    /// <summary>Key of the notice that stands while any message is set aside.</summary>
    internal const string Notice = "MailSetAside";

    /// <summary>Without another try for so long its sender has given up: between two tries lie hours at most (RFC 5321 §4.5.4.1).</summary>
    internal static readonly TimeSpan Memory = TimeSpan.FromDays(1);

    private const int Tries = 3;
    private const int MaxKnown = 1_000;
    private readonly Dictionary<string, Failure> failures = [];

    /// <summary>Whether it is to be committed alone.</summary>
    internal bool Holds(Acceptance acceptance) => failures.Count > 0 && failures.TryGetValue(KeyOf(acceptance), out var failure) && failure.Count >= Tries;

    /// <summary>Counts a failure that was the message's own; true once it is set aside.</summary>
    internal bool Failed(Acceptance acceptance)
    {
        if (failures.Count >= MaxKnown) failures.Clear();
        var key = KeyOf(acceptance);
        failures[key] = new(failures.GetValueOrDefault(key).Count + 1, clock.GetTimestamp());
        Tell();
        return failures[key].Count >= Tries;
    }

    /// <summary>Forgets it: it is stored.</summary>
    internal void Stored(Acceptance acceptance)
    {
        if (failures.Count > 0 && failures.Remove(KeyOf(acceptance))) Tell();
    }

    /// <summary>Forgets what nobody tries any more.</summary>
    internal void ForgetOld()
    {
        if (failures.Count == 0) return;
        foreach (var (key, failure) in failures)
            if (clock.GetElapsedTime(failure.At) > Memory) failures.Remove(key);
        Tell();
    }

    private void Tell()
    {
        if (failures.Values.Any(f => f.Count >= Tries)) notices.Raise(new SystemNotice(Notice, NoticeSeverity.Warning) { Needs = Capability.ViewLogs });
        else notices.Clear(Notice);
    }

    internal static string KeyOf(Acceptance acceptance) => Convert.ToHexString(acceptance.Content.Hash);

    private readonly record struct Failure(int Count, long At);
}
