using System.Globalization;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Portal.Core.Data;
using Portal.Core.Mailboxes;
using Portal.Core.Messages;
using Portal.Core.Permissions;
using Portal.Core.Trace;

namespace Portal.Tests.Fixtures;

/// <summary>
/// Fills a system with stored mail, through the writer that stores all mail: rows, counters and trace are those of mail that came in.
/// Only the search terms of the trace, which the indexer writes in small turns beside the mail, are written here in bulk. The
/// benchmark in bench/seed uses this file too.
/// </summary>
public sealed class ManyMails(IServiceProvider services)
{
    /// <summary>Settings with which the writer commits large batches.</summary>
    public static readonly IReadOnlyDictionary<string, string?> Settings = new Dictionary<string, string?>
    {
        ["Portal:Writer:MaxWaitingMessages"] = "100000",
        ["Portal:Writer:MaxBatchMessages"] = "1000",
        ["Portal:Writer:MaxBatchBytes"] = "67108864",
        ["Portal:Writer:MaxWait"] = "00:05:00",
    };

    private const int InFlight = 3_000;
    private const int PieceMessages = 50_000;
    private const int Senders = 5_000;
    private const int LineBytes = 78;
    private static readonly TimeSpan Spread = TimeSpan.FromDays(6);   // PostgreSQL has a partition for this week and the one before
    private static readonly byte[] Letters = MakeLetters();

    private readonly MailWriter writer = services.GetRequiredService<MailWriter>();
    private readonly ContentSpoolFactory spools = services.GetRequiredService<ContentSpoolFactory>();
    private readonly IDbContextFactory<PortalDbContext> databases = services.GetRequiredService<IDbContextFactory<PortalDbContext>>();
    private readonly WriteGate gate = services.GetRequiredService<WriteGate>();

    /// <summary>Makes mailboxes of these addresses, without a password: quick.</summary>
    public async Task<IReadOnlyList<CreatedMailbox>> AddMailboxesAsync(IEnumerable<string> addresses)
    {
        var service = services.GetRequiredService<MailboxService>();
        List<CreatedMailbox> made = [];
        foreach (var address in addresses)
        {
            var outcome = await service.CreateAsync(Actor.Operator(), new NewMailbox(address, "", FirstCredential.None), CancellationToken.None);
            made.Add(outcome.IsDone ? outcome.Value : throw new InvalidOperationException($"{address}: {outcome.Refusal!.Key}"));
        }

        return made;
    }

    /// <summary>Stores the messages numbered from <paramref name="first"/>, one to each mailbox in turn, as if they had come in over the last days.</summary>
    /// <param name="total">How many there will be in the end: it gives each number its time.</param>
    public async Task StoreAsync(IReadOnlyList<(Guid MailboxId, string Address)> mailboxes, int first, int count, int total, int sizeBytes)
    {
        var begin = DateTimeOffset.UtcNow - Spread;
        for (var piece = first; piece < first + count; piece += PieceMessages)
        {
            await Parallel.ForAsync(piece, Math.Min(piece + PieceMessages, first + count), new ParallelOptions { MaxDegreeOfParallelism = InFlight }, async (number, cancel) =>
            {
                var (mailboxId, address) = mailboxes[number % mailboxes.Count];
                await StoreAsync(number, begin + Spread * ((double)number / total), mailboxId, address, sizeBytes, cancel);
            });
            await WriteTermsAsync();
        }
    }

    private async Task StoreAsync(int number, DateTimeOffset at, Guid mailboxId, string address, int sizeBytes, CancellationToken cancel)
    {
        var (queueId, sender, messageId) = (Guid.CreateVersion7(at), SenderOf(number), MessageIdOf(number));
        using var spool = spools.Create();
        await spool.WriteAsync(Encoding.ASCII.GetBytes($"From: {sender}\r\nTo: {address}\r\nSubject: Stored message {number}\r\nMessage-ID: <{messageId}>\r\n\r\n"), cancel);
        await spool.WriteAsync(BodyOf(number, sizeBytes), cancel);
        using var content = await spool.CompleteAsync(cancel);
        var facts = new TraceFact("recipient.mailbox", new Dictionary<string, string> { ["recipient"] = address, ["mailbox"] = mailboxId.ToString() });
        var result = await writer.WriteAsync(new Acceptance
        {
            QueueId = queueId,
            At = at,
            Content = content,
            TraceFields = Encoding.ASCII.GetBytes($"Return-Path: <{sender}>\r\nReceived: from client.example (192.0.2.7) by mx.portal.test with ESMTP id {queueId} for <{address}>; {at:r}\r\n"),
            Head = MessageHead.Parse(content.Head.Span),
            ReversePath = sender,
            Deliveries = [new LocalDelivery(mailboxId, SpecialUse.Inbox, MailFlags.None, 0)],
            Trace = new MessageTrace { QueueId = queueId, At = at, ClientAddress = "192.0.2.7", Helo = "client.example", ReversePath = sender, MessageIdHeader = messageId, SizeBytes = content.RawBytes, Reply = $"250 2.0.0 Queued as {queueId}", DurationMilliseconds = 3 },
            Event = new TraceEvent { QueueId = queueId, At = at, Facts = TraceFacts.Write([facts]), ContentFacts = TraceFacts.WriteContent(new Dictionary<string, string> { ["subject"] = $"Stored message {number}" }) },
            Recipients = [new TraceRecipient { QueueId = queueId, Index = 0, Recipient = address, Outcome = RecipientOutcome.Delivered, Rule = "recipient.mailbox", UpdatedAt = at }],
        });
        if (result != WriteResult.Committed) throw new InvalidOperationException($"Message {number}: {result}");
    }

    /// <summary>Who sent a message.</summary>
    public static string SenderOf(int number) => string.Create(CultureInfo.InvariantCulture, $"p{number % Senders}@sender.example");

    /// <summary>What its Message-ID field says, without the brackets.</summary>
    public static string MessageIdOf(int number) => string.Create(CultureInfo.InvariantCulture, $"{number}.stored@sender.example");

    /// <summary>The terms TraceText would make of these very traces, in the order of the key.</summary>
    private async Task WriteTermsAsync()
    {
        using var turn = await gate.EnterAsync(CancellationToken.None);
        await using var db = await databases.CreateDbContextAsync();
        db.Database.SetCommandTimeout(TimeSpan.FromMinutes(10));
        await using var transaction = await db.Database.BeginTransactionAsync();
        // The lock of TraceIndexer, which takes turns in a host that runs: it then waits for the end of this one.
        if (!db.Database.IsSqlite()) await db.Database.ExecuteSqlRawAsync($"SELECT pg_advisory_xact_lock({0x5472616365})");

        string Domain(string column) => db.Database.IsSqlite() ? $"""substr("{column}", instr("{column}", '@'))""" : $"""substr("{column}", strpos("{column}", '@'))""";
        var recipients = """ "TraceRecipient" WHERE "QueueId" IN (SELECT "QueueId" FROM "MessageTrace" WHERE NOT "IsIndexed") """;
#pragma warning disable EF1002   // all of it is written above
        await db.Database.ExecuteSqlRawAsync($"""
            INSERT INTO "TraceTerm" ("Term", "QueueId") SELECT "Term", "QueueId" FROM (
                SELECT "ReversePath" AS "Term", "QueueId" FROM "MessageTrace" WHERE NOT "IsIndexed"
                UNION SELECT {Domain("ReversePath")}, "QueueId" FROM "MessageTrace" WHERE NOT "IsIndexed"
                UNION SELECT "MessageIdHeader", "QueueId" FROM "MessageTrace" WHERE NOT "IsIndexed"
                UNION SELECT "ClientAddress", "QueueId" FROM "MessageTrace" WHERE NOT "IsIndexed"
                UNION SELECT "Recipient", "QueueId" FROM {recipients}
                UNION SELECT {Domain("Recipient")}, "QueueId" FROM {recipients}) AS "All"
            WHERE "Term" IS NOT NULL ORDER BY 1, 2 ON CONFLICT DO NOTHING
            """);
#pragma warning restore EF1002
        await db.Traces.Where(t => !t.IsIndexed).ExecuteUpdateAsync(t => t.SetProperty(x => x.IsIndexed, true));
        await transaction.CommitAsync();
    }

    /// <summary>Whole lines, others for each number.</summary>
    private static ReadOnlyMemory<byte> BodyOf(int number, int sizeBytes)
    {
        var lines = Math.Max(1, sizeBytes / LineBytes);
        return Letters.AsMemory(number % (Letters.Length / LineBytes - lines) * LineBytes, lines * LineBytes);
    }

    /// <summary>One megabyte of lines that compress like text.</summary>
    private static byte[] MakeLetters()
    {
        var random = new Random(12345);
        var letters = new byte[1 << 20];
        for (var i = 0; i < letters.Length; i++)
            letters[i] = (i % LineBytes) switch { LineBytes - 2 => (byte)'\r', LineBytes - 1 => (byte)'\n', 0 => (byte)'a', _ => random.Next(6) == 0 ? (byte)' ' : (byte)('a' + random.Next(26)) };
        return letters;
    }
}
