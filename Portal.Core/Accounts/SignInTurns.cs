using System.Net;
using Portal.Core.Addresses;

namespace Portal.Core.Accounts;

/// <summary>
/// One try at a time for each (login name, network) pair: the next password is looked at only when the one before has been counted, so
/// that many at once get no more tries than one after the other (DESIGN §6). Each process gives its own turns.
/// </summary>
internal sealed class SignInTurns
{
    /// <summary>Tries of one pair that may wait; more are "busy".</summary>
    public const int MaxWaiting = 50;

    private readonly Lock pairsLock = new();
    private readonly Dictionary<(string LoginName, string Network), Pair> pairs = [];

    /// <summary>Waits for this try's turn; dispose it when the try has been counted. Null when too many wait already.</summary>
    public async Task<Turn?> EnterAsync(string loginName, IPAddress client, CancellationToken cancel)
    {
        var key = (loginName, Networks.Of(client));
        Pair? pair;
        lock (pairsLock)
        {
            if (!pairs.TryGetValue(key, out pair)) pairs[key] = pair = new Pair();
            if (pair.Tries > MaxWaiting) return null;
            pair.Tries++;
        }

        bool hasWaited;
        try
        {
            hasWaited = !pair.Free.Wait(0, CancellationToken.None);
            if (hasWaited) await pair.Free.WaitAsync(cancel);
        }
        catch
        {
            Leave(key, pair);
            throw;
        }

        return new Turn(hasWaited, () =>
        {
            pair.Free.Release();
            Leave(key, pair);
        });
    }

    private void Leave((string, string) key, Pair pair)
    {
        lock (pairsLock)
        {
            if (--pair.Tries > 0) return;
            pairs.Remove(key);
            pair.Free.Dispose();
        }
    }

    private sealed class Pair
    {
        public SemaphoreSlim Free { get; } = new(1, 1);

        /// <summary>The one that has its turn and those that wait.</summary>
        public int Tries { get; set; }
    }

    /// <summary>The right to one try.</summary>
    public sealed class Turn(bool hasWaited, Action end) : IDisposable
    {
        /// <summary>Whether another try of the pair may have ended meanwhile.</summary>
        public bool HasWaited => hasWaited;

        public void Dispose() => end();
    }
}
