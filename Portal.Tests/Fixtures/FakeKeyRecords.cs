using System.Collections.Concurrent;
using Portal.Core.Domains;

namespace Portal.Tests.Fixtures;

/// <summary>A DNS of nothing but keys' records; what the test did not publish is missing.</summary>
internal sealed class FakeKeyRecords : IKeyRecordLookup
{
    private readonly ConcurrentDictionary<string, KeyRecordState> states = [];
    private readonly ConcurrentQueue<string> asked = [];

    /// <summary>Names asked for so far.</summary>
    public IReadOnlyCollection<string> Asked => asked;

    /// <summary>While set, no question is answered.</summary>
    public bool IsAway { get; set; }

    /// <summary>Done at each question before it is answered.</summary>
    public Func<Task>? Meanwhile { get; set; }

    public FakeKeyRecords Publish(params IEnumerable<DkimKeyRow> keys) => Set(KeyRecordState.Found, keys);

    public FakeKeyRecords Set(KeyRecordState state, params IEnumerable<DkimKeyRow> keys)
    {
        foreach (var key in keys) states[key.Record.Name] = state;
        return this;
    }

    public async Task<KeyRecordState> LookAsync(DkimRecord record, CancellationToken cancel)
    {
        asked.Enqueue(record.Name);
        if (Meanwhile is { } act) await act();
        return IsAway ? KeyRecordState.Failed : states.GetValueOrDefault(record.Name, KeyRecordState.Missing);
    }
}
