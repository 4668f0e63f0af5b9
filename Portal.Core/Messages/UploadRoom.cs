namespace Portal.Core.Messages;

/// <summary>
/// What each account has waiting, whole files and those still on their way together: room is taken before an octet is written, so that
/// many uploads at once find no more of it than one after the other. One process holds the data folder, so its memory is enough.
/// </summary>
internal sealed class UploadRoom(long maxBytes)
{
    private readonly Lock usesLock = new();
    private readonly Dictionary<Guid, Use> uses = [];

    /// <summary>An upload begins; dispose its place when it has ended.</summary>
    /// <param name="owner">Whose.</param>
    /// <param name="wholeFilesBytes">Counts what waits already; asked only while no other upload of the account is on its way.</param>
    public Place Enter(Guid owner, Func<long> wholeFilesBytes)
    {
        lock (usesLock)
        {
            if (!uses.TryGetValue(owner, out var use)) uses[owner] = use = new Use { Bytes = wholeFilesBytes() };
            use.Uploads++;
            return new Place(this, owner);
        }
    }

    /// <summary>A whole file went.</summary>
    public void GiveBack(Guid owner, long bytes)
    {
        lock (usesLock)
        {
            if (uses.TryGetValue(owner, out var use)) use.Bytes -= bytes;
        }
    }

    private bool TryTake(Guid owner, long bytes)
    {
        lock (usesLock)
        {
            var use = uses[owner];
            if (use.Bytes + bytes > maxBytes) return false;
            use.Bytes += bytes;
            return true;
        }
    }

    private void Leave(Guid owner, long unusedBytes)
    {
        lock (usesLock)
        {
            var use = uses[owner];
            use.Bytes -= unusedBytes;
            if (--use.Uploads == 0) uses.Remove(owner);
        }
    }

    /// <summary>The room one upload has.</summary>
    public sealed class Place(UploadRoom room, Guid owner) : IDisposable
    {
        private long taken;
        private long kept;

        /// <summary>Takes room for so many octets in all; false when there is none.</summary>
        public bool TryReach(long bytes)
        {
            if (bytes <= taken) return true;
            if (!room.TryTake(owner, bytes - taken)) return false;
            taken = bytes;
            return true;
        }

        /// <summary>The file is whole and stays.</summary>
        public void Keep(long bytes) => kept = bytes;

        public void Dispose() => room.Leave(owner, taken - kept);
    }

    private sealed class Use
    {
        public long Bytes { get; set; }

        public int Uploads { get; set; }
    }
}
