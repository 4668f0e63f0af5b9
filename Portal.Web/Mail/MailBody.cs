using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Portal.Core.Messages;

namespace Portal.Web.Mail;

/// <summary>How a body is to be shown.</summary>
/// <param name="AsText">The text alternative instead of the HTML.</param>
/// <param name="IsDark">Colours of a text; HTML brings its own and lies on white.</param>
/// <param name="Language">For glyphs and hyphens of a text.</param>
internal sealed record BodyView(bool AsText, bool IsDark, string Language);

/// <summary>The document inside the reading frame.</summary>
internal static partial class MailBody
{
    private const int MaxImageBytes = 5 * 1024 * 1024;
    private const int MaxImagesBytes = 20 * 1024 * 1024;
    private static readonly string[] ImageTypes = ["image/png", "image/jpeg", "image/jpg", "image/gif", "image/webp", "image/bmp"];

    /// <summary>Writes the document; null when the message has neither text nor HTML that can be shown.</summary>
    public static async Task<string?> DocumentAsync(OpenMail mail, BodyView view, Func<string, string>? remote, CancellationToken cancel)
    {
        if (!view.AsText && mail.Html is { } html)
        {
            var images = await ImagesAsync(mail, cancel);
            if (MailHtml.Clean(html, id => images.GetValueOrDefault(id), remote) is { } safe) return Html(safe.Markup);
        }

        return mail.Text is { } text ? Text(text, view) : null;
    }

    /// <summary>Whether the HTML would load something from elsewhere; a look at its text, not at its tree.</summary>
    public static bool MentionsRemote(string? html) => html is not null && Remote().IsMatch(html);

    /// <summary>The message's own images as data addresses, by Content-ID.</summary>
    private static async Task<Dictionary<string, string>> ImagesAsync(OpenMail mail, CancellationToken cancel)
    {
        var images = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var total = 0L;
        foreach (var part in mail.Parts.Where(p => p.IsInline && p.SizeBytes <= MaxImageBytes && ImageTypes.Contains(p.ContentType, StringComparer.OrdinalIgnoreCase)))
        {
            if ((total += part.SizeBytes) > MaxImagesBytes) break;
            using var content = new MemoryStream();
            await mail.CopyPartAsync(part.Number, content, cancel);
            images.TryAdd(part.ContentId!, $"data:{part.ContentType.ToLowerInvariant()};base64,{Convert.ToBase64String(content.GetBuffer(), 0, (int)content.Length)}");
        }

        return images;
    }

    private static string Html(string markup) => $$"""
        <!DOCTYPE html>
        <html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title></title><style>
        :root { color-scheme: light; }
        body { margin: 0; padding: 16px; background: white; color: black; font: 14px/1.5 {{PortalTheme.Sans}}; overflow-wrap: anywhere; }
        img { max-width: 100%; height: auto; } table { max-width: 100%; } pre { white-space: pre-wrap; }
        blockquote { margin: 8px 0; padding-left: 12px; border-left: 2px solid silver; }
        </style></head><body>{{markup}}</body></html>
        """;

    private static string Text(string text, BodyView view)
    {
        var (ground, ink, quiet, link) = view.IsDark
            ? (PortalTheme.Dark.Surface, PortalTheme.Dark.TextPrimary, PortalTheme.Dark.TextSecondary, PortalTheme.Dark.Primary)
            : (PortalTheme.Light.Surface, PortalTheme.Light.TextPrimary, PortalTheme.Light.TextSecondary, PortalTheme.Light.Primary);
        return $$"""
            <!DOCTYPE html>
            <html lang="{{WebUtility.HtmlEncode(view.Language)}}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title></title><style>
            :root { color-scheme: {{(view.IsDark ? "dark" : "light")}}; }
            body { margin: 0; padding: 16px; background: {{ground}}; color: {{ink}}; font: 14px/1.5 {{PortalTheme.Sans}}; }
            pre { font: inherit; white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; } .q { color: {{quiet}}; } a { color: {{link}}; }
            </style></head><body><pre dir="auto">{{Lines(text)}}</pre></body></html>
            """;
    }

    private static string Lines(string text)
    {
        var lines = new StringBuilder(text.Length + 256);
        foreach (var line in text.ReplaceLineEndings("\n").Split('\n'))
        {
            var isQuote = line.StartsWith('>');
            if (isQuote) lines.Append("<span class=\"q\">");
            var end = 0;
            foreach (Match url in Url().Matches(line))
            {
                lines.Append(WebUtility.HtmlEncode(line[end..url.Index]));
                lines.Append("<a target=\"_blank\" rel=\"noopener noreferrer nofollow\" href=\"").Append(WebUtility.HtmlEncode(url.Value)).Append("\">").Append(WebUtility.HtmlEncode(url.Value)).Append("</a>");
                end = url.Index + url.Length;
            }

            lines.Append(WebUtility.HtmlEncode(line[end..]));
            lines.Append(isQuote ? "</span>\n" : "\n");
        }

        return lines.ToString();
    }

    [GeneratedRegex("""https?://[^\s<>"'`\\]{1,1000}[^\s<>"'`\\.,;:!?)\]}]""", RegexOptions.NonBacktracking)]
    private static partial Regex Url();

    [GeneratedRegex("""(src|background)\s*=\s*["']?\s*(https?:)?//|url\(\s*["']?\s*(https?:)?//""", RegexOptions.IgnoreCase | RegexOptions.NonBacktracking)]
    private static partial Regex Remote();
}
