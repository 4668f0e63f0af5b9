using Portal.Smtp.Authentication;
using Portal.Smtp.Authentication.Dmarc;
using Portal.Tests.Smtp.Dns;

namespace Portal.Tests.Smtp.Authentication;

/// <summary>DMARC (RFC 7489): records, where they are found, alignment, percentages, and what is never taken for a fail.</summary>
public sealed class DmarcTests
{
    private static readonly ProvenDomains Nothing = new(null, [], []);
    private readonly FakeDns dns = new();

    [Theory]
    [InlineData("v=DMARC1; p=reject", DmarcPolicy.Reject)]
    [InlineData("v=DMARC1;p=quarantine;", DmarcPolicy.Quarantine)]
    [InlineData("v=DMARC1; foo; =x; p=reject", DmarcPolicy.Reject)]   // §6.3: what can't be read is passed over
    [InlineData("v = DMARC1 ; p = none", DmarcPolicy.None)]
    [InlineData("v=DMARC1; P=REJECT; rua=mailto:a@example.com; ri=86400; fo=1:d:s; unknown=x", DmarcPolicy.Reject)]
    [InlineData("v=DMARC1; rua=mailto:a@example.com", DmarcPolicy.None)]   // §6.6.3: watches only
    [InlineData("v=DMARC1; p=bogus; rua=mailto:a@example.com", DmarcPolicy.None)]
    [InlineData("v=DMARC1; p=reject; sp=bogus; rua=mailto:a@example.com", DmarcPolicy.None)]
    public async Task A_policy_is_read(string record, DmarcPolicy expected)
    {
        var result = await EvaluateAsync(record, Nothing);
        Assert.Equal((DmarcStatus.Fail, expected, expected), (result.Status, result.Policy, result.Requested));
    }

    [Theory]
    [InlineData("v=DMARC1; p=bogus")]
    [InlineData("v=DMARC1; sp=reject")]
    [InlineData("v=DMARC1; nonsense")]
    [InlineData("v=DMARC1")]
    public async Task A_record_that_can_not_be_read_is_an_error(string record)
    {
        var result = await EvaluateAsync(record, Nothing);
        Assert.Equal((DmarcStatus.PermError, DmarcPolicy.None), (result.Status, result.Requested));
        Assert.NotEmpty(result.Reason);
    }

    [Theory]
    [InlineData("v=spf1 -all")]
    [InlineData("p=reject; v=DMARC1")]   // §6.3: the version comes first
    [InlineData("v=dmarc1; p=reject")]   // and is spelt so
    [InlineData("v=DMARC2; p=reject")]
    public async Task What_is_no_record_of_DMARC_is_none(string record) => Assert.Equal(DmarcStatus.None, (await EvaluateAsync(record, Nothing)).Status);

    [Fact]
    public async Task Two_records_are_as_good_as_none_and_nobody_else_is_asked()
    {
        dns.Text("_dmarc.mail.example.com", "v=DMARC1; p=reject", "v=DMARC1; p=none").Text("_dmarc.example.com", "v=DMARC1; p=reject");
        var result = await EvaluateAsync(Nothing, "mail.example.com");
        Assert.Equal((DmarcStatus.PermError, DmarcPolicy.None), (result.Status, result.Requested));
    }

    [Fact]
    public async Task The_organisation_speaks_for_a_name_that_has_no_policy_of_its_own()
    {
        dns.Text("_dmarc.example.co.uk", "v=DMARC1; p=reject; sp=quarantine");
        var below = await EvaluateAsync(Nothing, "news.mail.example.co.uk");
        Assert.Equal((DmarcStatus.Fail, DmarcPolicy.Quarantine, "example.co.uk"), (below.Status, below.Requested, below.PolicyDomain));
        Assert.Equal(DmarcPolicy.Reject, (await EvaluateAsync(Nothing, "example.co.uk")).Requested);

        dns.Text("_dmarc.own.example.co.uk", "v=DMARC1; p=none");
        Assert.Equal(DmarcPolicy.None, (await EvaluateAsync(Nothing, "own.example.co.uk")).Requested);

        dns.Text("_dmarc.co.uk", "v=DMARC1; p=reject");   // a public suffix speaks for nobody
        Assert.Equal(DmarcStatus.None, (await EvaluateAsync(Nothing, "other.co.uk")).Status);
    }

    [Theory]
    [InlineData("v=DMARC1; p=reject", "example.com", null, true)]
    [InlineData("v=DMARC1; p=reject", "bounce.example.com", null, true)]
    [InlineData("v=DMARC1; p=reject; aspf=s", "bounce.example.com", null, false)]
    [InlineData("v=DMARC1; p=reject; aspf=s", "example.com", null, true)]
    [InlineData("v=DMARC1; p=reject", "example.org", null, false)]
    [InlineData("v=DMARC1; p=reject", "notexample.com", null, false)]
    [InlineData("v=DMARC1; p=reject", null, "example.com", true)]
    [InlineData("v=DMARC1; p=reject", null, "mail.example.com", true)]
    [InlineData("v=DMARC1; p=reject; adkim=s", null, "mail.example.com", false)]
    [InlineData("v=DMARC1; p=reject; adkim=s; aspf=r", "bounce.example.com", "mail.example.com", true)]
    [InlineData("v=DMARC1; p=reject", "elsewhere.example", "other.example", false)]
    public async Task One_proof_must_be_for_the_author(string record, string? spf, string? dkim, bool passes)
    {
        var result = await EvaluateAsync(record, new(spf, dkim is null ? [] : ["list.example", dkim], []));
        Assert.Equal(passes ? DmarcStatus.Pass : DmarcStatus.Fail, result.Status);
        Assert.Equal(passes ? DmarcPolicy.None : DmarcPolicy.Reject, result.Requested);
    }

    [Theory]
    [InlineData("v=DMARC1; p=reject; pct=100", 99, DmarcPolicy.Reject)]
    [InlineData("v=DMARC1; p=reject; pct=30", 29, DmarcPolicy.Reject)]
    [InlineData("v=DMARC1; p=reject; pct=30", 30, DmarcPolicy.Quarantine)]
    [InlineData("v=DMARC1; p=quarantine; pct=30", 30, DmarcPolicy.None)]
    [InlineData("v=DMARC1; p=reject; pct=0", 0, DmarcPolicy.Quarantine)]
    [InlineData("v=DMARC1; p=none; pct=0", 50, DmarcPolicy.None)]
    [InlineData("v=DMARC1; p=reject; pct=101", 99, DmarcPolicy.Reject)]   // §6.3: can't be read, passed over
    [InlineData("v=DMARC1; p=reject; pct=-1", 99, DmarcPolicy.Reject)]
    public async Task Whom_the_percentage_leaves_out_gets_the_milder_policy(string record, int sample, DmarcPolicy expected) =>
        Assert.Equal(expected, (await EvaluateAsync(record, Nothing, sample)).Requested);

    [Fact]
    public async Task A_DNS_that_fails_is_neither_pass_nor_fail()
    {
        dns.Fail("_dmarc.example.com");
        Assert.Equal(DmarcStatus.TempError, (await EvaluateAsync(Nothing, "example.com")).Status);
        Assert.Equal(DmarcStatus.TempError, (await EvaluateAsync(Nothing, "mail.example.com")).Status);   // the organisation's is as unknown

        Assert.Equal(DmarcStatus.TempError, (await EvaluateAsync("v=DMARC1; p=reject", new(null, [], ["bounce.example.com"]))).Status);
        Assert.Equal(DmarcStatus.Fail, (await EvaluateAsync("v=DMARC1; p=reject", new(null, [], ["dead.example"]))).Status);   // another's proof would prove nothing
        Assert.Equal(DmarcStatus.TempError, (await EvaluateAsync("v=DMARC1; p=reject", new(null, [], [""]))).Status);
        Assert.Equal(DmarcStatus.Pass, (await EvaluateAsync("v=DMARC1; p=reject", new("example.com", [], ["example.com"]))).Status);   // one proof is enough
    }

    [Fact]
    public async Task Of_several_authors_the_one_that_fares_worst_decides()
    {
        dns.Text("_dmarc.good.example", "v=DMARC1; p=reject").Text("_dmarc.strict.example", "v=DMARC1; p=reject");
        var proven = new ProvenDomains("good.example", [], []);
        var result = await Evaluator().EvaluateAsync(["good.example", "strict.example", "nothing.example"], isFromCut: false, proven, 0, CancellationToken.None);
        Assert.Equal((DmarcStatus.Fail, "strict.example"), (result.Status, result.FromDomain));

        Assert.Equal(DmarcStatus.PermError, (await Evaluator().EvaluateAsync([], isFromCut: false, proven, 0, CancellationToken.None)).Status);
        Assert.Equal(DmarcStatus.PermError, (await Evaluator().EvaluateAsync(["good.example"], isFromCut: true, proven, 0, CancellationToken.None)).Status);
        Assert.Equal(DmarcStatus.PermError, (await Evaluator().EvaluateAsync(["a.a", "b.b", "c.c", "d.d", "e.e", "f.f"], isFromCut: false, proven, 0, CancellationToken.None)).Status);
    }

    [Theory]
    [InlineData("example.com", "example.com")]
    [InlineData("a.b.example.com", "example.com")]
    [InlineData("com", "com")]
    [InlineData("co.uk", "co.uk")]
    [InlineData("example.co.uk", "example.co.uk")]
    [InlineData("a.example.co.uk", "example.co.uk")]
    [InlineData("www.ck", "www.ck")]   // an exception to *.ck
    [InlineData("a.www.ck", "www.ck")]
    [InlineData("b.c.ck", "b.c.ck")]
    [InlineData("a.b.c.ck", "b.c.ck")]
    [InlineData("city.kobe.jp", "city.kobe.jp")]
    [InlineData("a.b.c.kobe.jp", "b.c.kobe.jp")]
    [InlineData("someone.github.io", "someone.github.io")]   // people register below it
    [InlineData("a.someone.github.io", "someone.github.io")]
    [InlineData("xn--85x722f.com.cn", "xn--85x722f.com.cn")]
    [InlineData("a.xn--85x722f.xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn")]
    [InlineData("mail.portal.test", "portal.test")]   // no rule: the last label
    [InlineData("test", "test")]
    public void The_organisation_is_one_label_below_where_people_register(string domain, string expected) => Assert.Equal(expected, PublicSuffixes.OrganizationalDomainOf(domain));

    private DmarcEvaluator Evaluator() => new(dns);

    private Task<DmarcResult> EvaluateAsync(string record, ProvenDomains proven, int sample = 0)
    {
        dns.Text("_dmarc.example.com", record);
        return Evaluator().EvaluateAsync(["example.com"], isFromCut: false, proven, sample, CancellationToken.None);
    }

    private Task<DmarcResult> EvaluateAsync(ProvenDomains proven, string domain) => Evaluator().EvaluateAsync([domain], isFromCut: false, proven, 0, CancellationToken.None);
}
