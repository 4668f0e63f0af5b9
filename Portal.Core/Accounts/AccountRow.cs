using Portal.Core.Mailboxes;
using Portal.Core.Permissions;

namespace Portal.Core.Accounts;

/// <summary>An account as lists show it.</summary>
public sealed record AccountRow(Guid Id, string LoginName, string DisplayName, bool IsDisabled, Guid? MailboxId, DateTimeOffset? LastSignInAt, bool IsDemo, int Version)
{
    /// <summary>Roles besides using one's own mailbox.</summary>
    public IReadOnlyList<HeldRole> Roles { get; init; } = [];
}

/// <summary>A network whose failures slow an account down.</summary>
public sealed record SlowedNetwork(string Network, int Failures, DateTimeOffset NotBefore);

/// <summary>One account: who it is, how signing in goes, and what the actor may do about it.</summary>
/// <param name="Mailbox">Null for an account without one.</param>
/// <param name="LastFailure">The last try that failed, when no later one succeeded; null when all is well.</param>
/// <param name="Slowed">Networks that have to wait now.</param>
/// <param name="Closed">Networks that failed with many names, where whoever has not signed in from there before has to wait, this account too unless it was unlocked a moment ago.</param>
/// <param name="IsRankSafe">Whether the actor holds everything this account holds: without, every act is refused.</param>
/// <param name="IsOwn">Whether it is the actor's own: its password is changed in My account.</param>
public sealed record AccountDetail(
    AccountRow Row, MailboxRow? Mailbox, SignIn? LastFailure, IReadOnlyList<SlowedNetwork> Slowed, IReadOnlyList<SlowedNetwork> Closed, DateTimeOffset CreatedAt, bool IsRankSafe, bool IsOwn);

/// <summary>Which accounts a list shows.</summary>
public sealed record AccountQuery
{
    /// <summary>Part of the login name or the name people see, or one whole alias; empty for all.</summary>
    public string Text { get; init; } = "";

    public Role? Role { get; init; }

    public bool? IsDisabled { get; init; }

    public bool Descending { get; init; }

    public int Skip { get; init; }

    public int Take { get; init; } = Paging.DefaultTake;
}
