using System.Resources;

namespace Portal.Smtp.Reports;

/// <summary>The words of mails to the owners of mailboxes, in the owner's language; in both where none was chosen.</summary>
internal sealed class NoticeText
{
    private static readonly ResourceManager Words = new(typeof(NoticeText));
    private static readonly BilingualText[] Both = [new(Words, "en"), new(Words, "zh-Hans")];

    public static IReadOnlyList<BilingualText> For(string? language) => Both.Where(t => t.Culture.Name == language).ToArray() is { Length: > 0 } own ? own : Both;
}
