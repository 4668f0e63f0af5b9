using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;
using Portal.Core.Messages;

namespace Portal.Core.Queue;

/// <summary>A message as it goes out: as it came in, below our Received field, and Delivered-To where an address of ours sends it on. Return-Path stays behind, it belongs to final delivery (RFC 5321 §4.4).</summary>
public sealed record QueuedMessage
{
    private readonly ContentReader contents;
    private readonly int returnPathOctets;
    private byte[] deliveredTo = [];

    internal QueuedMessage(ContentReader contents, int returnPathOctets) => (this.contents, this.returnPathOctets) = (contents, returnPathOctets);

    public required long MessageId { get; init; }

    public required Guid QueueId { get; init; }

    public required DateTimeOffset ReceivedAt { get; init; }

    /// <summary>Without angle brackets; null when it has none.</summary>
    public string? MessageIdHeader { get; init; }

    /// <summary>Exact octets that go out.</summary>
    public required long SizeBytes { get; init; }

    public required MessageNeeds Needs { get; init; }

    /// <summary>Longest line in octets without its CRLF.</summary>
    public required int LongestLine { get; init; }

    /// <summary>The same as the address sends it on, with its Delivered-To in front; unchanged for null.</summary>
    public QueuedMessage SentOnBy(string? address)
    {
        if (address is null) return this;
        var field = Messages.DeliveredTo.FieldOf(address);
        return this with { deliveredTo = field, SizeBytes = SizeBytes + field.Length };
    }

    /// <summary>Opens the octets that go out.</summary>
    public async Task<Stream> OpenAsync(CancellationToken cancel)
    {
        var stream = await contents.OpenAsync(MessageId, cancel) ?? throw new IOException("The content is gone.");
        try
        {
            await stream.ReadExactlyAsync(new byte[returnPathOctets], cancel);
            return deliveredTo.Length == 0 ? stream : new ContentReader.JoinedStream(deliveredTo, stream);
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }
}

/// <summary>Finds what queue entries are about.</summary>
public sealed class QueuedMessages(IDbContextFactory<PortalDbContext> databases, ContentReader contents)
{
    /// <summary>Null when there is no such message: an entry's foreign key makes that a fault.</summary>
    public async Task<QueuedMessage?> FindAsync(long messageId, CancellationToken cancel)
    {
        await using var db = await databases.CreateDbContextAsync(cancel);
        var found = await (from message in db.Messages.AsNoTracking()
                           where message.Id == messageId
                           join content in db.Contents on message.Id equals content.MessageId
                           select new { Message = message, content.TraceFields, content.RawBytes }).SingleOrDefaultAsync(cancel);
        if (found is null) return null;

        var returnPath = ReturnPathOctets(found.TraceFields);
        return new QueuedMessage(contents, returnPath)
        {
            MessageId = messageId,
            QueueId = found.Message.QueueId,
            ReceivedAt = found.Message.ReceivedAt,
            MessageIdHeader = found.Message.MessageIdHeader,
            SizeBytes = found.TraceFields.Length - returnPath + found.RawBytes,
            Needs = found.Message.Needs,
            LongestLine = found.Message.LongestLine,
        };
    }

    /// <summary>Of what an address of ours stands for, the part that its message has not gone to yet.</summary>
    public async Task<(List<Guid> Mailboxes, List<string> Relays)> UnservedAsync(QueueEntry entry, IReadOnlyCollection<Guid> mailboxes, IReadOnlyCollection<string> relays, CancellationToken cancel)
    {
        await using var db = await databases.CreateDbContextAsync(cancel);
        var served = await StoredCopies.ServedAsync(db, entry.MessageId, mailboxes, cancel);
        var known = await LocalPlacement.KnownAsync(db, entry.QueueId, cancel);
        return ([.. mailboxes.Except(served)], [.. relays.Except(known)]);
    }

    private static int ReturnPathOctets(ReadOnlySpan<byte> traceFields) =>
        traceFields.StartsWith("Return-Path:"u8) && traceFields.IndexOf("\r\n"u8) is var end and >= 0 ? end + 2 : 0;
}
