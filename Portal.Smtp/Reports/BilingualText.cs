using System.Globalization;
using System.Resources;

namespace Portal.Smtp.Reports;

/// <summary>Words of mail that is written here, in one of the two languages; a key that is missing is a fault of ours.</summary>
/// <param name="words">The resource.</param>
internal sealed class BilingualText(ResourceManager words, string language)
{
    public CultureInfo Culture { get; } = CultureInfo.GetCultureInfo(language);

    public string this[string key] => words.GetString(key, Culture) ?? throw new MissingManifestResourceException($"{words.BaseName} has no {key}.");

    public string Say(string key, params object[] arguments) => string.Format(Culture, this[key], arguments);
}
