using System.Diagnostics.CodeAnalysis;
using Portal.Core.Permissions;

namespace Portal.Core;

/// <summary>Why a service did not do what was asked: a resource key with arguments, worded by whoever shows it (DESIGN §6).</summary>
/// <param name="Key">Key in the <c>Refusals</c> resource.</param>
public abstract record Refusal(string Key)
{
    /// <summary>Values for the holes of the text, in order.</summary>
    public object[] Arguments { get; init; } = [];

    /// <summary>The form field it belongs to; null where it belongs to none.</summary>
    public string? Field { get; init; }
}

/// <summary>Not there, or outside the actor's scope: both read the same. <paramref name="What"/> is a noun of the trade such as "Mailbox".</summary>
public sealed record NotFound(string What) : Refusal($"NotFound{What}");

/// <summary>The actor lacks a capability.</summary>
public sealed record NotPermitted(Capability Capability) : Refusal("NotPermitted");

/// <summary>An input that can't be taken.</summary>
public sealed record Invalid : Refusal
{
    public Invalid(string key, params object[] arguments) : base(key) => Arguments = arguments;
}

/// <summary>The present state forbids it: a duplicate, a stale version, something in use.</summary>
public sealed record Conflict : Refusal
{
    private const string Stale = "ChangedByOthers";

    public Conflict(string key, params object[] arguments) : base(key) => Arguments = arguments;

    /// <summary>Somebody else has changed it since it was read; nothing of theirs is overwritten.</summary>
    public static Conflict ChangedByOthers => new(Stale);

    /// <summary>Whether this is <see cref="ChangedByOthers"/>: who asked is shown both versions.</summary>
    public bool IsStale => Key == Stale;
}

/// <summary>Done, or a refusal.</summary>
public class Outcome
{
    public static readonly Outcome Done = new(null);

    protected Outcome(Refusal? refusal) => Refusal = refusal;

    /// <summary>Null when it was done.</summary>
    public Refusal? Refusal { get; }

    [MemberNotNullWhen(false, nameof(Refusal))]
    public bool IsDone => Refusal is null;

    [SuppressMessage("Usage", "CA2225", Justification = "The conversion is the point: a service returns its refusal.")]
    public static implicit operator Outcome(Refusal refusal) => new(refusal);
}

/// <summary>A value, or a refusal.</summary>
public sealed class Outcome<T> : Outcome
{
    private readonly T? value;

    private Outcome(T? value, Refusal? refusal) : base(refusal) => this.value = value;

    /// <summary>The result; reading it after a refusal is a bug and throws.</summary>
    public T Value => IsDone ? value! : throw new InvalidOperationException($"Refused: {Refusal.Key}");

    [SuppressMessage("Usage", "CA2225", Justification = "The conversion is the point: a service returns its result.")]
    public static implicit operator Outcome<T>(T value) => new(value, null);

    [SuppressMessage("Usage", "CA2225", Justification = "The conversion is the point: a service returns its refusal.")]
    public static implicit operator Outcome<T>(Refusal refusal) => new(default, refusal);
}
