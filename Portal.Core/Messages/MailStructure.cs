using System.Text.RegularExpressions;
using MimeKit;

namespace Portal.Core.Messages;

/// <summary>Which parts of a message are its text, and which are beside it (RFC 2046 §5.1).</summary>
internal sealed partial class MailStructure
{
    /// <summary>Text parts that are read as text; what comes after them is listed as parts beside it.</summary>
    private const int MaxTexts = 200;

    public static readonly MailStructure None = new();
    private readonly List<MimeEntity> leaves = [];
    private readonly List<MailPart> parts = [];
    private int texts;
    private int room = MailText.MaxOctets;

    private MailStructure()
    {
    }

    /// <summary>All leaves, depth first; a message within the message is one.</summary>
    public IReadOnlyList<MimeEntity> Leaves => leaves;

    public IReadOnlyList<MailPart> Parts => parts;

    public string? Text { get; private set; }

    public string? Html { get; private set; }

    public bool IsCut { get; private set; }

    /// <summary>A multipart without a part: its boundary never came, so only the source shows what is in it.</summary>
    public bool IsEmpty => leaves.Count == 0;

    public static MailStructure Of(MimeEntity body)
    {
        var structure = new MailStructure();
        var sections = new List<Section>();
        structure.Visit(body, sections, isRoot: true);
        structure.Text = Join(sections.Select(s => s.Text ?? (s.Html is null ? null : MailText.FromHtml(s.Html))));
        if (sections.Any(s => s.Html is not null))
            structure.Html = Join(sections.Select(s => s.Html ?? $"<pre>{System.Net.WebUtility.HtmlEncode(s.Text)}</pre>"));

        structure.MarkInline();
        return structure;
    }

    /// <summary>Parts that the HTML shows by their Content-ID (RFC 2392); one pass over the HTML, however many parts there are.</summary>
    private void MarkInline()
    {
        if (Html is null || !parts.Exists(p => p.ContentId is not null)) return;
        var shown = Cids().Matches(Html).Select(m => m.Groups[1].Value).ToHashSet(StringComparer.OrdinalIgnoreCase);
        for (var i = 0; i < parts.Count; i++)
            if (parts[i].ContentId is { } id && shown.Contains(id)) parts[i] = parts[i] with { IsInline = true };
    }

    private static string? Join(IEnumerable<string?> texts) => string.Join("\n", texts.Where(t => !string.IsNullOrEmpty(t))) is { Length: > 0 } joined ? joined : null;

    private void Visit(MimeEntity entity, List<Section> into, bool isRoot = false)
    {
        switch (entity)
        {
            case MultipartAlternative alternative:
                var choices = new List<Section>();
                foreach (var child in alternative) Visit(child, choices);
                if (choices.Count > 0) into.Add(new(choices.FirstOrDefault(c => c.Html is null)?.Text, choices.LastOrDefault(c => c.Html is not null)?.Html));
                break;
            case Multipart multipart:
                foreach (var child in multipart) Visit(child, into);
                break;
            case TextPart text when isRoot || (texts < MaxTexts && IsBody(text)):
                texts++;
                leaves.Add(text);
                var words = MailText.Of(text, ref room, out var isCut);
                IsCut |= isCut;
                into.Add(text.IsHtml ? new(null, words) : new(words, null));
                break;
            default:
                parts.Add(Describe(entity, leaves.Count));
                leaves.Add(entity);
                break;
        }
    }

    private static bool IsBody(TextPart text) =>
        (text.IsPlain || text.IsHtml || text.IsEnriched) && !text.IsAttachment && string.IsNullOrEmpty(text.FileName);

    private static MailPart Describe(MimeEntity entity, int number)
    {
        var name = entity is MessagePart { Message.Subject: { Length: > 0 } subject } ? subject + ".eml" : entity.ContentDisposition?.FileName ?? entity.ContentType.Name;
        var size = entity is MimePart { Content.Stream: { } stream } part ? Decoded(stream.Length, part.ContentTransferEncoding) : 0;
        return new MailPart(number, MailText.FileName(name, entity.ContentType, number), entity.ContentType.MimeType, size, entity.ContentId, false);
    }

    // base64 writes 57 octets as a line of 76 and its CRLF (RFC 2045 §6.8).
    private static long Decoded(long encoded, ContentEncoding encoding) => encoding == ContentEncoding.Base64 ? encoded * 57 / 78 : encoded;

    [GeneratedRegex("""cid:([^"'\s<>)]{1,1000})""", RegexOptions.IgnoreCase | RegexOptions.NonBacktracking)]
    private static partial Regex Cids();

    private sealed record Section(string? Text, string? Html);
}
