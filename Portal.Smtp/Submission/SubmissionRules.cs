using Portal.Core.Accounts;
using Portal.Core.Addresses;
using Portal.Core.Messages;
using Portal.Smtp.Protocol;
using Portal.Smtp.Receiving;

namespace Portal.Smtp.Submission;

/// <summary>Whom a submitted message may claim to be from (RFC 6409 §6.1, §8).</summary>
internal sealed class SubmissionRules(SenderRights rights)
{
    /// <summary>Null when every address of the one From field is the account's own; else the rule and the refusal.</summary>
    public async ValueTask<(string Rule, SmtpReply Reply)?> CheckHeaderFromAsync(Guid accountId, MessageHead head, CancellationToken cancel)
    {
        // RFC 5322 §3.6: exactly one From. Two of them, or one that can't be read, show each reader another author.
        if (head.FromCount != 1 || head.FromAddresses.Count == 0) return (Rules.HeaderFromUnreadable, SmtpReply.BadHeaderFrom);
        foreach (var text in head.FromAddresses)
        {
            if (!MailAddress.TryParse(text, out var from) || !await rights.OwnsAsync(accountId, from, cancel)) return (Rules.HeaderFromNotOwned, SmtpReply.HeaderFromNotOwned);
        }

        return null;
    }
}
