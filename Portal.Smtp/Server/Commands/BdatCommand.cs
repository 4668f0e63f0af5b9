using Portal.Core.Addresses;
using Portal.Smtp.Protocol;
using Portal.Smtp.Receiving;

namespace Portal.Smtp.Server.Commands;

/// <summary>BDAT: takes the message in chunks of announced size (RFC 3030). The chunk is read whatever is wrong, for it may hold anything.</summary>
internal sealed class BdatCommand(MessageReceiver receiver, KnownClients known) : ISmtpCommand
{
    public string Verb => "BDAT";

    public async ValueTask<SmtpReply> HandleAsync(SmtpSession session, string argument, CancellationToken cancel)
    {
        if (!BdatArgument.TryParse(argument, out var bdat)) return SmtpReply.BadChunk;   // where the chunk ends can't be told
        if (session.Envelope is not { Recipients.Count: > 0 } envelope)
        {
            await session.Wire.ReadChunkAsync(bdat.Octets, null);
            return session.Envelope is { Refused.Count: > 0 } ? SmtpReply.NoRecipients : SmtpReply.BadSequence;
        }

        var isOver = true;
        try
        {
            if (await RefuseChunkAsync(session, envelope, bdat.Octets, cancel) is { } ended) return ended;
            var message = envelope.Incoming ??= receiver.Begin(session.Origin, envelope);
            await session.Wire.ReadChunkAsync(bdat.Octets, message);
            isOver = bdat.IsLast || message.IsLost;
            if (!isOver) return SmtpReply.ChunkOk;
            var reply = await receiver.ReceiveAsync(session.Origin, envelope, message);
            if (reply.Code == 250) known.Remember(session.Client);
            return reply;
        }
        catch (ConnectionLost lost)
        {
            session.EndTransaction(lost.LastWords);
            throw;
        }
        finally
        {
            if (isOver) session.EndTransaction();   // chunks that still come for it are read and answered with 503
        }
    }

    /// <summary>Why nothing more is taken, or null. The chunk is on its way already: without a yes, so after a fault of ours too, it is read away and never run as commands.</summary>
    private async ValueTask<SmtpReply?> RefuseChunkAsync(SmtpSession session, Envelope envelope, long octets, CancellationToken cancel)
    {
        var mayBeTaken = false;
        try
        {
            var ended = await receiver.CheckAccountAsync(session.Origin, envelope, cancel);
            mayBeTaken = ended is null;
            return ended;
        }
        finally
        {
            if (!mayBeTaken) await session.Wire.ReadChunkAsync(octets, null);
        }
    }
}
