namespace Portal.Core.Domains;

/// <summary>What the DNS says of a key's record.</summary>
public enum KeyRecordState
{
    Found,
    Missing,

    /// <summary>Another record, or more than one, stands under the name.</summary>
    Different,

    /// <summary>The DNS gave no answer, which says nothing of the record.</summary>
    Failed,
}

/// <summary>Asks the DNS for the records of keys as it is now. The network is outside Core: the engine's side implements it.</summary>
public interface IKeyRecordLookup
{
    /// <summary>Looks for one record; an answer that does not come in time is <see cref="KeyRecordState.Failed"/>.</summary>
    Task<KeyRecordState> LookAsync(DkimRecord record, CancellationToken cancel);
}
