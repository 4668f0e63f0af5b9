using MimeKit.Text;

namespace Portal.Web.Mail;

/// <summary>
/// Whether HTML is small and flat enough to build a tree of. Tree builders search their stack of open elements for each tag and write a
/// tree out by recursion: a few hundred thousand nested tags in a mail would cost minutes, or the process. Counted by a tokenizer.
/// </summary>
internal static class HtmlBounds
{
    public const int MaxDepth = 256;
    private const int MaxTags = 60_000;
    private const int MaxAttributes = 100;

    /// <summary>
    /// Formatting left open is opened anew in each paragraph and cell that follows (HTML, "reconstruct the active formatting elements"):
    /// most elements that may come of it, beside those that are written.
    /// </summary>
    private const int MaxRepeats = 400_000;

    private static readonly HashSet<HtmlTagId> Formatting =
    [
        HtmlTagId.A, HtmlTagId.B, HtmlTagId.Big, HtmlTagId.Code, HtmlTagId.EM, HtmlTagId.Font, HtmlTagId.I, HtmlTagId.NoBR, HtmlTagId.S, HtmlTagId.Small, HtmlTagId.Strike, HtmlTagId.Strong,
        HtmlTagId.TT, HtmlTagId.U,
    ];

    private static readonly HashSet<HtmlTagId> NeverOpen =
    [
        HtmlTagId.Area, HtmlTagId.Base, HtmlTagId.Br, HtmlTagId.Col, HtmlTagId.Embed, HtmlTagId.HR, HtmlTagId.Image, HtmlTagId.Input, HtmlTagId.Link, HtmlTagId.Meta, HtmlTagId.Param,
        HtmlTagId.Source, HtmlTagId.Track, HtmlTagId.Wbr,
        // These end where the next of their kind begins, or with what holds them, which is counted.
        HtmlTagId.P, HtmlTagId.LI, HtmlTagId.TD, HtmlTagId.TH, HtmlTagId.TR, HtmlTagId.TBody, HtmlTagId.THead, HtmlTagId.Tfoot, HtmlTagId.DD, HtmlTagId.DT, HtmlTagId.Option,
    ];

    public static bool Hold(string html)
    {
        var open = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
        var (depth, tags, formatting, repeats) = (0, 0, 0, 0);
        var tokens = new HtmlTokenizer(new StringReader(html)) { DecodeCharacterReferences = false };
        while (tokens.ReadNextToken(out var token))
        {
            if (token is HtmlDataToken or HtmlTagToken { IsEndTag: false } && (repeats += formatting) > MaxRepeats) return false;
            if (token is not HtmlTagToken tag) continue;
            if (++tags > MaxTags || tag.Attributes.Count > MaxAttributes) return false;
            if (NeverOpen.Contains(tag.Id)) continue;

            // An end tag closes only what is open under its name; one that closes nothing must not hide the depth of others.
            var count = open.GetValueOrDefault(tag.Name);
            if (!tag.IsEndTag)
            {
                open[tag.Name] = count + 1;
                if (Formatting.Contains(tag.Id)) formatting++;
                if (++depth > MaxDepth) return false;
            }
            else if (count > 0)
            {
                open[tag.Name] = count - 1;
                if (Formatting.Contains(tag.Id)) formatting--;
                depth--;
            }
        }

        return true;
    }
}
