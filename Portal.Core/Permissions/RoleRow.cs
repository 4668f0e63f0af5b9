namespace Portal.Core.Permissions;

/// <summary>A role and how many accounts hold it.</summary>
/// <param name="Holders">Counted up to <see cref="Paging.CountLimit"/>.</param>
/// <param name="IsHoldersExact">False when more hold it than lists count.</param>
public sealed record RoleRow(Role Role, int Holders, bool IsHoldersExact);

/// <summary>An account that holds a role.</summary>
public sealed record RoleHolder(Guid AccountId, string LoginName, string DisplayName, bool IsDisabled)
{
    /// <summary>Whether it counts everywhere; a person's own mail counts nowhere but there.</summary>
    public bool IsEverywhere { get; init; }

    /// <summary>Names of the domains it counts in, besides.</summary>
    public IReadOnlyList<string> Domains { get; init; } = [];
}

/// <summary>Which holders of a role a list shows.</summary>
public sealed record RoleHolderQuery(Role Role)
{
    public bool Descending { get; init; }

    public int Skip { get; init; }

    public int Take { get; init; } = Paging.DefaultTake;
}
