using Portal.Core.Accounts;
using Portal.Core.Addresses;
using Portal.Core.Messages;
using Portal.Core.Permissions;
using Portal.Smtp.Protocol;
using Portal.Smtp.Receiving;

namespace Portal.Smtp.Submission;

/// <summary>Who may submit now, and whom their message may claim to be from (RFC 6409 §6.1, §8).</summary>
internal sealed class SubmissionRules(SenderRights rights, RoleDirectory accounts)
{
    /// <summary>Null as long as who authenticated is still who they were: a reset or disabled account is out within the second, and its session ends (DESIGN §6).</summary>
    public async ValueTask<(string Rule, SmtpReply Reply)?> CheckAccountAsync(Origin origin, CancellationToken cancel) =>
        origin is { AccountId: { } accountId, SecurityStamp: { } stamp } && await accounts.ActorAsync(accountId, stamp, Channel.Smtp, origin.Client?.ToString(), cancel) is null
            ? (Rules.AccountEnded, SmtpReply.AccountEnded)
            : null;

    /// <summary>Whether the account may name this reverse-path; the null one comes from nobody, and From is still looked at.</summary>
    public async ValueTask<bool> OwnsAsync(Guid accountId, SmtpPath reversePath, CancellationToken cancel) =>
        reversePath.IsNull || (MailAddress.TryParse(reversePath.ToString(), out var sender) && await rights.OwnsAsync(accountId, sender, cancel));

    /// <summary>Null when every address of the one From field is the account's own; else the rule and the refusal.</summary>
    public async ValueTask<(string Rule, SmtpReply Reply)?> CheckHeaderFromAsync(Guid accountId, MessageHead head, CancellationToken cancel)
    {
        // RFC 5322 §3.6: exactly one From. Two of them, or one that can't be read to its end, show each reader another author.
        if (head.FromCount != 1 || head.IsFromCut || head.FromAddresses.Count == 0) return (Rules.HeaderFromUnreadable, SmtpReply.BadHeaderFrom);
        foreach (var text in head.FromAddresses)
        {
            if (!MailAddress.TryParse(text, out var from) || !await rights.OwnsAsync(accountId, from, cancel)) return (Rules.HeaderFromNotOwned, SmtpReply.HeaderFromNotOwned);
        }

        return null;
    }
}
