using System.Text;
using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Addresses;
using Portal.Core.Domains;
using Portal.Core.Messages;
using Portal.Core.Permissions;
using Portal.Core.Trace;
using Portal.Smtp.Receiving;
using Portal.Smtp.Signatures;
using Portal.Tests.Fixtures;
using Portal.Tests.Smtp.Signatures;

namespace Portal.Tests.Smtp.Receiving;

/// <summary>What leaves is signed for the domain of its author, and what an address of ours sends on is sealed, once the domain's keys are in the DNS.</summary>
public sealed class OutgoingSignerTests
{
    private const string Text = "From: Alice <alice@portal.test>\r\nTo: bob@portal.test\r\nSubject: Hello\r\n\r\nHi  there \r\n\r\n";

    [Theory, BothDatabases]
    public async Task A_submitted_message_carries_a_signature_of_each_key_for_everybody(DatabaseKind kind)
    {
        await using var server = await SmtpTestServer.StartAsync(kind: kind);
        await PublishKeysAsync(server);

        await SubmitAsync(server, "alice@portal.test");

        var copies = new[] { Assert.Single(await server.MessagesAsync("bob@portal.test")), Assert.Single(await server.MessagesAsync("alice@portal.test", SpecialUse.Sent)) };
        foreach (var copy in copies)
        {
            Assert.Matches("^Return-Path: <alice@portal.test>\r\nDKIM-Signature: v=1; a=rsa-sha256;", Encoding.ASCII.GetString(copy));
            var results = await SignedMail.Of(copy).VerifyAsync(server.Dns, server.Clock.GetUtcNow());
            Assert.Equal([(DkimStatus.Pass, "portal.test", "rsa-sha256"), (DkimStatus.Pass, "portal.test", "ed25519-sha256")], results.Select(r => (r.Status, r.Domain, r.Algorithm)));
        }

        var told = Assert.Single(TraceFacts.Read((await server.ReadAsync(db => db.TraceEvents.SingleAsync())).Facts), f => f.Rule == "dkim.signed");
        Assert.Equal("portal.test", told.Inputs["domain"]);
    }

    [Theory]
    [InlineData("rsa-sha256")]
    [InlineData("ed25519-sha256")]
    public async Task OpenDKIM_verifies_each_signature(string algorithm)
    {
        await using var server = await SmtpTestServer.StartAsync();
        await PublishKeysAsync(server);
        await SubmitAsync(server, "alice@portal.test");
        var copy = Encoding.ASCII.GetString(Assert.Single(await server.MessagesAsync("bob@portal.test")));
        var fields = Regex.Matches(copy, "DKIM-Signature:.*\r\n(?:[ \t].*\r\n)*");
        var only = fields.Where(f => !f.Value.Contains($"a={algorithm}", StringComparison.Ordinal)).Aggregate(copy, (text, other) => text.Replace(other.Value, "", StringComparison.Ordinal));

        Assert.Contains("succeeded", await OpenDkimAsync(server, only), StringComparison.Ordinal);
        Assert.Contains("failed", await OpenDkimAsync(server, only.Replace("Hi  there", "Ho  there", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Theory, BothDatabases]
    public async Task Keys_that_wait_for_their_records_sign_nothing(DatabaseKind kind)
    {
        await using var server = await SmtpTestServer.StartAsync(kind: kind);
        var domain = await server.ReadAsync(db => db.Domains.Where(d => d.Name == "portal.test").Select(d => d.Id).SingleAsync());
        Assert.True((await server.Get<DkimKeyService>().StartAsync(Actor.Operator(), domain, CancellationToken.None)).IsDone);

        await SubmitAsync(server, "alice@portal.test");

        Assert.DoesNotContain("DKIM-Signature", Encoding.ASCII.GetString(Assert.Single(await server.MessagesAsync("bob@portal.test"))), StringComparison.Ordinal);
    }

    [Theory, BothDatabases]
    public async Task Mail_that_an_address_of_ours_sends_on_is_sealed_with_what_was_found(DatabaseKind kind)
    {
        await using var server = await SmtpTestServer.StartAsync(kind: kind);
        await PublishKeysAsync(server);
        server.Dns.Text("_dmarc.example.org", "v=DMARC1; p=reject").Text("example.org", "v=spf1 ip4:192.0.2.7 -all");

        await SendAsync(server, "sales@portal.test");   // to a mailbox, and to partner@example.net

        var copy = Assert.Single(await server.MessagesAsync("alice@portal.test"));
        var arc = await SignedMail.Of(copy).VerifyArcAsync(server.Dns);
        Assert.Equal((ArcStatus.Pass, "portal.test", 1), (arc.Status, Assert.Single(arc.Sealers).Domain, arc.Sealers[0].Instance));
        Assert.StartsWith("mx.portal.test; spf=pass smtp.mailfrom=carol@example.org; dkim=none; dmarc=pass (p=reject) header.from=example.org", arc.AuthenticationResults[1].Replace(";\t", "; ", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Contains(TraceFacts.Read((await server.ReadAsync(db => db.TraceEvents.SingleAsync())).Facts), f => f.Rule == "arc.sealed");
    }

    [Fact]
    public async Task Mail_for_mailboxes_alone_is_not_sealed()
    {
        await using var server = await SmtpTestServer.StartAsync();
        await PublishKeysAsync(server);

        await SendAsync(server, "alice@portal.test");

        Assert.DoesNotContain("ARC-Seal", Encoding.ASCII.GetString(Assert.Single(await server.MessagesAsync("alice@portal.test"))), StringComparison.Ordinal);
    }

    [Theory, BothDatabases]
    public async Task What_comes_back_to_a_path_of_ours_goes_to_the_sender_and_nothing_else_does(DatabaseKind kind)
    {
        await using var server = await SmtpTestServer.StartAsync(kind: kind);
        var path = server.Get<Portal.Core.Recipients.SenderRewriting>().Rewrite(MailAddress.Parse("carol@example.org"), MailAddress.Parse("sales@portal.test").Domain)!;

        Assert.Equal("550 5.7.1 Only reports, with the null sender, are taken for this address", await AskAsync(server, path.ToString()));
        await SendAsync(server, path.ToString(), "");

        var entry = Assert.Single(await server.ReadAsync(db => db.QueueEntries.ToListAsync()));
        Assert.Equal("carol@example.org", entry.ForwardPath);
        Assert.Contains((await server.TracesAsync()).SelectMany(t => t.Recipients), r => r.Rule == "recipient.returned");

        // Nor does the catch-all of a domain take a path that somebody made up.
        Assert.StartsWith("550 5.1.1", await AskAsync(server, "SRS0=aaaaaa=aa=example.org=carol@portal.test"), StringComparison.Ordinal);
    }

    /// <summary>Makes the keys of portal.test and publishes them; they sign.</summary>
    private static async Task PublishKeysAsync(SmtpTestServer server)
    {
        var (service, cancel) = (server.Get<DkimKeyService>(), CancellationToken.None);
        var domain = await server.ReadAsync(db => db.Domains.Where(d => d.Name == "portal.test").Select(d => d.Id).SingleAsync());
        Assert.True((await service.StartAsync(Actor.Operator(), domain, cancel)).IsDone);
        foreach (var key in (await service.ListAsync(Actor.Operator(), domain, cancel)).Value.Keys) server.Dns.Text(key.Record.Name.TrimEnd('.'), key.Record.Value);
        Assert.True((await service.CheckAsync(Actor.Operator(), domain, cancel)).IsDone);
    }

    /// <summary>What OpenDKIM says of a message, with our keys as its DNS.</summary>
    private static async Task<string> OpenDkimAsync(SmtpTestServer server, string message)
    {
        var folder = TestFolder.Create();
        var domain = await server.ReadAsync(db => db.Domains.Where(d => d.Name == "portal.test").Select(d => d.Id).SingleAsync());
        var keys = (await server.Get<DkimKeyService>().ListAsync(Actor.Operator(), domain, CancellationToken.None)).Value.Keys;
        await File.WriteAllLinesAsync(Path.Combine(folder, "keys"), keys.Select(k => $"{k.Record.Name.TrimEnd('.')} {k.Record.Value}"));
        await File.WriteAllTextAsync(Path.Combine(folder, "conf"), $"Mode v\nTestPublicKeys {folder}/keys\n");
        await File.WriteAllTextAsync(Path.Combine(folder, "message"), message);
        return await UnpackedPart.RunAsync("opendkim", "opendkim", folder, "-x", "conf", "-t", "message");
    }

    private static async Task SubmitAsync(SmtpTestServer server, string from)
    {
        var account = await server.ReadAsync(db => db.Accounts.Where(a => a.UserName == from).Select(a => a.Id).SingleAsync());
        var actor = Actor.ForAccount(account, from, [new HeldRole(Role.User, Scope.Everything)], Channel.Portal, null);
        var mail = new ComposedMail(MailAddress.Parse(from), [MailAddress.Parse("bob@portal.test")], new MemoryStream(Encoding.UTF8.GetBytes(Text)));
        Assert.True((await server.Get<MessageReceiver>().SubmitAsync(actor, mail, CancellationToken.None)).IsDone);
    }

    private static async Task SendAsync(SmtpTestServer server, string recipient, string reversePath = "carol@example.org")
    {
        var client = await BeginAsync(server, reversePath);
        Assert.Equal("250 2.1.5 Recipient OK", await client.AskAsync($"RCPT TO:<{recipient}>"));
        await client.AskAsync("DATA");
        await client.SendAsync("From: carol@example.org\r\nSubject: x\r\n\r\ny\r\n.\r\n");
        Assert.StartsWith("250 2.0.0", await client.ReadReplyAsync(), StringComparison.Ordinal);
    }

    private static async Task<string?> AskAsync(SmtpTestServer server, string recipient) => await (await BeginAsync(server)).AskAsync($"RCPT TO:<{recipient}>");

    private static async Task<SmtpTestClient> BeginAsync(SmtpTestServer server, string reversePath = "carol@example.org")
    {
        var client = server.Connect();
        await client.ReadReplyAsync();
        await client.AskAsync("EHLO client.example.org");
        await client.AskAsync($"MAIL FROM:<{reversePath}>");
        return client;
    }
}
