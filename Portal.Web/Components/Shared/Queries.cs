using System.Globalization;
using Microsoft.AspNetCore.Components;

namespace Portal.Web.Components.Shared;

public static class Queries
{
    // What tells where one is in a list, or what stands open beside it.
    private static readonly HashSet<string> Places = ["page", "before", "open", "new", "entry", "line", "route", "work"];

    /// <summary>A value of the address; null where there is none or it is no such value: whoever mistypes an address gets the page without it.</summary>
    public static T? Read<T>(string? text) where T : struct, IParsable<T> => T.TryParse(text, CultureInfo.InvariantCulture, out var value) ? value : null;

    /// <summary>Changes parameters of the address and keeps the others; null takes one off. The page follows through SupplyParameterFromQuery.</summary>
    public static void SetQuery(this NavigationManager navigation, params (string Name, object? Value)[] values) =>
        navigation.NavigateTo(navigation.GetUriWithQueryParameters(values.ToDictionary(v => v.Name, v => v.Value is string { Length: 0 } ? null : v.Value)));

    /// <summary>Filters and order in the address: what makes a view of a list, without the place in it and without what is open.</summary>
    public static string ViewOf(NavigationManager navigation) =>
        string.Join('&', new Uri(navigation.Uri).Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries).Where(p => !Places.Contains(p.Split('=')[0])));

    /// <summary>Sets a filter: like <see cref="SetQuery"/>, back on the first page, without a step in the history.</summary>
    public static void SetFilter(this NavigationManager navigation, params (string Name, object? Value)[] values)
    {
        var all = values.ToDictionary(v => v.Name, v => v.Value is string { Length: 0 } ? null : v.Value);
        all["page"] = null;
        navigation.NavigateTo(navigation.GetUriWithQueryParameters(all), replace: true);
    }
}
