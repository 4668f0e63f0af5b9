using Portal.Core.Addresses;
using Portal.Smtp.Protocol;
using Portal.Smtp.Receiving;

namespace Portal.Smtp.Server.Commands;

/// <summary>DATA: takes the message to its final dot; 250 only when it is durable (RFC 5321 §4.1.1.4, §6.1).</summary>
internal sealed class DataCommand(MessageReceiver receiver, KnownClients known) : ISmtpCommand
{
    public string Verb => "DATA";

    public Needs Needs => Needs.Hello | Needs.Envelope | Needs.NoChunks;

    public async ValueTask<SmtpReply> HandleAsync(SmtpSession session, string argument, CancellationToken cancel)
    {
        if (argument.Length > 0) return SmtpReply.NoArgument;
        var envelope = session.Envelope!;
        if (envelope.Recipients.Count == 0) return envelope.Refused.Count > 0 ? SmtpReply.NoRecipients : SmtpReply.BadSequence;   // RFC 5321 §3.3

        try
        {
            if (await receiver.CheckAccountAsync(session.Origin, envelope, cancel) is { } ended) return ended;
            var message = envelope.Incoming = receiver.Begin(session.Origin, envelope);
            session.Wire.Write(SmtpReply.StartMail);
            await session.Wire.ReadDataAsync(message);   // to the final dot, also after a fault: mail text is never run as commands
            var reply = await receiver.ReceiveAsync(session.Origin, envelope, message);   // a client that leaves now cancels nothing
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
            session.EndTransaction();   // RFC 5321 §4.1.1.4: cleared whatever happened
        }
    }
}
