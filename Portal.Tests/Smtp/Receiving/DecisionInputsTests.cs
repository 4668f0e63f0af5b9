using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;
using Portal.Core.Mailboxes;
using Portal.Core.Recipients;
using Portal.Core.Trace;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Smtp.Receiving;

/// <summary>Each decision is traced with what decided it (DESIGN §8).</summary>
public sealed class DecisionInputsTests
{
    private const string Frank = "frank@portal.test";

    [Theory, BothDatabases]
    public async Task A_full_mailbox_is_told_with_what_it_holds_and_may_hold(DatabaseKind kind)
    {
        await using var server = await SmtpTestServer.StartAsync(kind: kind);

        var facts = await OfferAsync(server, "", Frank, "ella@portal.test", "alice@portal.test");

        Assert.Equal([("mailbox", Frank), ("quotaBytes", "1000"), ("recipient", Frank), ("reply", "452 4.2.2 Mailbox is full, try again later"), ("usedBytes", "1000")], Inputs(facts, "recipient.quotaFull"));
        Assert.Equal(("ella@portal.test", "1101", "1000"), Three(facts, "recipient.quotaExceeded", "mailbox", "usedBytes", "quotaBytes"));
    }

    [Theory, BothDatabases]
    public async Task A_mailbox_full_for_days_is_told_with_since_when(DatabaseKind kind)
    {
        await using var server = await SmtpTestServer.StartAsync(kind: kind);
        var since = server.Clock.GetUtcNow().AddDays(-5);
        await UseAsync(server, Frank, 1000, since);

        var facts = await OfferAsync(server, "", Frank);

        Assert.Equal((Frank, "1000", since.ToString("O", CultureInfo.InvariantCulture)), Three(facts, "recipient.quotaExceeded", "mailbox", "usedBytes", "fullSince"));
    }

    [Theory, BothDatabases]
    public async Task What_is_too_large_for_the_rest_is_told_with_its_declared_size(DatabaseKind kind)
    {
        await using var server = await SmtpTestServer.StartAsync(kind: kind);
        await UseAsync(server, Frank, 500, null);

        var facts = await OfferAsync(server, " SIZE=501", Frank, "alice@portal.test");

        Assert.Equal(("500", "1000", "501"), Three(facts, "recipient.quotaFull", "usedBytes", "quotaBytes", "declaredBytes"));
    }

    [Theory, BothDatabases]
    public async Task A_forwarder_refused_for_one_mailbox_names_it(DatabaseKind kind)
    {
        await using var server = await SmtpTestServer.StartAsync(kind: kind);
        await AddForwarderAsync(server, "crew", "alice@portal.test", "frank+crew@portal.test");

        var facts = await OfferAsync(server, "", "crew@portal.test");

        Assert.Equal((Frank, "frank+crew@portal.test", "1000"), Three(facts, "recipient.quotaFull", "mailbox", "forwardedTo", "usedBytes"));
    }

    [Theory, BothDatabases]
    public async Task A_disabled_mailbox_is_named_where_another_address_led_to_it(DatabaseKind kind)
    {
        await using var server = await SmtpTestServer.StartAsync(kind: kind);

        var facts = await OfferAsync(server, "", "dora@portal.test", "dora+x@portal.test", "alice@portal.test");

        Assert.Equal([null, "dora@portal.test"], facts.Where(f => f.Rule == "recipient.disabled").Select(f => f.Inputs.GetValueOrDefault("mailbox")));
    }

    [Theory, BothDatabases]
    public async Task Where_an_address_leads_is_told_unless_it_is_the_mailboxs_own(DatabaseKind kind)
    {
        await using var server = await SmtpTestServer.StartAsync(kind: kind);
        await AddForwarderAsync(server, "both", "alice@portal.test", "bob@portal.test");

        var facts = await OfferAsync(server, "", "Alice@portal.test", "al@portal.test", "anybody@catch.test", "bob+x@portal.test", "postmaster", "sales@portal.test", "both@portal.test");

        Assert.False(Assert.Single(facts, f => f.Rule == "recipient.mailbox").Inputs.ContainsKey("mailbox"));
        Assert.Equal("alice@portal.test", Assert.Single(facts, f => f.Rule == "recipient.alias").Inputs["mailbox"]);
        Assert.Equal("alice@portal.test", Assert.Single(facts, f => f.Rule == "recipient.catchAll").Inputs["mailbox"]);
        Assert.Equal("bob@portal.test", Assert.Single(facts, f => f.Rule == "recipient.detail").Inputs["mailbox"]);
        Assert.Equal("admin@portal.test", Assert.Single(facts, f => f.Rule == "recipient.postmaster").Inputs["mailbox"]);
        var forwarders = facts.Where(f => f.Rule == "recipient.forwarder").ToList();
        Assert.Equal(("alice@portal.test", "partner@example.net"), (forwarders[0].Inputs["mailbox"], forwarders[0].Inputs["forwardedTo"]));
        Assert.Equal(("2", "alice@portal.test, bob@portal.test"), (forwarders[1].Inputs["mailboxes"], forwarders[1].Inputs["leadsTo"]));
    }

    [Theory, BothDatabases]
    public async Task A_message_past_a_limit_is_told_with_both_figures(DatabaseKind kind)
    {
        await using var server = await SmtpTestServer.StartAsync(new Dictionary<string, string?> { ["Portal:Smtp:MaxMessageSizeBytes"] = "65536" }, kind: kind);
        await using var client = server.Connect();
        await client.ReadReplyAsync();
        await client.AskAsync("EHLO client.example.org");

        Assert.StartsWith("552", await client.AskAsync("MAIL FROM:<carol@example.org> SIZE=65537"), StringComparison.Ordinal);
        await client.AskAsync("MAIL FROM:<carol@example.org>");
        await client.AskAsync("RCPT TO:<alice@portal.test>");
        await client.AskAsync("DATA");
        await client.SendAsync("Subject: x\r\n\r\n" + string.Concat(Enumerable.Repeat(new string('a', 70) + "\r\n", 1000)));
        Assert.StartsWith("552", await client.AskAsync("."), StringComparison.Ordinal);

        var told = (await FactsAsync(server)).Where(f => f.Rule == "message.size").ToList();
        Assert.Equal(["65536", "65536"], told.Select(f => f.Inputs["limitBytes"]));
        Assert.Equal(["65537"], told.Select(f => f.Inputs.GetValueOrDefault("declaredBytes")).OfType<string>());
        Assert.Equal(["72014"], told.Select(f => f.Inputs.GetValueOrDefault("bytes")).OfType<string>());
    }

    private static async Task<List<TraceFact>> OfferAsync(SmtpTestServer server, string parameters, params string[] recipients)
    {
        await using var client = server.Connect();
        await client.ReadReplyAsync();
        await client.AskAsync("EHLO client.example.org");
        Assert.StartsWith("250", await client.AskAsync($"MAIL FROM:<carol@example.org>{parameters}"), StringComparison.Ordinal);
        foreach (var recipient in recipients) await client.AskAsync($"RCPT TO:<{recipient}>");
        if ((await client.AskAsync("DATA"))!.StartsWith("354", StringComparison.Ordinal)) await client.AskAsync("Subject: x\r\n\r\ny\r\n.");
        await client.AskAsync("QUIT");
        await client.Session;
        return await FactsAsync(server);
    }

    private static async Task<List<TraceFact>> FactsAsync(SmtpTestServer server)
    {
        await server.Get<TraceWriter>().FlushAsync();
        return [.. (await server.ReadAsync(db => db.TraceEvents.OrderBy(e => e.QueueId).Select(e => e.Facts).ToListAsync())).SelectMany(TraceFacts.Read)];
    }

    private static IEnumerable<(string, string)> Inputs(List<TraceFact> facts, string rule) =>
        facts.Last(f => f.Rule == rule).Inputs.Select(i => (i.Key, i.Value)).OrderBy(i => i.Key, StringComparer.Ordinal);

    private static (string, string, string) Three(List<TraceFact> facts, string rule, string first, string second, string third) =>
        facts.Last(f => f.Rule == rule).Inputs is var inputs ? (inputs[first], inputs[second], inputs[third]) : default;

    private static Task UseAsync(SmtpTestServer server, string address, long bytes, DateTimeOffset? fullSince) => server.WriteAsync(async db =>
    {
        var id = await db.Mailboxes.Where(m => m.PrimaryAddress == address).Select(m => m.Id).SingleAsync();
        db.MailboxUses.Update(new MailboxUse { MailboxId = id, Bytes = bytes, FullSince = fullSince });
    });

    private static Task AddForwarderAsync(SmtpTestServer server, string localPart, params string[] targets) => server.WriteAsync(async db =>
    {
        var domain = await db.Domains.Where(d => d.Name == "portal.test").Select(d => d.Id).SingleAsync();
        var forwarder = new Forwarder { DomainId = domain };
        forwarder.Targets.AddRange(targets.Select(t => new ForwarderTarget { ForwarderId = forwarder.Id, Address = t }));
        db.Forwarders.Add(forwarder);
        db.Addresses.Add(new Address { DomainId = domain, LocalPart = localPart, Display = localPart, ForwarderId = forwarder.Id });
        db.Raise(Change.Directory);
    });
}
