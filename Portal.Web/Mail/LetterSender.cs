using Portal.Core;
using Portal.Core.Messages;
using Portal.Core.Permissions;
using Portal.Smtp.Receiving;

namespace Portal.Web.Mail;

/// <summary>Sends letters the way every submission goes: the same receiver, one commit for recipients, queue, Sent and trace.</summary>
public sealed partial class LetterSender(DraftService drafts, MessageReceiver receiver, ILogger<LetterSender> logger)
{
    /// <summary>Sends a letter; when it returns the queue id, it is on disk and the draft is gone.</summary>
    public async Task<Outcome<Guid>> SendAsync(Actor actor, Letter letter, CancellationToken cancel)
    {
        var composed = await drafts.ComposeAsync(actor, letter, cancel);
        if (!composed.IsDone) return composed.Refusal;

        using var outgoing = composed.Value;
        var sent = await receiver.SubmitAsync(actor, new ComposedMail(outgoing.ReversePath, outgoing.Recipients, outgoing.Content), cancel);
        if (!sent.IsDone) return sent;

        try
        {
            await drafts.CompleteAsync(actor, letter, CancellationToken.None);
        }
        catch (Exception e)   // whatever it was: the letter is sent, and a draft left behind must not read as "not sent"
        {
            LogDraftLeft(logger, sent.Value, e);
        }

        return sent;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{QueueId} was sent, but its draft could not be removed")]
    private static partial void LogDraftLeft(ILogger logger, Guid queueId, Exception error);
}
