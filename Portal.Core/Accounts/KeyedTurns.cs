namespace Portal.Core.Accounts;

/// <summary>
/// Tries that belong together take turns: so many at once, so many waiting, more are "busy". One at a time for a (login name, network)
/// pair: the next password is looked at only when the one before has been counted, so that many at once get no more tries than one after
/// the other (DESIGN §6). Each process gives its own turns.
/// </summary>
internal sealed class KeyedTurns<TKey>(int atOnce, int maxWaiting)
    where TKey : notnull
{
    private readonly Lock groupsLock = new();
    private readonly Dictionary<TKey, Group> groups = [];

    /// <summary>Waits for this try's turn; dispose it when the try has been counted. Null when too many wait already.</summary>
    public async Task<Turn?> EnterAsync(TKey key, CancellationToken cancel)
    {
        Group? group;
        lock (groupsLock)
        {
            if (!groups.TryGetValue(key, out group)) groups[key] = group = new Group(atOnce);
            if (group.Tries >= atOnce + maxWaiting) return null;
            group.Tries++;
        }

        bool hasWaited;
        try
        {
            hasWaited = !group.Free.Wait(0, CancellationToken.None);
            if (hasWaited) await group.Free.WaitAsync(cancel);
        }
        catch
        {
            Leave(key, group);
            throw;
        }

        return new Turn(hasWaited, () =>
        {
            group.Free.Release();
            Leave(key, group);
        });
    }

    private void Leave(TKey key, Group group)
    {
        lock (groupsLock)
        {
            if (--group.Tries > 0) return;
            groups.Remove(key);
            group.Free.Dispose();
        }
    }

    private sealed class Group(int atOnce)
    {
        public SemaphoreSlim Free { get; } = new(atOnce, atOnce);

        /// <summary>Those that have their turn and those that wait.</summary>
        public int Tries { get; set; }
    }

    /// <summary>The right to one try.</summary>
    public sealed class Turn(bool hasWaited, Action end) : IDisposable
    {
        private Action? ending = end;

        /// <summary>Whether another try of the same key may have ended meanwhile.</summary>
        public bool HasWaited => hasWaited;

        /// <summary>Gives it back; a second time does nothing.</summary>
        public void Dispose() => Interlocked.Exchange(ref ending, null)?.Invoke();
    }
}
