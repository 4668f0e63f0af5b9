using System.Globalization;

namespace Portal.Web.Components;

/// <summary>The languages of the portal; the first is what everybody else falls back to.</summary>
public static class Languages
{
    public static readonly IReadOnlyList<string> All = ["en", "zh-Hans"];

    /// <summary>Each language's own name, the same in every language.</summary>
    public static string NameOf(string language) => language == "zh-Hans" ? "简体中文" : "English";

    public static string Other(CultureInfo culture) => culture.Name == "zh-Hans" ? "en" : "zh-Hans";
}
