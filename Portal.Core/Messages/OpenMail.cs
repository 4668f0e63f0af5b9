using System.Text;
using MimeKit;

namespace Portal.Core.Messages;

/// <summary>Somebody named in a header.</summary>
/// <param name="Name">Empty when only an address is given.</param>
public sealed record MailPerson(string Name, string Address)
{
    public override string ToString() => Name.Length == 0 ? Address : $"{Name} <{Address}>";
}

/// <summary>A part that is no text of the message: an attachment, or an image the HTML shows.</summary>
/// <param name="Number">Its place among all leaves, depth first; what the download's address names.</param>
/// <param name="FileName">Cleaned; never empty.</param>
/// <param name="SizeBytes">Decoded size, estimated from the encoded one.</param>
/// <param name="IsInline">Shown by the HTML through its Content-ID.</param>
public sealed record MailPart(int Number, string FileName, string ContentType, long SizeBytes, string? ContentId, bool IsInline);

/// <summary>
/// A message taken apart for reading. When it can't be (too deep, too many parts, broken), <see cref="IsReadable"/> is false and only its
/// source is shown. Dispose it: large ones lie in a temporary file.
/// </summary>
public sealed class OpenMail : IDisposable
{
    private readonly Stream? source;
    private readonly MimeMessage? message;
    private readonly IReadOnlyList<MimeEntity> leaves;

    // The charsets of old mail; MimeKit asks .NET for them.
    static OpenMail() => Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);

    private OpenMail(Stream? source, MimeMessage? message, MailStructure structure)
    {
        (this.source, this.message, leaves) = (source, message, structure.Leaves);
        (Text, Html, IsCut, Parts) = (structure.Text, structure.Html, structure.IsCut, structure.Parts);
    }

    public bool IsReadable => message is not null;

    /// <summary>The text alternative, or the only text; null when there is none.</summary>
    public string? Text { get; }

    /// <summary>The HTML as it was sent, not made safe; null when there is none.</summary>
    public string? Html { get; }

    /// <summary>The text goes on in the source.</summary>
    public bool IsCut { get; }

    public IReadOnlyList<MailPart> Parts { get; }

    public IEnumerable<MailPart> Attachments => Parts.Where(p => !p.IsInline);

    public IReadOnlyList<MailPerson> From => People(message?.From);

    public IReadOnlyList<MailPerson> To => People(message?.To);

    public IReadOnlyList<MailPerson> Cc => People(message?.Cc);

    public IReadOnlyList<MailPerson> Bcc => People(message?.Bcc);

    public IReadOnlyList<MailPerson> ReplyTo => People(message?.ReplyTo);

    public string Subject => message?.Subject ?? "";

    /// <summary>The Date header with its own offset; null when absent or unreadable.</summary>
    public DateTimeOffset? Date => message?.Headers.Contains(HeaderId.Date) == true && message.Date != DateTimeOffset.MinValue ? message.Date : null;

    /// <summary>Without angle brackets; null when there is none.</summary>
    public string? MessageId => message?.MessageId;

    public IReadOnlyList<string> References => message is null ? [] : [.. message.References];

    /// <summary>A header field of any name, decoded; null when there is none.</summary>
    public string? Header(string name) => message?.Headers[name];

    internal InternetAddressList? ToList => message?.To;

    internal InternetAddressList? CcList => message?.Cc;

    internal InternetAddressList? BccList => message?.Bcc;

    /// <summary>Addresses as somebody typed them into a draft; a group without members is one that was wrong.</summary>
    internal static IReadOnlyList<string> Typed(InternetAddressList? list) => list is null ? [] : [.. list.Take(1000).Select(a => a switch
    {
        MailboxAddress mailbox => new MailPerson(Clean(mailbox.Name), Clean(mailbox.Address)).ToString(),
        _ => Clean(a.Name),
    }).Where(a => a.Length > 0)];

    /// <summary>A part as it stands, for another message; null when there is none of that number.</summary>
    internal MimeEntity? Leaf(int number) => Parts.Any(p => p.Number == number) ? leaves[number] : null;

    /// <summary>Writes a part's decoded octets; false when there is no part of that number.</summary>
    public async Task<bool> CopyPartAsync(int number, Stream destination, CancellationToken cancel)
    {
        if (Parts.All(p => p.Number != number)) return false;
        switch (leaves[number])
        {
            case MimePart { Content: { } content }:
                await content.DecodeToAsync(destination, cancel);
                break;
            case MessagePart { Message: { } inner }:
                await inner.WriteToAsync(destination, cancel);
                break;
        }

        return true;
    }

    public void Dispose()
    {
        message?.Dispose();
        source?.Dispose();
    }

    /// <summary>Takes a message apart; owns the stream, which must be able to seek.</summary>
    internal static async Task<OpenMail> ReadAsync(Stream source, MimeLimits limits, CancellationToken cancel)
    {
        MimeMessage? message = null;
        if (await limits.HoldAsync(source, cancel))
        {
            try
            {
                message = await new MimeParser(limits.Parser, source, MimeFormat.Entity, persistent: true).ParseMessageAsync(cancel);
            }
            catch (FormatException)   // broken beyond reading
            {
            }
        }

        var structure = message?.Body is { } body ? MailStructure.Of(body) : null;
        if (structure is { IsEmpty: false }) return new OpenMail(source, message, structure);

        message?.Dispose();
        return new OpenMail(source, null, MailStructure.None);
    }

    private static IReadOnlyList<MailPerson> People(InternetAddressList? addresses) =>
        addresses is null ? [] : [.. addresses.Mailboxes.Take(1000).Select(m => new MailPerson(Clean(m.Name), Clean(m.Address)))];

    private static string Clean(string? text) => text is null ? "" : new string([.. text.Where(c => !char.IsControl(c))]).Trim();
}
