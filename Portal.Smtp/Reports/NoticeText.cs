using System.Globalization;
using System.Resources;

namespace Portal.Smtp.Reports;

/// <summary>The words of mails to the owners of mailboxes, in the owner's language; in both where none was chosen.</summary>
internal sealed class NoticeText
{
    private static readonly ResourceManager Words = new(typeof(NoticeText));
    private static readonly NoticeText[] Both = [new(CultureInfo.GetCultureInfo("en")), new(CultureInfo.GetCultureInfo("zh-Hans"))];

    private NoticeText(CultureInfo culture) => Culture = culture;

    public CultureInfo Culture { get; }

    public string this[string key] => Words.GetString(key, Culture) ?? throw new MissingManifestResourceException($"NoticeText has no {key}.");

    public static IReadOnlyList<NoticeText> For(string? language) => Both.Where(t => t.Culture.Name == language).ToArray() is { Length: > 0 } own ? own : Both;

    public string Say(string key, params object[] arguments) => string.Format(Culture, this[key], arguments);
}
