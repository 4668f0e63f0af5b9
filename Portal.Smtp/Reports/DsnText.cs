using System.Globalization;
using System.Resources;

namespace Portal.Smtp.Reports;

/// <summary>The words of DSNs. A DSN speaks both languages: nobody knows which one its reader does.</summary>
internal sealed class DsnText
{
    private static readonly ResourceManager Words = new(typeof(DsnText));

    public static readonly DsnText English = new(CultureInfo.GetCultureInfo("en"));
    public static readonly DsnText Chinese = new(CultureInfo.GetCultureInfo("zh-Hans"));

    private readonly CultureInfo culture;

    private DsnText(CultureInfo culture) => this.culture = culture;

    public string this[string key] => Words.GetString(key, culture) ?? throw new MissingManifestResourceException($"DsnText has no {key}.");

    public string Say(string key, params object[] arguments) => string.Format(culture, this[key], arguments);
}
