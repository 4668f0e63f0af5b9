using System.Text.RegularExpressions;
using AngleSharp.Html.Dom;
using Ganss.Xss;

namespace Portal.Web.Mail;

/// <summary>HTML of a mail made safe to show.</summary>
/// <param name="Markup">Inside of a body.</param>
internal sealed record SafeHtml(string Markup);

/// <summary>
/// Makes the HTML of strangers safe: known tags and attributes only, no script, no form, no style sheet, no frame, no address of our own
/// host; images from the message itself, and from elsewhere only by way of our fetcher. The sandboxed document it goes into is the second
/// wall, not the first.
/// </summary>
internal static partial class MailHtml
{
    private const int MaxStyleLength = 2_000;
    private const int MaxDataUri = 7 * 1024 * 1024;

    /// <summary>Characters of the message's own pictures in one document: all of them once (MailBody), in base64.</summary>
    private const int MaxEmbedded = 30 * 1024 * 1024;

    // With their content; other unknown tags leave their children behind.
    private static readonly HashSet<string> Dropped = new(StringComparer.OrdinalIgnoreCase)
    {
        "script", "style", "title", "noscript", "template", "iframe", "frame", "frameset", "object", "embed", "applet", "svg", "math", "textarea", "select", "button", "input", "audio", "video",
        "canvas", "link", "meta", "base", "xml", "portal",
    };

    private static readonly string[] Tags =
    [
        "a", "abbr", "acronym", "address", "b", "bdi", "bdo", "big", "blockquote", "br", "caption", "center", "cite", "code", "col", "colgroup", "dd", "del", "dfn", "dir", "div", "dl", "dt", "em",
        "figcaption", "figure", "font", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "ol", "p", "pre", "q", "s", "samp", "section", "article", "header", "footer", "main",
        "small", "span", "strike", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "u", "ul", "var",
    ];

    private static readonly string[] Attributes =
    [
        "align", "alt", "background", "bgcolor", "border", "cellpadding", "cellspacing", "cite", "color", "cols", "colspan", "dir", "face", "height", "href", "hspace", "lang", "noshade", "nowrap", "rowspan",
        "size", "span", "src", "start", "style", "summary", "title", "type", "valign", "vspace", "width",
    ];

    /// <summary>Makes HTML safe; null when it has too much structure to be looked at.</summary>
    /// <param name="html">As it was sent.</param>
    /// <param name="embedded">The data address of an image of the message, by Content-ID; null when there is none.</param>
    /// <param name="remote">Address at our fetcher for one elsewhere; null blocks them all.</param>
    public static SafeHtml? Clean(string html, Func<string, string?> embedded, Func<string, string>? remote)
    {
        if (!HtmlBounds.Hold(html)) return null;

        var sanitizer = new HtmlSanitizer(new HtmlSanitizerOptions
        {
            AllowedTags = new HashSet<string>(Tags, StringComparer.OrdinalIgnoreCase),
            AllowedAttributes = new HashSet<string>(Attributes, StringComparer.OrdinalIgnoreCase),
            AllowedCssProperties = new HashSet<string>(HtmlSanitizerDefaults.AllowedCssProperties, StringComparer.OrdinalIgnoreCase),
            AllowedSchemes = new HashSet<string>(["http", "https", "mailto", "tel", "cid", "data"], StringComparer.OrdinalIgnoreCase),
            UriAttributes = new HashSet<string>(["href", "src", "background", "cite"], StringComparer.OrdinalIgnoreCase),
            AllowedAtRules = new HashSet<AngleSharp.Css.Dom.CssRuleType>(),
        })
        { KeepChildNodes = true };
        var room = MaxEmbedded;
        sanitizer.FilterUrl += (_, e) => e.SanitizedUrl = e.Tag is IHtmlAnchorElement ? Link(e.OriginalUrl) : Image(e.OriginalUrl, Fitting, remote);

        using var document = sanitizer.HtmlParserFactory().ParseDocument(html);
        foreach (var element in document.All.ToList())
        {
            if (Dropped.Contains(element.LocalName)) element.Remove();
            else if (element.GetAttribute("style") is { } style && (style.Length > MaxStyleLength || style.Count(c => c is '(' or '{') > 40)) element.RemoveAttribute("style");
        }

        if (document.Body is not { } body) return new SafeHtml("");   // a frameset

        sanitizer.SanitizeDom(document, body);
        foreach (var link in body.QuerySelectorAll("a[href]"))
        {
            link.SetAttribute("target", "_blank");
            link.SetAttribute("rel", "noopener noreferrer nofollow");
        }

        return new SafeHtml(body.InnerHtml);

        // One picture may be asked for by thousands of tags, each of which would get all of it.
        string? Fitting(string id)
        {
            if (embedded(id) is not { } picture || picture.Length > room) return null;
            room -= picture.Length;
            return picture;
        }
    }

    /// <summary>Out of the frame and to the web or a mail program; never to an address of ours that has no host.</summary>
    private static string? Link(string? url) =>
        Uri.TryCreate(url?.Trim(), UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" or "mailto" or "tel" ? uri.AbsoluteUri : null;

    private static string? Image(string? url, Func<string, string?> embedded, Func<string, string>? remote)
    {
        url = url?.Trim() ?? "";
        if (url.StartsWith("cid:", StringComparison.OrdinalIgnoreCase)) return embedded(Uri.UnescapeDataString(url[4..]));
        if (url.StartsWith("data:", StringComparison.OrdinalIgnoreCase)) return url.Length <= MaxDataUri && DataImage().IsMatch(url) ? url : null;
        if (url.StartsWith("//", StringComparison.Ordinal)) url = "https:" + url;
        return Uri.TryCreate(url, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" ? remote?.Invoke(uri.AbsoluteUri) : null;
    }

    [GeneratedRegex("^data:image/(png|jpeg|jpg|gif|webp|bmp);base64,[A-Za-z0-9+/=\\s]*$", RegexOptions.IgnoreCase | RegexOptions.NonBacktracking)]
    private static partial Regex DataImage();
}
