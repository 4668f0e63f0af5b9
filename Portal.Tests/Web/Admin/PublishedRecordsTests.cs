using System.Globalization;
using Portal.Core.Domains;
using Portal.Smtp.Dns;
using Portal.Tests.Smtp.Dns;
using Portal.Web.Admin.Domains;
using Portal.Web.Components.Shared;

namespace Portal.Tests.Web.Admin;

/// <summary>Each record of a domain against what a DNS may hold: by what it means to its readers.</summary>
public sealed class PublishedRecordsTests
{
    private const string Domain = "portal.test", Ours = "mx.portal.test";

    private static readonly MtaStsPolicy Policy = new(MtaStsMode.Testing, 1, Ours);

    private readonly FakeDns dns = new();

    [Theory]
    [InlineData("old.xn--bcher-kva.example", "v=spf1 mx a:old.xn--bcher-kva.example -all")]
    [InlineData("192.0.2.25", "v=spf1 mx ip4:192.0.2.25 -all")]
    [InlineData("2001:db8::25", "v=spf1 mx ip6:2001:db8::25 -all")]
    public void The_other_host_of_a_shared_domain_sends_for_it_too(string host, string spf) =>
        Assert.Equal(spf, PublishedRecords.Of(Domain, Ours, new Onward { Kind = DomainKind.Shared, Host = host }, null, []).Single(r => r.Kind == RecordKind.Spf).Value);

    [Theory]
    [InlineData("Published", null, "10 primary.example", "20 " + Ours)]
    [InlineData("Published", null, "10 " + Ours)]
    [InlineData("Different", "NotOurs", "10 primary.example")]
    [InlineData("Different", "NoMail", "0 ")]
    [InlineData("Missing", "Missing")]
    public void Of_a_relayed_domain_only_our_place_among_its_MX_is_asked_for(string status, string? why, params string[] exchangers)
    {
        var wanted = Assert.Single(PublishedRecords.Of(Domain, Ours, new Onward { Kind = DomainKind.Relayed }, Policy, [Key(DkimKeyState.Active)]));

        var found = RecordJudge.Mx(wanted, exchangers.Select(e => new MailExchanger(int.Parse(e.Split(' ')[0], CultureInfo.InvariantCulture), e.Split(' ')[1])));

        Assert.Equal((status, why), (found.Status.ToString(), found.Why));
    }

    [Fact]
    public void Every_record_of_a_domain_is_wanted_under_its_A_label_and_those_of_a_policy_only_while_there_is_one()
    {
        var wanted = PublishedRecords.Of("xn--bcher-kva.example", Ours, Onward.None, Policy, [Key(DkimKeyState.Active), Key(DkimKeyState.Retired)]);

        Assert.Equal(
        [
            "xn--bcher-kva.example. MX 10 mx.portal.test.",
            "xn--bcher-kva.example. TXT v=spf1 mx -all",
            "Active._domainkey.portal.test. TXT v=DKIM1; k=rsa; p=MIIB",
            "_dmarc.xn--bcher-kva.example. TXT v=DMARC1; p=quarantine; rua=mailto:postmaster@xn--bcher-kva.example",
            $"_mta-sts.xn--bcher-kva.example. TXT v=STSv1; id={Policy.Id}",
            "mta-sts.xn--bcher-kva.example. CNAME mx.portal.test.",
            "_smtp._tls.xn--bcher-kva.example. TXT v=TLSRPTv1; rua=mailto:postmaster@xn--bcher-kva.example",
        ], wanted.Select(r => $"{r.Name} {r.Type} {r.Value}"));
        Assert.Equal([RecordKind.Mx, RecordKind.Spf, RecordKind.Dmarc, RecordKind.TlsRpt], PublishedRecords.Of(Domain, Ours, Onward.None, null, []).Select(r => r.Kind));
    }

    [Fact]
    public async Task What_is_wanted_is_as_it_should_be_what_is_not_there_is_missing_and_a_DNS_that_fails_says_nothing()
    {
        var wanted = PublishedRecords.Of(Domain, Ours, Onward.None, Policy, [Key(DkimKeyState.Active)]);
        foreach (var record in wanted) Assert.Equal((Status.Missing, "Missing"), Of(await FindAsync(record)));

        dns.Mx(Domain, (10, Ours)).Host(Ours, "192.0.2.1", "2001:db8::1").Host("mta-sts." + Domain, "2001:db8::1");
        foreach (var record in wanted.Where(r => r.Type == "TXT")) dns.Text(record.Name.TrimEnd('.'), record.Value);
        foreach (var record in wanted) Assert.Equal((Status.Published, null), Of(await FindAsync(record)));

        foreach (var record in wanted) dns.Fail(record.Name.TrimEnd('.'));
        foreach (var record in wanted) Assert.Equal((Status.NotAsked, "NotAsked"), Of(await FindAsync(record)));
    }

    [Theory]
    [InlineData("Published ", "20 MX.Portal.test")]
    [InlineData("Different OtherHost backup.example.net", "10 mx.portal.test", "20 backup.example.net")]
    [InlineData("Different OtherHost backup.example.net", "20 backup.example.net")]
    [InlineData("Different NoMail", "0 ")]
    public async Task Mail_goes_to_our_host_alone(string said, params string[] hosts)
    {
        dns.Mx(Domain, [.. hosts.Select(h => h.Split(' ')).Select(h => (int.Parse(h[0], null), h[1]))]);

        Assert.Equal(said, Said(await FindAsync(RecordKind.Mx)));
    }

    [Theory]
    [InlineData("Published ", "v=spf1 mx -all", "google-site-verification=x")]
    [InlineData("Published SameMeaning", "V=SPF1  MX  -ALL")]
    [InlineData("Missing Missing", "v=spf10 mx -all")]
    [InlineData("Different OpenEnd", "v=spf1 mx ~all")]
    [InlineData("Different OpenEnd", "v=spf1")]
    [InlineData("Different OtherSenders", "v=spf1 mx include:_spf.example.net -all")]
    [InlineData("Different Several 2", "v=spf1 mx -all", "v=spf1 -all")]
    public async Task One_SPF_record_names_our_hosts(string said, params string[] texts) => Assert.Equal(said, Said(await FindAsync(RecordKind.Spf, Domain, texts)));

    [Theory]
    [InlineData("Published ", "v=DMARC1; p=quarantine; rua=mailto:postmaster@portal.test")]
    [InlineData("Published SameMeaning", "v=DMARC1;p=quarantine")]
    [InlineData("Published SameMeaning", "v = DMARC1 ; p = Reject ; sp=quarantine; adkim=s; aspf=s; pct=100; x=unknown; ")]
    [InlineData("Published SameMeaning", "v=DMARC1; p=reject", "v=spf1 -all", "v=DMARC2; p=none")]   // receivers pass over the others
    [InlineData("Different PolicyNone", "v=DMARC1; p=none")]
    [InlineData("Different PolicyNone", "v=DMARC1; p=NONE; rua=mailto:a@example.org")]
    [InlineData("Different Malformed", "v=DMARC1; p=rejct; rua=mailto:a@example.org")]
    [InlineData("Different Malformed", "v=DMARC1; p=rejct")]
    [InlineData("Different Malformed", "v=DMARC1; p=reject; sp=sometimes; rua=mailto:a@example.org")]
    [InlineData("Different Malformed", "v=DMARC1; p=reject; p=none")]
    [InlineData("Different Malformed", "v=DMARC1; p=reject; nonsense")]
    [InlineData("Different PolicyNotSecond", "v=DMARC1")]
    [InlineData("Different PolicyNotSecond", "v=DMARC1; rua=mailto:a@example.org; p=reject")]
    [InlineData("Different SubdomainsOpen", "v=DMARC1; p=reject; sp=none")]
    [InlineData("Different PartOnly 99", "v=DMARC1; p=reject; pct=99")]
    [InlineData("Different PartOnly 0", "v=DMARC1; p=quarantine; pct=0")]
    [InlineData("Different Several 2", "v=DMARC1; p=reject", "v=DMARC1; p=reject")]
    [InlineData("Different Version v=DMARC1", "p=reject; v=DMARC1")]
    [InlineData("Different Version v=DMARC1", "v=dmarc1; p=reject")]
    [InlineData("Different Version v=DMARC1", "x=DMARC1; p=reject")]
    [InlineData("Different Version v=DMARC1", "")]
    public async Task A_DMARC_record_asks_for_at_least_quarantine(string said, params string[] texts) => Assert.Equal(said, Said(await FindAsync(RecordKind.Dmarc, "_dmarc." + Domain, texts)));

    [Theory]
    [InlineData("Published ", "v=STSv1; id={id}")]
    [InlineData("Published SameMeaning", "v=STSv1;id={id};")]
    [InlineData("Published SameMeaning", "v=STSv1 ; x=new; id={id} ; ")]
    [InlineData("Published ", "v=STSv1; id={id}", "v=STSv2; id=1", "v=STSv10; id=1")]
    [InlineData("Different OtherId", "v=STSv1; id=20261130T120000")]
    [InlineData("Different OtherId", "v=STSv1; id={ID}")]
    [InlineData("Different Malformed", "v=STSv1")]
    [InlineData("Different Malformed", "v=STSv1;")]
    [InlineData("Different Malformed", "v=STSv1; id=")]
    [InlineData("Different Malformed", "v=STSv1; id = {id}")]
    [InlineData("Different Malformed", "v=STSv1; id={id}0")]
    [InlineData("Different Malformed", "v=STSv1; id=2026-11-30")]
    [InlineData("Different Malformed", "v=STSv1; id={id}; id={id}")]
    [InlineData("Different Several 2", "v=STSv1; id={id}", "v=STSv1; id={id}")]
    [InlineData("Different Version v=STSv1", "id={id}; v=STSv1")]
    [InlineData("Different Version v=STSv1", "v=stsv1; id={id}")]
    [InlineData("Different Version v=STSv1", " v=STSv1; id={id}")]
    [InlineData("Different Version v=STSv1", "v = STSv1; id={id}")]
    public async Task One_record_names_the_policy_that_is_served(string said, params string[] texts) =>
        Assert.Equal(said, Said(await FindAsync(RecordKind.MtaSts, "_mta-sts." + Domain, [.. texts.Select(t => t.Replace("{id}", Policy.Id, StringComparison.Ordinal).Replace("{ID}", Policy.Id.ToUpperInvariant(), StringComparison.Ordinal))])));

    [Theory]
    [InlineData("Published ", "v=TLSRPTv1; rua=mailto:postmaster@portal.test")]
    [InlineData("Published SameMeaning", "v=TLSRPTv1;rua=MAILTO:reports%2Btls@example.org?subject=TLS;")]
    [InlineData("Published SameMeaning", "v=TLSRPTv1; rua=https://reports.example.org/v1 , mailto:nobody")]
    [InlineData("Published SameMeaning", "v=TLSRPTv1; x=new; rua=mailto:a@example.org")]
    [InlineData("Different NoReader", "v=TLSRPTv1; rua=")]
    [InlineData("Different NoReader", "v=TLSRPTv1; rua=mailto:nobody")]
    [InlineData("Different NoReader", "v=TLSRPTv1; rua=http://reports.example.org/")]
    [InlineData("Different NoReader", "v=TLSRPTv1; rua=a@example.org")]
    [InlineData("Different Malformed", "v=TLSRPTv1")]
    [InlineData("Different Malformed", "v=TLSRPTv1; ruf=mailto:a@example.org")]
    [InlineData("Different Malformed", "v=TLSRPTv1; rua=mailto:a@example.org; rua=mailto:b@example.org")]
    [InlineData("Different Several 2", "v=TLSRPTv1; rua=mailto:a@example.org", "v=TLSRPTv1; rua=mailto:b@example.org")]
    [InlineData("Different Version v=TLSRPTv1", "v=TLSRPTv2; rua=mailto:a@example.org")]
    [InlineData("Different Version v=TLSRPTv1", "rua=mailto:a@example.org; v=TLSRPTv1")]
    public async Task One_record_says_who_reads_TLS_reports(string said, params string[] texts) => Assert.Equal(said, Said(await FindAsync(RecordKind.TlsRpt, "_smtp._tls." + Domain, texts)));

    [Theory]
    [InlineData("Published ", "192.0.2.1")]
    [InlineData("Published ", "2001:db8::1", "192.0.2.1")]
    [InlineData("Different OtherAddress 192.0.2.9", "192.0.2.1", "192.0.2.9")]
    [InlineData("Different OtherAddress 192.0.2.9", "192.0.2.9")]
    public async Task The_policys_host_leads_to_us_however_it_does(string said, params string[] addresses)
    {
        dns.Host(Ours, "192.0.2.1", "2001:db8::1").Host("mta-sts." + Domain, addresses);

        Assert.Equal(said, Said(await FindAsync(RecordKind.MtaStsHost)));
    }

    [Fact]
    public async Task Where_our_own_name_has_no_address_or_none_is_told_nothing_leads_to_it()
    {
        dns.Host("mta-sts." + Domain, "192.0.2.1");
        Assert.Equal("Different NameUnknown mx.portal.test", Said(await FindAsync(RecordKind.MtaStsHost)));

        dns.Fail(Ours);
        Assert.Equal("NotAsked NotAsked", Said(await FindAsync(RecordKind.MtaStsHost)));
    }

    [Theory]
    [InlineData("Published SameMeaning", "v=DKIM1;p=MIIB")]
    [InlineData("Different OtherKey", "v=DKIM1; k=rsa; p=MIIC")]
    [InlineData("Different Several 2", "v=DKIM1; k=rsa; p=MIIB", "v=DKIM1; p=")]
    public async Task A_key_is_that_which_signs(string said, params string[] texts)
    {
        dns.Text("Active._domainkey." + Domain, texts);

        Assert.Equal(said, Said(await FindAsync(PublishedRecords.Of(Domain, Ours, Onward.None, null, [Key(DkimKeyState.Active)]).Single(r => r.Kind == RecordKind.Dkim))));
    }

    /// <summary>A TXT record may hold 64 KB: it is read to its end, or not at all.</summary>
    [Theory]
    [InlineData("Dmarc", "_dmarc.", "v=DMARC1; p=reject; x=")]
    [InlineData("MtaSts", "_mta-sts.", "v=STSv1; id=")]
    [InlineData("TlsRpt", "_smtp._tls.", "v=TLSRPTv1; rua=mailto:")]
    public async Task A_record_beyond_any_measure_is_different(string kind, string label, string text)
    {
        var found = await FindAsync(Enum.Parse<RecordKind>(kind), label + Domain, text + new string('a', 65_000));

        Assert.Equal(Status.Different, found.Status);
        Assert.NotNull(found.Why);
    }

    private static DkimKeyRow Key(DkimKeyState state) =>
        new(Guid.NewGuid(), $"{state}", SigningAlgorithm.RsaSha256, state, DkimRecord.Of(Domain, $"{state}", SigningAlgorithm.RsaSha256, "MIIB"), DateTimeOffset.UnixEpoch, null, null, null, null, null);

    private static (Status, string?) Of(FoundRecord found) => (found.Status, found.Why);

    private static string Said(FoundRecord found) => $"{found.Status} {found.Why}{(found.Detail.Length > 0 ? " " : "")}{found.Detail}";

    private Task<FoundRecord> FindAsync(RecordKind kind, string name, params string[] texts)
    {
        dns.Text(name, texts);
        return FindAsync(kind);
    }

    private Task<FoundRecord> FindAsync(RecordKind kind) => FindAsync(PublishedRecords.Of(Domain, Ours, Onward.None, Policy, []).Single(r => r.Kind == kind));

    private Task<FoundRecord> FindAsync(WantedRecord wanted) => PublishedRecords.FindAsync(dns, wanted, TestContext.Current.CancellationToken);
}
