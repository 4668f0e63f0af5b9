using Microsoft.EntityFrameworkCore;
using Portal.Core.Lists;
using Portal.Core.Permissions;
using Portal.Core.Trace;
using Portal.Smtp.Server;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Smtp.Receiving;

/// <summary>The allow and block lists in a session: what the client hears, what is stored, what the trace says.</summary>
public sealed class SenderListTests
{
    private const string Alice = "alice@portal.test";
    private const string Caught = "anybody@catch.test";
    private const string Refused = "550 5.7.1 This sender is refused here";

    [Theory]
    [BothDatabases("192.0.2.0/24")]
    [BothDatabases("carol@example.org")]
    [BothDatabases("example.org")]
    public async Task A_refused_sender_hears_it_at_RCPT_and_the_trace_says_by_which_entry(DatabaseKind kind, string sender)
    {
        await using var server = await SmtpTestServer.StartAsync(kind: kind);
        await AddAsync(server, ListKind.Refuse, sender);

        Assert.Equal([Refused, "554 5.5.1 No valid recipients"], await SendAsync(server, "carol@example.org", "carol@example.org", Alice));

        var (trace, recipients) = Assert.Single(await server.TracesAsync());
        Assert.Equal((TraceOutcome.Refused, "sender.refused"), (trace.Outcome, trace.Rule));
        Assert.Equal((Alice, RecipientOutcome.Refused, "sender.refused"), (recipients[0].Recipient, recipients[0].Outcome, recipients[0].Rule));
        Assert.Contains(await FactsAsync(server), f => f.Rule == "sender.refused" && f.Inputs.GetValueOrDefault("listed") == sender);
    }

    [Theory, BothDatabases]
    public async Task A_refused_author_hears_it_after_the_message(DatabaseKind kind)
    {
        await using var server = await SmtpTestServer.StartAsync(kind: kind);
        await AddAsync(server, ListKind.Refuse, "boss@spam.example");

        Assert.Equal(["250 2.1.5 Recipient OK", Refused], await SendAsync(server, "carol@example.org", "\"Boss\" <Boss@spam.example>", Alice));
        Assert.Equal(0, await server.ReadAsync(db => db.Messages.CountAsync()));
    }

    [Theory, BothDatabases]
    public async Task An_allowed_author_is_not_refused_at_RCPT_for_the_domain_mail_comes_through(DatabaseKind kind)
    {
        await using var server = await SmtpTestServer.StartAsync(kind: kind);
        await AddAsync(server, ListKind.Refuse, "esp.example");
        await AddAsync(server, ListKind.Allow, "anna@partner.example");

        var replies = await SendAsync(server, "bounce@esp.example", "anna@partner.example", Alice);
        Assert.StartsWith("250 2.0.0", replies[1], StringComparison.Ordinal);
        Assert.Equal(Refused, (await SendAsync(server, "bounce@esp.example", "x@esp.example", Alice))[1]);

        var fact = Assert.Single(await FactsAsync(server), f => f.Rule == "sender.allowed");
        Assert.Equal(("anna@partner.example", "esp.example", Alice), (fact.Inputs["listed"], fact.Inputs["overruledRefuse"], fact.Inputs["recipient"]));
        Assert.Single(await server.MessagesAsync(Alice));
    }

    [Theory, BothDatabases]
    public async Task A_refused_network_is_opened_by_no_name(DatabaseKind kind)
    {
        await using var server = await SmtpTestServer.StartAsync(kind: kind);
        await AddAsync(server, ListKind.Refuse, "192.0.2.0/24");
        await AddAsync(server, ListKind.Allow, "partner.example");

        Assert.Equal(Refused, (await SendAsync(server, "anna@partner.example", "anna@partner.example", Alice))[0]);
    }

    [Theory, BothDatabases]
    public async Task Whoever_is_refused_can_still_write_to_the_postmaster(DatabaseKind kind)
    {
        await using var server = await SmtpTestServer.StartAsync(kind: kind);
        await AddAsync(server, ListKind.Refuse, "example.org");

        foreach (var postmaster in new[] { "postmaster@portal.test", "Postmaster" })
            Assert.StartsWith("250 2.0.0", (await SendAsync(server, "carol@example.org", "carol@example.org", postmaster))[1], StringComparison.Ordinal);
    }

    [Theory, BothDatabases]
    public async Task An_entry_of_one_domain_is_for_its_recipients_and_the_others_get_theirs(DatabaseKind kind)
    {
        await using var server = await SmtpTestServer.StartAsync(kind: kind);
        var domain = await server.ReadAsync(db => db.Domains.Where(d => d.Name == "catch.test").Select(d => d.Id).SingleAsync());
        await AddAsync(server, ListKind.Refuse, "author@spam.example", domain);

        var replies = await SendAsync(server, "carol@example.org", "author@spam.example", Caught, "bob@portal.test");

        Assert.StartsWith("250 2.0.0", replies[^1], StringComparison.Ordinal);
        Assert.Single(await server.MessagesAsync("bob@portal.test"));
        Assert.Empty(await server.MessagesAsync(Alice));   // to whom the catch-all leads
        var item = Assert.Single(await server.ReadAsync(db => db.QuarantineItems.ToListAsync()));
        Assert.Equal((Caught, domain, true, "sender.refused"), (item.ForwardPath, item.DomainId!.Value, item.IsRefused, item.Rule));
    }

    [Theory, BothDatabases]
    public async Task Own_people_are_none_of_its_business(DatabaseKind kind)
    {
        await using var server = await SmtpTestServer.StartAsync(kind: kind);
        await AddAsync(server, ListKind.Refuse, "portal.test");
        await AddAsync(server, ListKind.Refuse, "192.0.2.0/24");

        var client = server.Connect(SmtpListenerKind.Submissions);
        await client.StartTlsAsync();
        await client.ReadReplyAsync();
        await client.AskAsync("EHLO desk.portal.test");
        Assert.StartsWith("235", await client.AskAsync($"AUTH PLAIN {Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes($"\0bob@portal.test\0{SmtpTestServer.Password}"))}"), StringComparison.Ordinal);
        await client.AskAsync("MAIL FROM:<bob@portal.test>");
        Assert.Equal("250 2.1.5 Recipient OK", await client.AskAsync($"RCPT TO:<{Alice}>"));
    }

    [Theory, BothDatabases]
    public async Task What_is_changed_counts_for_the_next_recipient_of_an_open_session(DatabaseKind kind)
    {
        await using var server = await SmtpTestServer.StartAsync(kind: kind);
        var client = server.Connect();
        await client.ReadReplyAsync();
        await client.AskAsync("EHLO client.example.org");
        await client.AskAsync("MAIL FROM:<carol@example.org>");
        Assert.Equal("250 2.1.5 Recipient OK", await client.AskAsync($"RCPT TO:<{Alice}>"));

        await AddAsync(server, ListKind.Refuse, "example.org");

        Assert.Equal(Refused, await client.AskAsync("RCPT TO:<bob@portal.test>"));
    }

    private static async Task AddAsync(SmtpTestServer server, ListKind kind, string sender, Guid? domainId = null) =>
        Assert.True((await server.Get<ListService>().CreateAsync(Actor.Operator(), new() { Kind = kind, Sender = sender, DomainId = domainId }, CancellationToken.None)).IsDone);

    /// <summary>The replies to the recipients and to the message.</summary>
    private static async Task<List<string?>> SendAsync(SmtpTestServer server, string reversePath, string from, params string[] recipients)
    {
        var client = server.Connect();
        await client.ReadReplyAsync();
        await client.AskAsync("EHLO client.example.org");
        await client.AskAsync($"MAIL FROM:<{reversePath}>");
        var replies = new List<string?>();
        foreach (var recipient in recipients) replies.Add(await client.AskAsync($"RCPT TO:<{recipient}>"));
        var data = await client.AskAsync("DATA");
        if (data!.StartsWith("354", StringComparison.Ordinal))
        {
            await client.SendAsync($"From: {from}\r\nSubject: x\r\n\r\ny\r\n.\r\n");
            data = await client.ReadReplyAsync();
        }

        replies.Add(data);
        await client.AskAsync("QUIT");
        await client.Session;   // what was refused is told when the transaction ends
        return replies;
    }

    private static async Task<List<TraceFact>> FactsAsync(SmtpTestServer server)
    {
        await server.Get<TraceWriter>().FlushAsync();
        return [.. (await server.ReadAsync(db => db.TraceEvents.OrderBy(e => e.Id).ToListAsync())).SelectMany(e => TraceFacts.Read(e.Facts))];
    }
}
