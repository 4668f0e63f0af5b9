namespace Portal.Core.Queue;

/// <summary>What an administrator can do with entries.</summary>
public enum QueueAct
{
    /// <summary>Try again now; held entries stay held.</summary>
    Retry,

    /// <summary>Do not try until released.</summary>
    Hold,

    /// <summary>Let a held entry go, at once.</summary>
    Release,

    /// <summary>Remove it and tell nobody.</summary>
    Delete,

    /// <summary>Remove it and send its sender a DSN, as far as the sender asked for one.</summary>
    Return,
}
