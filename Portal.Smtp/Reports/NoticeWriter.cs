using System.Globalization;
using System.Text;
using MimeKit;
using Portal.Core.Alerts;

namespace Portal.Smtp.Reports;

/// <summary>Writes the mail that tells the owner of a mailbox what happened to it (RFC 5322; RFC 3834 §5: no machine answers it).</summary>
internal static class NoticeWriter
{
    private static readonly string[] Units = ["B", "KB", "MB", "GB", "TB"];
    private static readonly FormatOptions Dos = Format(isInternational: false);
    private static readonly FormatOptions International = Format(isInternational: true);

    public static byte[] Write(PendingNotice pending, Guid queueId, DateTimeOffset at, string hostName)
    {
        var languages = NoticeText.For(pending.Language);
        using var message = new MimeMessage();
        message.From.Add(new MailboxAddress(string.Join(" / ", languages.Select(w => w["Sender"])), $"MAILER-DAEMON@{hostName}"));
        message.To.Add(new MailboxAddress("", pending.Address));
        message.Subject = string.Join(" / ", languages.Select(w => Subject(w, pending.Notice)));
        message.Date = at;
        message.MessageId = $"{queueId:N}@{hostName}";
        message.Headers.Add(HeaderId.AutoSubmitted, "auto-generated");
        var text = new TextPart("plain") { Text = string.Join("\r\n--------\r\n\r\n", languages.Select(w => Body(w, pending, hostName))) };
        text.ContentTransferEncoding = ContentEncoding.QuotedPrintable;
        message.Body = text;
        using var octets = new MemoryStream();
        message.WriteTo(Ascii.IsValid(pending.Address) ? Dos : International, octets);
        return octets.ToArray();
    }

    private static string Subject(NoticeText words, OwnerNotice notice) =>
        notice.Kind == OwnerNoticeKind.Quota ? words.Say("SubjectQuota", PercentOf(notice)) : words[$"Subject{notice.Kind}"];

    private static string Body(NoticeText words, PendingNotice pending, string hostName)
    {
        var notice = pending.Notice;
        var when = When(notice.At, pending.TimeZone);
        string[] paragraphs = notice.Kind switch
        {
            OwnerNoticeKind.Quota => [words.Say("BodyQuota", pending.Address, Size(notice.UsedBytes, words.Culture), Size(notice.QuotaBytes, words.Culture), when), words["AdviceQuota"]],
            OwnerNoticeKind.PasswordReset or OwnerNoticeKind.PasswordLink => [words.Say($"Body{notice.Kind}", when, pending.Address, words[$"Role_{notice.By}"]), words["AdviceByOthers"]],
            _ => [words.Say($"Body{notice.Kind}", when, pending.Address), words["AdviceOwn"]],
        };
        return string.Concat(paragraphs.Append(words.Say("Footer", hostName)).Select(p => p + "\r\n\r\n"))[..^2];
    }

    private static long PercentOf(OwnerNotice notice) => (long)(100.0 * notice.UsedBytes / notice.QuotaBytes);

    private static string When(DateTimeOffset at, string? timeZone)
    {
        var (local, name) = timeZone is not null && TimeZoneInfo.TryFindSystemTimeZoneById(timeZone, out var zone) ? (TimeZoneInfo.ConvertTime(at, zone), timeZone) : (at.ToUniversalTime(), "UTC");
        return string.Create(CultureInfo.InvariantCulture, $"{local:yyyy-MM-dd HH:mm} ({name})");
    }

    /// <summary>As the pages show it: steps of 1,024, one decimal.</summary>
    private static string Size(long bytes, CultureInfo culture)
    {
        var (value, unit) = ((double)bytes, 0);
        for (; value >= 999.5 && unit < Units.Length - 1; unit++) value /= 1024;
        return $"{value.ToString(unit == 0 || value >= 99.95 ? "0" : "0.#", culture)} {Units[unit]}";
    }

    private static FormatOptions Format(bool isInternational)
    {
        var format = FormatOptions.Default.Clone();
        (format.NewLineFormat, format.International, format.EnsureNewLine) = (NewLineFormat.Dos, isInternational, true);
        return format;
    }
}
