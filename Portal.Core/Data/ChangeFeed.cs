using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Portal.Core.Data;

/// <summary>Hints that something changed, for caches and live lists; the counters are the truth (DESIGN §7). Handlers must be quick and must not throw.</summary>
public sealed partial class ChangeFeed(ILogger<ChangeFeed> logger)
{
    private readonly ConcurrentDictionary<Guid, Action<Change, Guid?>> handlers = new();

    /// <summary>What other nodes should hear; set by the part that carries hints between processes.</summary>
    internal Action<Change, Guid?>? Outbound { get; set; }

    /// <summary>False while hints from other nodes can't arrive: caches then trust themselves for a second only (DESIGN §7).</summary>
    public bool IsLive { get; internal set; } = true;

    /// <summary>Calls <paramref name="handler"/> for each change until the result is disposed. The id is the mailbox of <see cref="Change.Mail"/>; null means any.</summary>
    public IDisposable Subscribe(Action<Change, Guid?> handler)
    {
        var id = Guid.NewGuid();
        handlers[id] = handler;
        return new Subscription(this, id);
    }

    /// <summary>Tells this process and the others; call after the commit.</summary>
    public void Publish(Change area, Guid? mailboxId = null)
    {
        Hear(area, mailboxId);
        Outbound?.Invoke(area, mailboxId);
    }

    /// <summary>Tells this process only: what came from another one.</summary>
    internal void Hear(Change area, Guid? mailboxId)
    {
        foreach (var handler in handlers.Values)
        {
            try
            {
                handler(area, mailboxId);
            }
            catch (Exception e)
            {
                // It was a hint only: the fault of who listens must not become that of who has just committed, nor end who carries hints.
                LogFault(logger, area, e);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "A listener failed at the change of {Area}")]
    private static partial void LogFault(ILogger logger, Change area, Exception exception);

    private sealed class Subscription(ChangeFeed feed, Guid id) : IDisposable
    {
        public void Dispose() => feed.handlers.TryRemove(id, out _);
    }
}
