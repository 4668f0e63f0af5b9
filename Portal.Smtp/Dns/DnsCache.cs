using System.Collections.Concurrent;
using ARSoft.Tools.Net;
using ARSoft.Tools.Net.Dns;

namespace Portal.Smtp.Dns;

/// <summary>
/// Answers as long as they hold, and one question for all who ask the same at once. What failed is not kept. The number of names is bounded:
/// a client that makes us ask for ever new ones costs the others their remembered answers at worst.
/// </summary>
internal sealed class DnsCache(DnsResolvers resolvers, TimeProvider clock)
{
    private const int MaxEntries = 20_000;
    private const int MaxCharacters = 2_000;   // of one answer; an RSA key of 4,096 bits has 750
    private readonly ConcurrentDictionary<(string Name, RecordType Type), Entry> entries = [];
    private readonly ConcurrentDictionary<(string Name, RecordType Type), Lazy<Task<DnsAnswer<DnsRecordBase>>>> underWay = [];
    private readonly Lock sweep = new();

    /// <summary>The answer, remembered or asked for. Cancelling leaves the question to the others who wait for it.</summary>
    public async Task<DnsAnswer<DnsRecordBase>> AskAsync(DomainName name, RecordType type, CancellationToken cancel)
    {
        var key = (name.ToString().ToLowerInvariant(), type);
        if (entries.TryGetValue(key, out var kept) && clock.GetElapsedTime(kept.At) < kept.HoldsFor) return kept.Answer;
        return await underWay.GetOrAdd(key, k => new(() => FetchAsync(k, name))).Value.WaitAsync(cancel);
    }

    private async Task<DnsAnswer<DnsRecordBase>> FetchAsync((string Name, RecordType Type) key, DomainName name)
    {
        try
        {
            var (answer, holdsFor) = await resolvers.AskAsync(name, key.Type, CancellationToken.None);   // within the time of one question
            if (holdsFor > TimeSpan.Zero && answer.Records.Sum(SizeOf) <= MaxCharacters) Keep(key, new Entry(answer, clock.GetTimestamp(), holdsFor));
            return answer;
        }
        finally
        {
            underWay.TryRemove(key, out _);
        }
    }

    private static int SizeOf(DnsRecordBase record) => record is TxtRecord text ? text.TextData.Length : 64;

    private void Keep((string Name, RecordType Type) key, Entry entry)
    {
        if (entries.Count >= MaxEntries) MakeRoom();
        entries[key] = entry;
    }

    /// <summary>Lets go of what holds no longer, and of half of all where that is not enough.</summary>
    private void MakeRoom()
    {
        lock (sweep)
        {
            if (entries.Count < MaxEntries) return;
            foreach (var (key, entry) in entries)
                if (clock.GetElapsedTime(entry.At) >= entry.HoldsFor) entries.TryRemove(key, out _);
            if (entries.Count < MaxEntries * 3 / 4) return;
            foreach (var key in entries.Keys.Take(MaxEntries / 2)) entries.TryRemove(key, out _);
        }
    }

    private sealed record Entry(DnsAnswer<DnsRecordBase> Answer, long At, TimeSpan HoldsFor);
}
