using System.Text;
using Portal.Core.Addresses;
using Portal.Core.Domains;
using Portal.Core.Mailboxes;
using Portal.Core.Messages;
using Portal.Core.Permissions;
using Portal.Core.Trace;

namespace Portal.Tests.Fixtures;

/// <summary>Short ways to a domain, a mailbox and an accepted message, for tests below the wire.</summary>
public static class Mail
{
    public const string Text = "From: Bob <bob@example.org>\r\nTo: anna@portal.test\r\nSubject: Hello\r\nMessage-ID: <1@example.org>\r\n\r\nHello Anna.\r\n";

    public static async Task<Guid> AddDomainAsync(this TestDatabase database, string name = "portal.test")
    {
        DomainName.TryParse(name, out var parsed);
        var domain = new Domain { Name = parsed.Value, DisplayName = parsed.Display, CreatedAt = database.Clock.GetUtcNow() };
        await database.WriteAsync(db =>
        {
            db.Domains.Add(domain);
            db.Raise(Portal.Core.Data.Change.Directory);
        });
        return domain.Id;
    }

    /// <summary>A mailbox without password (quick: nothing is hashed).</summary>
    public static async Task<CreatedMailbox> AddMailboxAsync(this TestDatabase database, string address, long? quotaBytes = null, params Role[] roles)
    {
        var outcome = await database.Get<MailboxService>().CreateAsync(
            Actor.Operator(), new NewMailbox(address, "", FirstCredential.None) { QuotaBytes = quotaBytes, Roles = roles }, CancellationToken.None);
        return outcome.Value;
    }

    public static async Task<Acceptance> AcceptanceAsync(this TestDatabase database, string text, params LocalDelivery[] deliveries)
    {
        var spool = database.Get<ContentSpoolFactory>().Create();
        await spool.WriteAsync(Encoding.Latin1.GetBytes(text), CancellationToken.None);
        var content = await spool.CompleteAsync(CancellationToken.None);
        var (queueId, now) = (Guid.CreateVersion7(), database.Clock.GetUtcNow());
        return new Acceptance
        {
            QueueId = queueId,
            At = now,
            Content = content,
            TraceFields = "Received: from test\r\n"u8.ToArray(),
            Head = MessageHead.Parse(content.Head.Span),
            ReversePath = "bob@example.org",
            Deliveries = deliveries,
            Trace = new MessageTrace { QueueId = queueId, At = now, ReversePath = "bob@example.org", SizeBytes = content.RawBytes },
            Recipients = [.. deliveries.Where(d => d.RecipientIndex >= 0).Select(d => new TraceRecipient { QueueId = queueId, Index = d.RecipientIndex, Recipient = $"r{d.RecipientIndex}@portal.test", Outcome = RecipientOutcome.Delivered, UpdatedAt = now })],
        };
    }
}
