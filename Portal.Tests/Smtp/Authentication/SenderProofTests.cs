using System.Text;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Domains;
using Portal.Core.Lists;
using Portal.Core.Messages;
using Portal.Core.Permissions;
using Portal.Core.Policies;
using Portal.Core.Trace;
using Portal.Smtp.Signatures;
using Portal.Tests.Fixtures;
using Portal.Tests.Smtp.Signatures;

namespace Portal.Tests.Smtp.Authentication;

/// <summary>Who sent it, in a session: what the client hears, what stands in the header, what the trace tells. The client is 192.0.2.7.</summary>
public sealed class SenderProofTests
{
    private const string Alice = "alice@portal.test";
    private const string Queued = "250 2.0.0 Queued";
    private const string DmarcFailed = "550 5.7.1 Not proven to be from its author, whose domain asks to refuse such mail (DMARC)";
    private const string SpfFailed = "550 5.7.23 The domain of the sender does not let your address send for it (SPF)";
    private const string Unknown = "451 4.4.3 The DNS does not tell now whether this message is from its author, try again later";

    [Theory, BothDatabases]
    public async Task What_was_found_out_stands_in_the_header_and_in_the_trace_also_when_all_is_well(DatabaseKind kind)
    {
        await using var server = await SmtpTestServer.StartAsync(kind: kind);
        server.Dns.Text("example.org", "v=spf1 ip4:192.0.2.0/24 -all").Text("_dmarc.example.org", "v=DMARC1; p=reject").PointTo("192.0.2.7", "mail.example.org").Host("mail.example.org", "192.0.2.7");

        Assert.StartsWith(Queued, await SendAsync(server), StringComparison.Ordinal);

        var text = Encoding.ASCII.GetString(Assert.Single(await server.MessagesAsync(Alice)));
        Assert.StartsWith(
            "Return-Path: <carol@example.org>\r\nAuthentication-Results: mx.portal.test;\r\n\tspf=pass smtp.mailfrom=carol@example.org;\r\n\tdkim=none;\r\n\tdmarc=pass (p=reject) header.from=example.org;\r\n\tarc=none;\r\n\tiprev=pass policy.iprev=192.0.2.7\r\nReceived: from client.example.org",
            text, StringComparison.Ordinal);
        Assert.Equal(["spf.Pass", "dkim.None", "dmarc.Pass", "arc.None", "iprev.Pass"], (await FactsAsync(server)).Select(f => f.Rule).Skip(1));
    }

    [Theory]
    [BothDatabases("reject", DmarcFailed, null)]
    [BothDatabases("quarantine", Queued, "sender.dmarcFailed")]
    [BothDatabases("none", Queued, "recipient.mailbox")]
    public async Task A_message_that_is_not_its_authors_is_treated_as_the_author_asks(DatabaseKind kind, string policy, string reply, string? rule)
    {
        await using var server = await SmtpTestServer.StartAsync(kind: kind);
        server.Dns.Text("bank.example", "v=spf1 -all").Text("_dmarc.bank.example", $"v=DMARC1; p={policy}");

        Assert.StartsWith(reply, await SendAsync(server, "evil@example.org", "Bank <info@bank.example>"), StringComparison.Ordinal);

        var (trace, recipients) = Assert.Single(await server.TracesAsync());
        Assert.Equal(rule ?? "sender.dmarcFailed", recipients[0].Rule);
        Assert.Equal(rule is null ? TraceOutcome.Refused : TraceOutcome.Accepted, trace.Outcome);
        Assert.Equal(policy == "quarantine" ? 1 : 0, await server.ReadAsync(db => db.QuarantineItems.CountAsync()));
        var fact = Assert.Single(await FactsAsync(server), f => f.Rule == "dmarc.Fail");
        Assert.Equal(("bank.example", "neither a signature nor the client's address proves the domain"), (fact.Inputs["domain"], fact.Inputs["reason"]));
    }

    [Fact]
    public async Task A_signature_of_the_author_proves_the_message_from_any_client()
    {
        await using var server = await SmtpTestServer.StartAsync();
        var sign = Signer(server, "example.org");
        server.Dns.Text("_dmarc.example.org", "v=DMARC1; p=reject").Text("example.org", "v=spf1 -all");

        Assert.StartsWith(Queued, await SendAsync(server, signer: sign), StringComparison.Ordinal);
        Assert.Equal(DmarcFailed, await SendAsync(server, signer: sign, changed: text => text.Replace("\r\n\r\ny", "\r\n\r\npay here", StringComparison.Ordinal)));

        var facts = await FactsAsync(server);
        Assert.Contains(facts, f => f.Rule == "dkim.Pass" && f.Inputs["domain"] == "example.org");
        Assert.Contains(facts, f => f.Rule == "dkim.Fail" && f.Inputs["reason"] == "body hash differs");
        Assert.Contains("dkim=pass header.d=example.org header.s=s1 header.a=ed25519-sha256 header.b=", Encoding.ASCII.GetString(Assert.Single(await server.MessagesAsync(Alice))), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_nobody_asks_for_anything_the_reverse_path_decides()
    {
        await using var server = await SmtpTestServer.StartAsync();
        server.Dns.Text("example.org", "v=spf1 exp=why.example.org -all").Text("why.example.org", "%{i} is not ours");

        Assert.Equal(SpfFailed, await SendAsync(server));
        var fact = (await FactsAsync(server)).First(f => f.Rule == "sender.spfFailed" && f.Inputs.ContainsKey("recipient"));
        Assert.Equal(("example.org", "192.0.2.7 is not ours"), (fact.Inputs["domain"], fact.Inputs["explanation"]));

        Assert.StartsWith(Queued, await SendAsync(server, signer: Signer(server, "example.org")), StringComparison.Ordinal);   // forwarded, and whole
        server.Dns.Text("_dmarc.example.org", "v=DMARC1; p=none");
        Assert.StartsWith(Queued, await SendAsync(server), StringComparison.Ordinal);   // RFC 7489 §6.7: who has a policy wants it followed
    }

    [Theory]
    [InlineData(SenderTreatment.Refuse, SpfFailed, 0, 0, 0)]
    [InlineData(SenderTreatment.Quarantine, Queued, 1, 0, 0)]
    [InlineData(SenderTreatment.Junk, Queued, 0, 1, 0)]
    [InlineData(SenderTreatment.Accept, Queued, 0, 0, 1)]
    public async Task The_treatment_is_an_administrators_choice_and_counts_for_the_next_message(SenderTreatment treatment, string reply, int quarantined, int junk, int inbox)
    {
        await using var server = await SmtpTestServer.StartAsync();
        server.Dns.Text("example.org", "v=spf1 -all");
        Assert.Equal(SpfFailed, await SendAsync(server));

        await SetAsync(server, policy => policy with { OnSpfFail = treatment });

        Assert.StartsWith(reply, await SendAsync(server), StringComparison.Ordinal);
        Assert.Equal((quarantined, junk, inbox), (await server.ReadAsync(db => db.QuarantineItems.CountAsync()), (await server.MessagesAsync(Alice, SpecialUse.Junk)).Count, (await server.MessagesAsync(Alice)).Count));
    }

    [Fact]
    public async Task A_DNS_that_is_silent_puts_off_what_hangs_on_it_and_nothing_else()
    {
        await using var server = await SmtpTestServer.StartAsync();
        server.Dns.Fail("_dmarc.bank.example");
        Assert.Equal(Unknown, await SendAsync(server, "info@bank.example", "info@bank.example"));
        Assert.Equal(TraceOutcome.Deferred, (await server.TracesAsync())[^1].Trace.Outcome);

        server.Dns.Text("_dmarc.bank.example", "v=DMARC1; p=reject").Fail("bank.example");   // the policy is there, the proof is not to be had
        Assert.Equal(Unknown, await SendAsync(server, "info@bank.example", "info@bank.example"));

        server.Dns.Text("_dmarc.bank.example", "v=DMARC1; p=none");
        Assert.StartsWith(Queued, await SendAsync(server, "info@bank.example", "info@bank.example"), StringComparison.Ordinal);

        server.Dns.Fail("_dmarc.bank.example").Fail("192.0.2.7");
        await SetAsync(server, policy => policy with { OnDnsFailure = UnknownTreatment.Accept });
        Assert.StartsWith(Queued, await SendAsync(server, "info@bank.example", "info@bank.example"), StringComparison.Ordinal);
        var text = Encoding.ASCII.GetString((await server.MessagesAsync(Alice))[^1]);
        Assert.Contains("spf=temperror", text, StringComparison.Ordinal);
        Assert.Contains("dmarc=temperror", text, StringComparison.Ordinal);
        Assert.Contains("iprev=temperror", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_DNS_that_never_answers_ends_in_a_temporary_error_when_the_time_is_up()
    {
        var silent = new Dns.SilentDns();
        await using var server = await SmtpTestServer.StartAsync(configure: services => Microsoft.Extensions.DependencyInjection.ServiceCollectionServiceExtensions.AddSingleton<Portal.Smtp.Dns.IMailDns>(services, silent));
        var sending = SendAsync(server);
        await silent.Asked.Task;

        server.Clock.Advance(TimeSpan.FromSeconds(31));

        Assert.Equal(Unknown, await sending);
    }

    [Fact]
    public async Task An_exception_for_a_domain_takes_the_place_of_its_policy()
    {
        await using var server = await SmtpTestServer.StartAsync();
        server.Dns.Text("_dmarc.bank.example", "v=DMARC1; p=reject");
        Assert.Equal(DmarcFailed, await SendAsync(server, "x@list.example", "info@news.bank.example"));

        await SetAsync(server, policy => policy with { Overrides = [new("bank.example", SenderTreatment.Junk), new("news.bank.example", SenderTreatment.Accept)] });

        Assert.StartsWith(Queued, await SendAsync(server, "x@list.example", "info@news.bank.example"), StringComparison.Ordinal);
        Assert.StartsWith(Queued, await SendAsync(server, "x@list.example", "info@bank.example"), StringComparison.Ordinal);
        Assert.Equal((1, 1), ((await server.MessagesAsync(Alice)).Count, (await server.MessagesAsync(Alice, SpecialUse.Junk)).Count));

        await SetAsync(server, policy => policy with { Overrides = [], FollowsDmarc = false });
        Assert.StartsWith(Queued, await SendAsync(server, "x@list.example", "info@bank.example"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_sealer_that_is_trusted_vouches_for_what_came_to_it()
    {
        await using var server = await SmtpTestServer.StartAsync();
        server.Dns.Text("_dmarc.example.org", "v=DMARC1; p=reject");
        var key = KeyOf(server, "list.example");
        var good = Sealer(server, key, "mx.list.example; spf=pass; dmarc=pass (p=reject) header.from=example.org");
        var bad = Sealer(server, key, "mx.list.example; spf=fail; dmarc=fail header.from=example.org");

        Assert.Equal(DmarcFailed, await SendAsync(server, "bounce@list.example", signer: good));
        await SetAsync(server, policy => policy with { TrustedSealers = ["list.example"] });

        Assert.StartsWith(Queued, await SendAsync(server, "bounce@list.example", signer: good), StringComparison.Ordinal);
        Assert.Equal(DmarcFailed, await SendAsync(server, "bounce@list.example", signer: bad));
        Assert.Equal(DmarcFailed, await SendAsync(server, "bounce@list.example", signer: good, changed: text => text.Replace("\r\n\r\ny", "\r\n\r\nz", StringComparison.Ordinal)));
        Assert.Contains(await FactsAsync(server), f => f.Rule == "arc.Pass" && f.Inputs["sealers"] == "list.example");
        Assert.Contains("arc=pass (i=1 d=list.example) header.oldest-pass=0", Encoding.ASCII.GetString(Assert.Single(await server.MessagesAsync(Alice))), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_entry_of_the_allow_list_comes_before_DMARC()
    {
        await using var server = await SmtpTestServer.StartAsync();
        server.Dns.Text("_dmarc.example.org", "v=DMARC1; p=reject");
        Assert.True((await server.Get<ListService>().CreateAsync(Actor.Operator(), new() { Kind = ListKind.Allow, Sender = "192.0.2.0/24" }, CancellationToken.None)).IsDone);

        Assert.StartsWith(Queued, await SendAsync(server), StringComparison.Ordinal);
        Assert.Contains(await FactsAsync(server), f => f.Rule == "dmarc.Fail");   // and what it overrules is told
    }

    [Theory]
    [InlineData("Authentication-Results: mx.portal.test; dmarc=pass header.from=bank.example")]
    [InlineData("authentication-results: MX.Portal.TEST;\r\n\tdmarc=pass")]
    [InlineData("Authentication-Results : (a (nested) comment) mx.portal.test 1; none")]
    [InlineData("Authentication-Results: \"mx.portal.test\"; dmarc=pass")]
    [InlineData("AUTHENTICATION-RESULTS:\r\n mx.portal.test")]
    [InlineData("Authentication-Results: (\\)) mx.portal.test; dmarc=pass")]
    [InlineData("Authentication-Results: \"mx\\.portal.test\"; dmarc=pass")]
    public async Task Results_that_claim_to_be_ours_are_taken_away_and_others_stay(string forged)
    {
        await using var server = await SmtpTestServer.StartAsync();
        const string Foreign = "Authentication-Results: mx.elsewhere.example; dmarc=pass\r\n";
        Assert.StartsWith(Queued, await SendAsync(server, before: $"{Foreign}{forged}\r\nX-Between: 1\r\n{forged}\r\n"), StringComparison.Ordinal);

        var text = Encoding.ASCII.GetString(Assert.Single(await server.MessagesAsync(Alice, withTraceFields: false)));
        Assert.Equal($"{Foreign}X-Between: 1\r\nFrom: carol@example.org\r\nSubject: x\r\n\r\ny\r\n", text);
    }

    [Fact]
    public async Task A_message_signed_with_a_forged_field_below_is_verified_as_it_came()
    {
        await using var server = await SmtpTestServer.StartAsync();
        var sign = Signer(server, "example.org");
        server.Dns.Text("_dmarc.example.org", "v=DMARC1; p=reject");
        Assert.StartsWith(Queued, await SendAsync(server, signer: sign, before: "Authentication-Results: mx.portal.test; dmarc=fail\r\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Many_authors_are_kept_back_and_of_two_each_is_asked()
    {
        await using var server = await SmtpTestServer.StartAsync();
        server.Dns.Text("_dmarc.bank.example", "v=DMARC1; p=reject");
        Assert.Equal(DmarcFailed, await SendAsync(server, from: "carol@example.org, info@bank.example"));
        Assert.Equal(DmarcFailed, await SendAsync(server, before: "From: info@bank.example\r\n"));
        Assert.StartsWith(Queued, await SendAsync(server, from: string.Join(", ", Enumerable.Range(0, 20).Select(i => $"a@d{i}.example")) + ", info@bank.example"), StringComparison.Ordinal);
        Assert.StartsWith(Queued, await SendAsync(server, from: "carol@example.org, info@bank..example"), StringComparison.Ordinal);
        Assert.Equal(["sender.authorsUnclear", "sender.authorsUnclear"], await server.ReadAsync(db => db.QuarantineItems.Select(i => i.Rule).ToListAsync()));
        Assert.StartsWith(Queued, await SendAsync(server, from: "scanner"), StringComparison.Ordinal);   // no domain at all: nobody's name is borrowed
        Assert.Single(await server.MessagesAsync(Alice));
    }

    [Theory]
    [InlineData("CEO <ceo@bank.example> (x")]
    [InlineData("CEO <ceo@bank.example>, @")]
    [InlineData("=?utf-8?q?ceo=40bank.example?=")]
    public async Task An_author_that_can_not_be_read_is_kept_back(string from)
    {
        await using var server = await SmtpTestServer.StartAsync();
        server.Dns.Text("_dmarc.bank.example", "v=DMARC1; p=reject");
        Assert.StartsWith(Queued, await SendAsync(server, from: from), StringComparison.Ordinal);
        Assert.Empty(await server.MessagesAsync(Alice));
        Assert.Equal("sender.authorsUnclear", (await server.ReadAsync(db => db.QuarantineItems.SingleAsync())).Rule);
    }

    [Fact]
    public async Task A_dead_zone_of_somebody_elses_makes_no_author_unclear()
    {
        await using var server = await SmtpTestServer.StartAsync();
        server.Dns.Text("_dmarc.bank.example", "v=DMARC1; p=reject").Text("_dmarc.lax.example", "v=DMARC1; p=none").Fail("s1._domainkey.dead.example").Fail("dead.example");
        const string Dead = "DKIM-Signature: v=1; a=ed25519-sha256; d=dead.example; s=s1; h=from; bh=AAAA; b=AAAA\r\n";
        Assert.Equal(DmarcFailed, await SendAsync(server, "x@dead.example", "ceo@bank.example", Dead));
        Assert.Equal(DmarcFailed, await SendAsync(server, "x@dead.example", "a@lax.example, ceo@bank.example", Dead));
    }

    [Fact]
    public async Task A_policy_that_can_not_be_asked_for_puts_nobody_off_who_is_proven()
    {
        await using var server = await SmtpTestServer.StartAsync();
        server.Dns.Text("example.org", "v=spf1 ip4:192.0.2.7 -all").Fail("_dmarc.example.org");
        Assert.StartsWith(Queued, await SendAsync(server), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_seal_vouches_for_the_author_it_saw_and_no_other()
    {
        await using var server = await SmtpTestServer.StartAsync();
        server.Dns.Text("_dmarc.example.org", "v=DMARC1; p=reject").Text("_dmarc.bank.example", "v=DMARC1; p=reject");
        await SetAsync(server, policy => policy with { TrustedSealers = ["list.example"] });
        var key = KeyOf(server, "list.example");
        string[] unsaid =
        [
            "mx.list.example; dmarc=pass header.from=other.example",
            "mx.list.example; dmarc=fail header.from=example.org; spf=pass smtp.mailfrom=\"x; dmarc=pass header.from=example.org; \"@evil.example",
            "mx.list.example; dmarc=fail (; dmarc=pass header.from=example.org ;) header.from=example.org",
        ];
        foreach (var results in unsaid) Assert.Equal(DmarcFailed, await SendAsync(server, "bounce@list.example", signer: Sealer(server, key, results)));

        var honest = Sealer(server, key, "mx.list.example; dmarc=pass (p=reject) header.from=example.org");
        Assert.StartsWith(Queued, await SendAsync(server, "bounce@list.example", signer: honest), StringComparison.Ordinal);
        Assert.Equal(DmarcFailed, await SendAsync(server, "bounce@list.example", signer: honest, changed: text => $"From: ceo@bank.example\r\n{text}"));

        server.Dns.Fail("s1._domainkey.list.example");   // it may be the list's own: later, not never
        Assert.Equal(Unknown, await SendAsync(server, "bounce@list.example", signer: honest));
    }

    [Fact]
    public async Task The_null_reverse_path_is_judged_by_the_clients_name()
    {
        await using var server = await SmtpTestServer.StartAsync();
        server.Dns.Text("client.example.org", "v=spf1 ip4:192.0.2.7 -all");
        Assert.StartsWith(Queued, await SendAsync(server, "", "MAILER-DAEMON@client.example.org"), StringComparison.Ordinal);
        Assert.Contains("spf=pass smtp.helo=client.example.org", Encoding.ASCII.GetString(Assert.Single(await server.MessagesAsync(Alice))), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_this_machine_sends_need_not_be_proven_unless_set()
    {
        foreach (var (isChecked, reply) in new[] { (false, Queued), (true, DmarcFailed) })
        {
            await using var server = await SmtpTestServer.StartAsync(new Dictionary<string, string?> { ["Portal:Smtp:CheckLoopback"] = isChecked.ToString() });
            server.Dns.Text("_dmarc.example.org", "v=DMARC1; p=reject");
            Assert.StartsWith(reply, await SendAsync(server, client: "127.0.0.1"), StringComparison.Ordinal);
        }
    }

    private static async Task SetAsync(SmtpTestServer server, Func<SenderPolicy, SenderPolicy> change)
    {
        var service = server.Get<PolicyService<SenderPolicy>>();
        var policy = (await service.GetAsync(Actor.Operator(), CancellationToken.None)).Value;
        Assert.True((await service.SaveAsync(Actor.Operator(), change(policy), CancellationToken.None)).IsDone);
    }

    /// <summary>Signs for a domain, whose key is published.</summary>
    private static Func<byte[], byte[]> Signer(SmtpTestServer server, string domain)
    {
        var key = KeyOf(server, domain);
        return message => [.. SignedMail.Of(message) is var mail ? DkimSigner.Sign(key, mail.Header, mail.Body.Relaxed!, server.Clock.GetUtcNow()) : [], .. message];
    }

    private static Func<byte[], byte[]> Sealer(SmtpTestServer server, SigningKey key, string results) =>
        message => [.. SignedMail.Of(message) is var mail ? ArcSealer.Seal(key, mail.Header, mail.Body.Relaxed!, results, ArcResult.None, server.Clock.GetUtcNow()) : [], .. message];

    private static SigningKey KeyOf(SmtpTestServer server, string domain)
    {
        var (privateKey, publicKey) = SigningKeys.Create(SigningAlgorithm.Ed25519Sha256);
        server.Dns.Text($"s1._domainkey.{domain}", SigningKeys.RecordOf(SigningAlgorithm.Ed25519Sha256, publicKey));
        return new SigningKey(domain, "s1", SigningAlgorithm.Ed25519Sha256, privateKey);
    }

    private static async Task<string?> SendAsync(
        SmtpTestServer server, string reversePath = "carol@example.org", string from = "carol@example.org", string before = "", Func<byte[], byte[]>? signer = null, Func<string, string>? changed = null, string client = "192.0.2.7")
    {
        var message = Encoding.ASCII.GetBytes($"{before}From: {from}\r\nSubject: x\r\n\r\ny\r\n");
        var text = Encoding.ASCII.GetString(signer?.Invoke(message) ?? message);
        var session = server.Connect(from: System.Net.IPAddress.Parse(client));
        await session.ReadReplyAsync();
        await session.AskAsync("EHLO client.example.org");
        await session.AskAsync($"MAIL FROM:<{reversePath}>");
        await session.AskAsync($"RCPT TO:<{Alice}>");
        await session.AskAsync("DATA");
        await session.SendAsync($"{changed?.Invoke(text) ?? text}.\r\n");
        var reply = await session.ReadReplyAsync();
        await session.AskAsync("QUIT");
        await session.Session;
        return reply;
    }

    private static async Task<List<TraceFact>> FactsAsync(SmtpTestServer server)
    {
        await server.Get<TraceWriter>().FlushAsync();
        return [.. (await server.ReadAsync(db => db.TraceEvents.OrderBy(e => e.Id).ToListAsync())).SelectMany(e => TraceFacts.Read(e.Facts))];
    }
}
