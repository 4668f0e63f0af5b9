namespace Portal.Core.Domains;

/// <summary>What a server that sends to a domain does where it finds no TLS it can trust (RFC 8461 §5). A new domain tests.</summary>
public enum MtaStsMode
{
    /// <summary>It delivers, and reports what failed.</summary>
    Testing,

    /// <summary>It does not deliver.</summary>
    Enforce,

    /// <summary>The domain has no policy, or takes it back.</summary>
    None,
}

/// <summary>What a domain says of its transport.</summary>
/// <param name="MaxAgeDays">How long senders may keep the policy, 1 to <see cref="MaxDays"/>; null for what suits the mode.</param>
/// <param name="HeldUntil">Until when senders may hold a policy that was served before the last change; null while nothing was changed.</param>
public sealed record MtaStsSetting(MtaStsMode Mode, int? MaxAgeDays, DateTimeOffset? HeldUntil)
{
    /// <summary>Whole days in the 31,557,600 seconds of RFC 8461 §3.2.</summary>
    public const int MaxDays = 365;

    /// <summary>How long whoever stands between us and a sender may keep an answer of ours.</summary>
    public static readonly TimeSpan CacheFor = TimeSpan.FromMinutes(5);

    /// <summary>How long senders may keep the policy, in days.</summary>
    public int Days => MaxAgeDays ?? DefaultDays(Mode);

    /// <summary>The days that suit a mode: while it is tried out, or taken back, senders should soon ask again.</summary>
    public static int DefaultDays(MtaStsMode mode) => mode == MtaStsMode.Enforce ? 7 : 1;

    /// <summary>The policy that is served; null when there is none.</summary>
    /// <param name="mxHost">The host that takes the domain's mail; A-label form.</param>
    public MtaStsPolicy? PolicyAt(DateTimeOffset now, string mxHost) =>
        Mode != MtaStsMode.None ? new(Mode, Days, mxHost)
        // RFC 8461 §8.3: who holds an older policy is told that there is none, until nobody can hold one.
        : now < HeldUntil ? new(Mode, DefaultDays(Mode), mxHost)
        : null;

    /// <summary>Until when senders may hold what was served up to now. An older policy may have been given out for longer (RFC 8461 §8.3).</summary>
    internal DateTimeOffset? HeldUntilFrom(DateTimeOffset now)
    {
        if (Mode == MtaStsMode.None) return HeldUntil;
        var until = now + CacheFor + TimeSpan.FromDays(Days);
        return until < HeldUntil ? HeldUntil : until;
    }
}
