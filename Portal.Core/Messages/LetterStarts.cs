using System.Globalization;
using Portal.Core.Addresses;

namespace Portal.Core.Messages;

/// <summary>How letters begin: whom an answer goes to, what its subject is, what it refers to (RFC 5322 §3.6.3, §3.6.4).</summary>
internal static class LetterStarts
{
    public static LetterStart Begin(MailRow row, OpenMail original, LetterKind kind, HashSet<string> own)
    {
        var isForward = kind == LetterKind.Forward;
        var (to, cc) = isForward ? ([], []) : Answer(original, kind == LetterKind.ReplyAll, own);
        var letter = new Letter
        {
            Kind = kind,
            SourceItemId = row.Id,
            To = to,
            Cc = cc,
            Subject = Prefixed(original.IsReadable ? original.Subject : row.Subject ?? "", isForward ? "Fwd:" : "Re:"),
            InReplyTo = isForward ? null : original.MessageId,
            References = isForward || original.MessageId is null ? [] : [.. original.References, original.MessageId],
            Attachments = isForward ? [.. original.Parts.Select(p => new LetterAttachment(p.FileName, p.ContentType, p.SizeBytes, null, row.Id, p.Number))] : [],
        };
        return new LetterStart(
            letter, original.From.Count > 0 ? string.Join(", ", original.From) : row.From ?? "", string.Join(", ", original.To), original.Date ?? row.At, original.Subject, original.Text ?? "");
    }

    public static Letter Resume(long itemId, OpenMail draft)
    {
        var (kind, source, length) = Origin(draft.Header(LetterComposer.DraftField));
        return new Letter
        {
            DraftId = itemId,
            Kind = kind,
            SourceItemId = source,
            To = OpenMail.Typed(draft.ToList),
            Cc = OpenMail.Typed(draft.CcList),
            Bcc = OpenMail.Typed(draft.BccList),
            Subject = draft.Subject,
            Text = Exactly((draft.Text ?? "").ReplaceLineEndings("\n"), length),
            InReplyTo = draft.Header("In-Reply-To")?.Trim().Trim('<', '>'),
            References = draft.References,
            Attachments = [.. draft.Parts.Select(p => new LetterAttachment(p.FileName, p.ContentType, p.SizeBytes, null, itemId, p.Number))],
        };
    }

    /// <summary>To whom: Reply-To before From; for what one sent oneself, those it went to. Never oneself, nobody twice.</summary>
    private static (List<string> To, List<string> Cc) Answer(OpenMail original, bool all, HashSet<string> own)
    {
        var seen = new HashSet<string>(own, StringComparer.Ordinal);
        var isOwn = original.From.Count > 0 && original.From.All(p => own.Contains(Folded(p)));
        var answered = isOwn ? original.To : original.ReplyTo.Count > 0 ? original.ReplyTo : original.From;
        var to = Take(answered, seen);
        if (to.Count == 0) to = [.. answered.Select(p => p.ToString())];   // a note to oneself
        if (!all) return (to, []);

        if (!isOwn) to.AddRange(Take(original.To, seen));
        return (to, Take(original.Cc, seen));
    }

    private static List<string> Take(IReadOnlyList<MailPerson> people, HashSet<string> seen) => [.. people.Where(p => p.Address.Length > 0 && seen.Add(Folded(p))).Select(p => p.ToString())];

    private static string Folded(MailPerson person) => MailAddress.TryParse(person.Address, out var address) ? address.Folded : person.Address;

    private static string Prefixed(string subject, string prefix) =>
        subject.StartsWith(prefix, StringComparison.OrdinalIgnoreCase) ? subject : $"{prefix} {subject}".TrimEnd();

    /// <summary>The text as it was typed: a message ends in a line break whether one was typed or not, and before a boundary one is lost.</summary>
    private static string Exactly(string text, int? length) =>
        length is not { } wanted ? text
        : text.Length < wanted ? text.PadRight(wanted, '\n')
        : text.AsSpan(wanted).Trim('\n').IsEmpty ? text[..wanted] : text;

    private static (LetterKind Kind, long? Source, int? Length) Origin(string? field)
    {
        if (field?.Split("; ") is not [var kind, var item, var length] || !Enum.TryParse<LetterKind>(kind, out var known) || !Enum.IsDefined(known)) return (LetterKind.New, null, null);
        return (known, Number(item, "item=") is > 0 and var id ? id : null, Number(length, "length=") is <= DraftService.MaxTextLength and var letters ? (int)letters : null);
    }

    private static long? Number(string text, string name) =>
        text.StartsWith(name, StringComparison.Ordinal) && long.TryParse(text.AsSpan(name.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
