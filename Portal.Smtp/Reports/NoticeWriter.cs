using System.Globalization;
using System.Text;
using MimeKit;
using Portal.Core;
using Portal.Core.Alerts;
using Portal.Core.Messages;

namespace Portal.Smtp.Reports;

/// <summary>Writes the mail that tells the owner of a mailbox what happened to it (RFC 5322; RFC 3834 §5: no machine answers it).</summary>
internal static class NoticeWriter
{
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
        message.WriteTo(MailFormats.For(!Ascii.IsValid(pending.Address)), octets);
        return octets.ToArray();
    }

    private static string Subject(BilingualText words, OwnerNotice notice) =>
        notice.Kind == OwnerNoticeKind.Quota ? words.Say("SubjectQuota", PercentOf(notice)) : words[$"Subject{notice.Kind}"];

    private static string Body(BilingualText words, PendingNotice pending, string hostName)
    {
        var notice = pending.Notice;
        var when = When(notice.At, pending.TimeZone);
        string[] paragraphs = notice.Kind switch
        {
            OwnerNoticeKind.Quota => [words.Say("BodyQuota", pending.Address, SizeText.Of(notice.UsedBytes, words.Culture), SizeText.Of(notice.QuotaBytes, words.Culture), when), words["AdviceQuota"]],
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
}
