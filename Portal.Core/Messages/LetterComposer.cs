using MimeKit;
using MimeKit.Utils;
using Portal.Core.Addresses;

namespace Portal.Core.Messages;

/// <summary>What a letter lacks to be written down.</summary>
internal sealed class LetterFault(Refusal refusal) : Exception(refusal.Key)
{
    public Refusal Refusal { get; } = refusal;
}

/// <summary>Writes a letter as a message (RFC 5322), CRLF throughout. Attached parts of stored items keep their encoding.</summary>
public sealed class LetterComposer(MailOpener opener, UploadStore uploads)
{
    /// <summary>Remembers in a draft how it began; never in what is sent.</summary>
    public const string DraftField = "X-Portal-Draft";

    /// <summary>The addresses a letter goes to, each once; a wrong one is a refusal that names it.</summary>
    public static Outcome<List<MailAddress>> Recipients(Letter letter)
    {
        var found = new Dictionary<string, MailAddress>(StringComparer.Ordinal);
        foreach (var typed in letter.To.Concat(letter.Cc).Concat(letter.Bcc))
        {
            if (ParsePerson(typed) is not { } person) return new Invalid("AddressInvalid", typed) { Field = "To" };
            found.TryAdd(person.Address.Folded, person.Address);
        }

        return found.Count == 0 ? new Invalid("NoRecipient") { Field = "To" } : found.Values.ToList();
    }

    /// <summary>Reads what somebody typed as one recipient: an address, or a name with one; null when it is neither.</summary>
    public static (string Name, MailAddress Address)? ParsePerson(string typed)
    {
        if (MailAddress.TryParse(typed.Trim(), out var bare)) return ("", bare);

        var open = typed.LastIndexOf('<');
        if (open < 0 || !typed.TrimEnd().EndsWith('>')) return null;

        var name = typed[..open].Trim().Trim('"').Trim();
        return !name.Any(char.IsControl) && MailAddress.TryParse(typed.TrimEnd()[(open + 1)..^1].Trim(), out var address) ? (name, address) : null;
    }

    /// <summary>Writes the letter.</summary>
    /// <param name="destination">Where to.</param>
    /// <param name="source">How a stored item of the writer is found; null when it isn't there or isn't theirs.</param>
    /// <exception cref="LetterFault">An address is wrong in what is to be sent, or an attachment is gone.</exception>
    internal async Task WriteAsync(
        Letter letter, Stream destination, Guid accountId, (string Name, string Address) from, DateTimeOffset at, bool isDraft, Func<long, Task<long?>> source, CancellationToken cancel)
    {
        var opened = new Dictionary<long, OpenMail>();
        var files = new List<Stream>();
        try
        {
            using var message = new MimeMessage();
            message.From.Add(new MailboxAddress(from.Name, from.Address));
            var isInternational = !AddAll(message.To, letter.To, isDraft) | !AddAll(message.Cc, letter.Cc, isDraft) | !AddAll(message.Bcc, letter.Bcc, isDraft) | !IsAscii(from.Address);
            message.Subject = OneLine(letter.Subject);
            message.Date = at;
            message.MessageId = $"{Guid.NewGuid():N}@{from.Address[(from.Address.LastIndexOf('@') + 1)..]}";
            if (letter.InReplyTo is { } answered && MimeUtils.ParseMessageId(answered) is { } id) message.InReplyTo = id;
            foreach (var reference in letter.References.TakeLast(30).Select(MimeUtils.ParseMessageId).OfType<string>()) message.References.Add(reference);
            if (isDraft) message.Headers.Add(DraftField, FormattableString.Invariant($"{letter.Kind}; item={letter.SourceItemId ?? 0}; length={Lf(letter.Text).Length}"));

            var text = new TextPart("plain") { Text = Crlf(letter.Text) };
            text.ContentTransferEncoding = text.GetBestEncoding(EncodingConstraint.SevenBit, 998, cancel);
            MimeEntity body = text;
            if (letter.Attachments.Count > 0)
            {
                var mixed = new Multipart("mixed") { text };
                foreach (var attachment in letter.Attachments) mixed.Add(await AttachAsync(attachment, accountId, source, opened, files, cancel));
                body = mixed;
            }

            message.Body = body;
            await message.WriteToAsync(MailFormats.For(isInternational), destination, cancel);
            message.Body = null;   // its parts belong to the items they came from
        }
        finally
        {
            foreach (var mail in opened.Values) mail.Dispose();
            foreach (var file in files) await file.DisposeAsync();
        }
    }

    private async Task<MimeEntity> AttachAsync(
        LetterAttachment attachment, Guid accountId, Func<long, Task<long?>> source, Dictionary<long, OpenMail> opened, List<Stream> files, CancellationToken cancel)
    {
        if (attachment.ItemId is { } itemId)
        {
            if (!opened.TryGetValue(itemId, out var mail))
            {
                if (await source(itemId) is not { } messageId) throw new LetterFault(new Conflict("AttachmentGone", attachment.FileName));
                opened[itemId] = mail = await opener.OpenAsync(messageId, cancel);
            }

            return mail.Leaf(attachment.Part) is { } leaf ? leaf : throw new LetterFault(new Conflict("AttachmentGone", attachment.FileName));
        }

        if (uploads.Open(accountId, attachment.UploadId ?? Guid.Empty) is not { } file) throw new LetterFault(new Conflict("AttachmentGone", attachment.FileName));
        files.Add(file);
        return new MimePart(ContentType.Parse(attachment.ContentType))
        {
            Content = new MimeContent(file),
            ContentTransferEncoding = ContentEncoding.Base64,
            ContentDisposition = new ContentDisposition(ContentDisposition.Attachment) { FileName = attachment.FileName },
            FileName = attachment.FileName,
        };
    }

    /// <summary>Adds the addresses; returns whether all of them are ASCII. A draft keeps a wrong one as a name, so that it is not lost.</summary>
    private static bool AddAll(InternetAddressList list, IReadOnlyList<string> typed, bool isDraft)
    {
        var isAscii = true;
        foreach (var one in typed)
        {
            if (ParsePerson(one) is { } person)
            {
                isAscii &= IsAscii(person.Address.LocalPart);
                list.Add(new MailboxAddress(person.Name, person.Address.ToString()));
            }
            else if (isDraft) list.Add(new GroupAddress(OneLine(one)));
            else throw new LetterFault(new Invalid("AddressInvalid", one) { Field = "To" });
        }

        return isAscii;
    }

    private static bool IsAscii(string text) => System.Text.Ascii.IsValid(text);

    private static string OneLine(string text) => new([.. text.Where(c => !char.IsControl(c))]);

    private static string Lf(string text) => text.ReplaceLineEndings("\n").Replace("\0", "", StringComparison.Ordinal);

    private static string Crlf(string text) => Lf(text).Replace("\n", "\r\n", StringComparison.Ordinal);
}
