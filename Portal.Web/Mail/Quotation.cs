using System.Globalization;
using System.Text;
using Microsoft.Extensions.Localization;
using Portal.Core.Messages;

namespace Portal.Web.Mail;

/// <summary>The original inside an answer or a forward, in the writer's language.</summary>
internal static class Quotation
{
    private const int MaxLength = 200_000;

    public static string Of(IStringLocalizer<MailPage> words, LetterStart start, TimeZoneInfo zone)
    {
        var at = TimeZoneInfo.ConvertTime(start.SentAt, zone).ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
        var text = (start.Text.Length > MaxLength ? start.Text[..MaxLength] : start.Text).ReplaceLineEndings("\n").TrimEnd();
        if (start.Letter.Kind == LetterKind.Forward)
            return "\n\n" + string.Join('\n', words["ForwardedMessage"], words["QuoteFrom", start.From], words["QuoteDate", at], words["QuoteSubject", start.Subject], words["QuoteTo", start.To]) + "\n\n" + text + "\n";

        var quote = new StringBuilder("\n\n").Append(words["Wrote", at, start.From]).Append('\n');
        foreach (var line in text.Split('\n')) quote.Append(line.StartsWith('>') ? ">" : "> ").Append(line).Append('\n');
        return quote.ToString();
    }
}
