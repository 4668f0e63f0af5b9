using System.Globalization;
using Microsoft.Extensions.Localization;
using Portal.Core.Queue;
using Portal.Web.Components.Shared;

namespace Portal.Web.Admin.Routes;

/// <summary>A route in three versions: as the drawer found it, as it stands there, as it is saved now.</summary>
internal static class RouteVersions
{
    /// <summary>Value by value. Of passwords only whether there is one: one typed is always shown, for nobody can tell whether theirs is another.</summary>
    public static IReadOnlyList<ChangedValue> Of(IStringLocalizer<RoutesPage> l, RouteView before, RouteDraft mine, RouteView theirs) =>
    [
        new(l["Name"], before.Name, mine.Name.Trim(), theirs.Name),
        new(l["For"], MailOf(l, before.Match, before.Pattern), MailOf(l, mine.Match, mine.Pattern.Trim()), MailOf(l, theirs.Match, theirs.Pattern)),
        new(l["HostName"], before.Host, mine.Host.Trim(), theirs.Host),
        new(l["Port"], TextOf(before.Port), TextOf(mine.Port), TextOf(theirs.Port)),
        new(l["Tls"], l[$"Tls_{before.Tls}"], l[$"Tls_{mine.Tls}"], l[$"Tls_{theirs.Tls}"]),
        new(l["UserName"], before.UserName ?? "", mine.UserName?.Trim() ?? "", theirs.UserName ?? ""),
        mine.Password is null
            ? new(l["Password"], PasswordOf(l, before.HasPassword), PasswordOf(l, theirs.HasPassword && !string.IsNullOrWhiteSpace(mine.UserName)), PasswordOf(l, theirs.HasPassword))
            : new(l["Password"], "", l["PasswordTyped"], PasswordOf(l, theirs.HasPassword)),
    ];

    private static string MailOf(IStringLocalizer<RoutesPage> l, RouteMatch match, string pattern) => match == RouteMatch.All ? l["Match_All"] : l["MatchOf", l[$"Match_{match}"], pattern];

    private static string PasswordOf(IStringLocalizer<RoutesPage> l, bool isThere) => l[isThere ? "PasswordStored" : "PasswordNone"];

    private static string TextOf(int port) => port.ToString(CultureInfo.InvariantCulture);
}
