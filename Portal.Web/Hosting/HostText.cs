using System.Globalization;
using System.Resources;

namespace Portal.Web.Hosting;

/// <summary>The words of the start, in the language of the shell it was started from (HostText.resx).</summary>
internal static class HostText
{
    private static readonly ResourceManager Words = new("Portal.Web.Hosting.HostText", typeof(HostText).Assembly);

    public static string Say(string key, params object?[] arguments) =>
        string.Format(CultureInfo.CurrentCulture, Words.GetString(key, CultureInfo.CurrentUICulture) ?? throw new MissingManifestResourceException(key), arguments);
}
