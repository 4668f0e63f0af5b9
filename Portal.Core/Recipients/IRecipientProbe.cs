using Portal.Core.Addresses;

namespace Portal.Core.Recipients;

/// <summary>What the other host of a domain says about a recipient.</summary>
public enum OnwardVerdict
{
    Takes,

    /// <summary>It does not know the address, or never takes mail for it.</summary>
    Refuses,

    /// <summary>It was not to be reached, put us off, or refused for a reason that is not the recipient.</summary>
    Silent,
}

/// <summary>An answer of the other host.</summary>
/// <param name="Verdict">What it comes to.</param>
/// <param name="Reply">The host's words, or what stood in the way; null for a yes.</param>
public sealed record OnwardAnswer(OnwardVerdict Verdict, string? Reply)
{
    public static readonly OnwardAnswer Yes = new(OnwardVerdict.Takes, null);

    /// <summary>Whether there was no conversation at all: the next question would wait for nothing too.</summary>
    public bool IsUnreached { get; init; }

    /// <summary>Whether it refused for good, though not for the recipient's sake: mail taken now would fail.</summary>
    public bool IsLasting { get; init; }

    /// <summary>Whether it takes a name that nobody can have: then its yes says nothing. Null when that was not asked, or not answered.</summary>
    public bool? TakesAnyName { get; init; }
}

/// <summary>Asks the host that mail for an address goes on to whether it takes it, without a message. The network is outside Core: the courier's side implements it.</summary>
public interface IRecipientProbe
{
    /// <param name="recipient">Whom.</param>
    /// <param name="alsoAnyName">Whether to ask for a name that nobody can have as well.</param>
    /// <param name="cancel">Ends it; the caller then takes it for silence.</param>
    Task<OnwardAnswer> AskAsync(MailAddress recipient, bool alsoAnyName, CancellationToken cancel);
}
