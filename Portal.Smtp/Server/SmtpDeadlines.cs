using System.Collections.Concurrent;

namespace Portal.Smtp.Server;

/// <summary>
/// One timer for the waits of all sessions: each second it looks which are over. A timer for each command of each session
/// would cost an allocation and a lock a command; a second more or less matters to no timeout of RFC 5321.
/// </summary>
internal sealed class SmtpDeadlines : IDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);
    private readonly ConcurrentDictionary<SmtpWire, byte> wires = new();
    private readonly ITimer timer;

    public SmtpDeadlines(TimeProvider clock)
    {
        Clock = clock;
        timer = clock.CreateTimer(_ => Look(), null, Tick, Tick);
    }

    public TimeProvider Clock { get; }

    public void Add(SmtpWire wire) => wires[wire] = 0;

    public void Remove(SmtpWire wire) => wires.TryRemove(wire, out _);

    public void Dispose() => timer.Dispose();

    private void Look()
    {
        var now = Clock.GetTimestamp();
        foreach (var (wire, _) in wires) wire.Look(now);
    }
}
