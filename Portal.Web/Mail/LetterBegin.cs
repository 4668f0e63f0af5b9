using Portal.Core;
using Portal.Core.Messages;
using Portal.Core.Permissions;

namespace Portal.Web.Mail;

/// <summary>What the address of a letter being written stands for: "new", "reply-5", "all-5", "forward-5" or "draft-5", the number an item of one's own.</summary>
internal static class LetterBegin
{
    /// <summary>Opens the letter; <see cref="NotFound"/> for an address that names none.</summary>
    /// <param name="quote">Words the message that is answered or forwarded.</param>
    public static async Task<Outcome<Letter>> OpenAsync(string address, DraftService drafts, Actor actor, Func<LetterStart, string> quote)
    {
        if (address == "new") return new Letter();
        if (address.Split('-') is not [var how, var number] || !long.TryParse(number, out var id)) return new NotFound("MailItem");
        if (how == "draft") return await drafts.OpenAsync(actor, id, CancellationToken.None);

        var kind = how switch { "reply" => LetterKind.Reply, "all" => LetterKind.ReplyAll, "forward" => LetterKind.Forward, _ => LetterKind.New };
        if (kind == LetterKind.New) return new NotFound("MailItem");
        var start = await drafts.BeginAsync(actor, id, kind, CancellationToken.None);
        return start.IsDone ? start.Value.Letter with { Text = quote(start.Value) } : start.Refusal;
    }
}
