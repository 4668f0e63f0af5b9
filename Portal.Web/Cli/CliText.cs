using System.Globalization;
using System.Resources;
using Portal.Core;
using Portal.Web.Hosting;

namespace Portal.Web.Cli;

/// <summary>The words of the command line, in the language of its shell (CliText.resx).</summary>
internal static class CliText
{
    private static readonly ResourceManager Words = new("Portal.Web.Cli.CliText", typeof(CliText).Assembly);
    private static readonly ResourceManager Refusals = new("Portal.Web.Resources.Refusals", typeof(CliText).Assembly);

    public static string Say(string key, params object?[] arguments) => Format(Words, key, arguments);

    /// <summary>A refusal as the sentence that ends the command.</summary>
    public static StartRefused Refused(Refusal refusal) => new(Format(Refusals, refusal.Key, refusal.Arguments));

    private static string Format(ResourceManager words, string key, object?[] arguments) =>
        string.Format(CultureInfo.CurrentCulture, words.GetString(key, CultureInfo.CurrentUICulture) ?? throw new MissingManifestResourceException(key), arguments);
}
