using System.ComponentModel.DataAnnotations;

namespace Portal.Core.Accounts;

/// <summary>How long is kept what accounts leave behind.</summary>
public sealed class AccountOptions
{
    public const string Section = "Portal:Accounts";

    /// <summary>How long sign-ins are kept; each account's last successful one stays.</summary>
    [Range(typeof(TimeSpan), "1.00:00:00", "3650.00:00:00")]
    public TimeSpan KeepSignInsFor { get; init; } = TimeSpan.FromDays(90);
}
