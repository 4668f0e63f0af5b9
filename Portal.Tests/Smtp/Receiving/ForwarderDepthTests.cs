using Microsoft.EntityFrameworkCore;
using Portal.Core.Recipients;
using Portal.Core.Trace;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Smtp.Receiving;

public sealed class ForwarderDepthTests
{
    private const int MaxDepth = 10;

    [Theory, BothDatabases]
    public async Task A_target_behind_too_many_forwarders_is_told_as_dropped_and_the_others_get_their_copy(DatabaseKind kind)
    {
        await using var server = await SmtpTestServer.StartAsync(kind: kind);
        await AddChainAsync(server, MaxDepth + 1);
        await using var client = server.Connect();
        await client.ReadReplyAsync();
        await client.AskAsync("EHLO client.example.org");
        await client.AskAsync("MAIL FROM:<carol@example.org>");
        Assert.StartsWith("250", await client.AskAsync("RCPT TO:<f0@portal.test>"), StringComparison.Ordinal);
        await client.AskAsync("DATA");

        Assert.StartsWith("250", await client.AskAsync("Subject: x\r\n\r\ny\r\n."), StringComparison.Ordinal);

        Assert.Single(await server.MessagesAsync("alice@portal.test"));
        Assert.Empty(await server.MessagesAsync("bob@portal.test"));
        var dropped = await server.ReadAsync(db => db.TraceRecipients.AsNoTracking().SingleAsync(r => r.Recipient == $"f{MaxDepth}@portal.test"));
        Assert.Equal((RecipientOutcome.Refused, "recipient.loop"), (dropped.Outcome, dropped.Rule));
        var facts = TraceFacts.Read(await server.ReadAsync(db => db.TraceEvents.Where(e => e.QueueId == dropped.QueueId).Select(e => e.Facts).SingleAsync()));
        Assert.Equal("f0@portal.test", Assert.Single(facts, f => f.Rule == "recipient.loop").Inputs["forwardedBy"]);
    }

    [Theory, BothDatabases]
    public async Task Ten_forwarders_in_a_row_are_followed(DatabaseKind kind)
    {
        await using var server = await SmtpTestServer.StartAsync(kind: kind);
        await AddChainAsync(server, MaxDepth);
        await using var client = server.Connect();
        await client.ReadReplyAsync();
        await client.AskAsync("EHLO client.example.org");
        await client.AskAsync("MAIL FROM:<carol@example.org>");
        await client.AskAsync("RCPT TO:<f0@portal.test>");
        await client.AskAsync("DATA");
        await client.AskAsync("Subject: x\r\n\r\ny\r\n.");

        Assert.Single(await server.MessagesAsync("bob@portal.test"));
    }

    /// <summary>f0 goes to alice and f1, f1 to f2, …, the last of them to bob.</summary>
    private static async Task AddChainAsync(SmtpTestServer server, int length)
    {
        var domain = await server.ReadAsync(db => db.Domains.Where(d => d.Name == "portal.test").Select(d => d.Id).SingleAsync());
        await server.WriteAsync(db =>
        {
            for (var i = 0; i < length; i++)
            {
                var forwarder = new Forwarder { DomainId = domain };
                string[] targets = [i == length - 1 ? "bob@portal.test" : $"f{i + 1}@portal.test", .. i == 0 ? ["alice@portal.test"] : Array.Empty<string>()];
                forwarder.Targets.AddRange(targets.Select(t => new ForwarderTarget { ForwarderId = forwarder.Id, Address = t }));
                db.Forwarders.Add(forwarder);
                db.Addresses.Add(new Address { DomainId = domain, LocalPart = $"f{i}", Display = $"f{i}", ForwarderId = forwarder.Id });
            }

            return Task.CompletedTask;
        });
    }
}
