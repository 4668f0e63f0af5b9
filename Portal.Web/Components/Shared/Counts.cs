using Microsoft.Extensions.Localization;
using Portal.Web.Resources;

namespace Portal.Web.Components.Shared;

/// <summary>Counts that are told up to <see cref="Portal.Core.Paging.CountLimit"/> and "over" beyond (PORTAL §4).</summary>
public static class Counts
{
    /// <summary>The text for a count that may have stopped: <c>key_other</c> with "over 10,000" in its hole when it has.</summary>
    public static string Plural(this IStringLocalizer words, string key, int count, bool isExact, IStringLocalizer<Shell> shell) =>
        isExact ? words.Plural(key, count) : words[$"{key}_other", shell["Over", count]];
}
