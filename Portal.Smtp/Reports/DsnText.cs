using System.Resources;

namespace Portal.Smtp.Reports;

/// <summary>The words of DSNs. A DSN speaks both languages: nobody knows which one its reader does.</summary>
internal sealed class DsnText
{
    private static readonly ResourceManager Words = new(typeof(DsnText));

    public static readonly BilingualText English = new(Words, "en");
    public static readonly BilingualText Chinese = new(Words, "zh-Hans");
}
