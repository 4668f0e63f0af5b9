using System.Collections.Frozen;
using System.Text;
using Portal.Core.Addresses;
using Portal.Core.Queue;
using Portal.Core.Recipients;

namespace Portal.Smtp.Delivery;

/// <summary>Asks the host that mail for an address would go on to, the way the courier would reach it, with RCPT and no content.</summary>
internal sealed class SmtpRecipientProbe(RouteSelector routes, Dialler dialler) : IRecipientProbe
{
    // 5.4.1 is what Exchange Online says of a name that it does not know.
    private static readonly FrozenSet<string> NoMailbox = ["5.4.1", "5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"];

    public async Task<OnwardAnswer> AskAsync(MailAddress recipient, bool alsoAnyName, CancellationToken cancel)
    {
        var dialled = await dialler.DialAsync(await routes.ChooseAsync("", recipient.ToString(), cancel), cancel);
        if (dialled.Connection is not { } connection) return new(OnwardVerdict.Silent, dialled.Refusal?.ToString() ?? dialled.Failure?.Message) { IsUnreached = true };

        await using (connection)
        {
            // RFC 6531 §3.2: to a server without SMTPUTF8 such an address can't even be named.
            if (!connection.Extensions.SmtpUtf8 && !Ascii.IsValid(recipient.ToString())) return new(OnwardVerdict.Refuses, "SMTPUTF8");
            try
            {
                var answer = Judge(await connection.AskAsync(recipient.ToString(), cancel));
                if (alsoAnyName && answer.Verdict != OnwardVerdict.Silent) answer = answer with { TakesAnyName = await TakesAnyNameAsync(connection, recipient.Domain, cancel) };
                await connection.QuitAsync();
                return answer;
            }
            catch (SmtpFailure failure)
            {
                return new(OnwardVerdict.Silent, failure.Message);
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                return new(OnwardVerdict.Silent, null);   // it is there, and slow with this name: the next one may do better
            }
        }
    }

    /// <summary>Null where it does not say: put off, hung up, too slow.</summary>
    private static async Task<bool?> TakesAnyNameAsync(SmtpConnection connection, DomainName domain, CancellationToken cancel)
    {
        try
        {
            var said = await connection.AskAsync($"no-such-name-{Guid.NewGuid():N}@{domain.Value}", cancel);
            return said.Stage != SmtpStage.Recipient || said.Reply.IsTransient ? null : said.Reply.IsPositive;
        }
        catch (Exception e) when (e is SmtpFailure or OperationCanceledException)
        {
            return null;   // what it said of the recipient stands
        }
    }

    /// <summary>Only what is said about the mailbox itself is a no (RFC 3463 §3.2, §3.3); a refusal of the sender, for who we are, or for now, is none.</summary>
    internal static OnwardAnswer Judge(RecipientReply said)
    {
        var reply = said.Reply;
        if (said.Stage == SmtpStage.Recipient && reply.IsPositive) return OnwardAnswer.Yes;
        var isAboutMailbox = reply.Status is { } status ? NoMailbox.Contains(status) : reply.Code is 550 or 551 or 553;
        return said.Stage == SmtpStage.Recipient && reply.IsPermanent && isAboutMailbox
            ? new(OnwardVerdict.Refuses, reply.ToString())
            : new(OnwardVerdict.Silent, reply.ToString()) { IsLasting = reply.IsPermanent };
    }
}
