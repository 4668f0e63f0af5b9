using System.Net;
using Microsoft.Extensions.Time.Testing;
using Portal.Smtp.Authentication.Spf;
using Portal.Tests.Smtp.Dns;

namespace Portal.Tests.Smtp.Authentication;

/// <summary>SPF (RFC 7208), section by section: every result, mechanism, modifier, macro and limit, from zones of the test's own.</summary>
public sealed class SpfTests
{
    private const string Domain = "example.com";
    private readonly FakeDns dns = new();

    [Theory]
    [InlineData("v=spf1 +all", SpfStatus.Pass)]
    [InlineData("v=spf1 all", SpfStatus.Pass)]
    [InlineData("v=spf1 -all", SpfStatus.Fail)]
    [InlineData("v=spf1 ~all", SpfStatus.SoftFail)]
    [InlineData("v=spf1 ?all", SpfStatus.Neutral)]
    [InlineData("v=spf1", SpfStatus.Neutral)]   // §4.7: nothing matches
    [InlineData("v=spf1 ip4:203.0.113.0/24", SpfStatus.Neutral)]
    [InlineData("V=SPF1 -ALL", SpfStatus.Fail)]
    [InlineData("v=spf1   -all  ", SpfStatus.Fail)]
    [InlineData("v=spf10 -all", SpfStatus.None)]   // §4.5: another version
    [InlineData("v=spf1-all", SpfStatus.None)]
    [InlineData("spf1 -all", SpfStatus.None)]
    public async Task Every_qualifier_has_its_result(string record, SpfStatus expected) => Assert.Equal(expected, (await CheckAsync(record)).Status);

    [Fact]
    public async Task A_domain_without_a_record_or_a_name_has_none()
    {
        Assert.Equal(SpfStatus.None, (await CheckAsync()).Status);
        dns.Text(Domain, "hello", "google-site-verification=1");
        Assert.Equal(SpfStatus.None, (await CheckAsync()).Status);
        foreach (var name in new[] { "", "localhost", "[192.0.2.1]", "a..example.com", new string('a', 64) + ".example.com" })
            Assert.Equal(SpfStatus.None, (await CheckAsync(domain: name)).Status);
    }

    [Fact]
    public async Task Two_records_are_an_error_and_others_beside_one_are_not()
    {
        dns.Text(Domain, "v=spf1 -all", "v=spf1 +all");
        Assert.Equal(SpfStatus.PermError, (await CheckAsync()).Status);
        dns.Text(Domain, "v=spf1 -all", "v=spf10 +all", "unrelated");
        Assert.Equal(SpfStatus.Fail, (await CheckAsync()).Status);
    }

    [Fact]
    public async Task A_DNS_that_fails_is_a_temporary_error_and_never_a_fail()
    {
        dns.Fail(Domain);
        Assert.Equal(SpfStatus.TempError, (await CheckAsync()).Status);
        dns.Fail("other.example");
        Assert.Equal(SpfStatus.TempError, (await CheckAsync("v=spf1 include:other.example -all")).Status);
        Assert.Equal(SpfStatus.TempError, (await CheckAsync("v=spf1 a:other.example -all")).Status);
        Assert.Equal(SpfStatus.TempError, (await CheckAsync("v=spf1 mx:other.example -all")).Status);
        Assert.Equal(SpfStatus.TempError, (await CheckAsync("v=spf1 exists:other.example -all")).Status);
        Assert.Equal(SpfStatus.TempError, (await CheckAsync("v=spf1 redirect=other.example")).Status);
        dns.Mx("mail.example", (10, "other.example"));
        Assert.Equal(SpfStatus.TempError, (await CheckAsync("v=spf1 mx:mail.example -all")).Status);
    }

    [Theory]
    [InlineData("v=spf1 -al")]
    [InlineData("v=spf1 -all:example.org")]
    [InlineData("v=spf1 -all/24")]
    [InlineData("v=spf1 *all")]
    [InlineData("v=spf1 include")]
    [InlineData("v=spf1 include:")]
    [InlineData("v=spf1 include:example.org/24")]
    [InlineData("v=spf1 exists")]
    [InlineData("v=spf1 exists:")]
    [InlineData("v=spf1 a:")]
    [InlineData("v=spf1 a:museum")]   // §7.1: a top label needs a dot before it
    [InlineData("v=spf1 a:museum.")]
    [InlineData("v=spf1 a:example.123")]
    [InlineData("v=spf1 a:example.-com")]
    [InlineData("v=spf1 a:example.com:8080")]
    [InlineData("v=spf1 a/33")]
    [InlineData("v=spf1 a/024")]
    [InlineData("v=spf1 a/")]
    [InlineData("v=spf1 a//129")]
    [InlineData("v=spf1 a/24/64")]
    [InlineData("v=spf1 mx:")]
    [InlineData("v=spf1 ptr:")]
    [InlineData("v=spf1 ptr/24")]
    [InlineData("v=spf1 ip4")]
    [InlineData("v=spf1 ip4:")]
    [InlineData("v=spf1 ip4:192.0.2")]
    [InlineData("v=spf1 ip4:192.0.2.256")]
    [InlineData("v=spf1 ip4:192.0.2.01")]
    [InlineData("v=spf1 ip4:192.0.2.1/33")]
    [InlineData("v=spf1 ip4:192.0.2.1//24")]
    [InlineData("v=spf1 ip4:2001:db8::1")]
    [InlineData("v=spf1 ip6:192.0.2.1")]
    [InlineData("v=spf1 ip6:2001:db8::1/129")]
    [InlineData("v=spf1 ip6:fe80::1%eth0")]
    [InlineData("v=spf1 ip6:")]
    [InlineData("v=spf1 redirect=")]
    [InlineData("v=spf1 redirect=a.example redirect=b.example")]
    [InlineData("v=spf1 exp=a.example exp=b.example -all")]
    [InlineData("v=spf1 a:%{d")]
    [InlineData("v=spf1 a:%{}.example")]
    [InlineData("v=spf1 a:%{x}.example")]
    [InlineData("v=spf1 a:%{c}.example")]   // §7.2: c, r and t only explain
    [InlineData("v=spf1 a:%{d0}.example")]
    [InlineData("v=spf1 a:%{d1x}.example")]
    [InlineData("v=spf1 a:%(d).example")]
    [InlineData("v=spf1 a:example.com%")]
    [InlineData("v=spf1 unknown=%{x}")]
    [InlineData("v=spf1 exists:bücher.example")]
    [InlineData("v=spf1 \t-all")]
    public async Task A_record_that_can_not_be_read_is_an_error_wherever_the_fault_stands(string record)
    {
        Assert.Equal(SpfStatus.PermError, (await CheckAsync(record)).Status);
        Assert.Equal(SpfStatus.PermError, (await CheckAsync("v=spf1 +all " + record[7..])).Status);
    }

    [Theory]
    [InlineData("v=spf1 unknown=anything -all")]
    [InlineData("v=spf1 -all unknown=a/b:c=d")]
    [InlineData("v=spf1 x-y_z.1=%{d} -all")]
    public async Task A_modifier_that_is_not_known_is_passed_over(string record) => Assert.Equal(SpfStatus.Fail, (await CheckAsync(record)).Status);

    [Theory]
    [InlineData("ip4:192.0.2.5", "192.0.2.5", true)]
    [InlineData("ip4:192.0.2.5", "192.0.2.6", false)]
    [InlineData("ip4:192.0.2.0/24", "192.0.2.255", true)]
    [InlineData("ip4:192.0.2.0/25", "192.0.2.128", false)]
    [InlineData("ip4:192.0.2.0/31", "192.0.2.1", true)]
    [InlineData("ip4:0.0.0.0/0", "203.0.113.9", true)]
    [InlineData("ip4:0.0.0.0/0", "2001:db8::1", false)]
    [InlineData("ip6:2001:db8::/32", "2001:db8:ffff::1", true)]
    [InlineData("ip6:2001:db8::/33", "2001:db8:8000::1", false)]
    [InlineData("ip6:2001:db8::1", "2001:db8::1", true)]
    [InlineData("ip6:::/0", "192.0.2.1", false)]
    [InlineData("ip4:192.0.2.5", "::ffff:192.0.2.5", true)]   // an IPv4 client on an IPv6 socket
    public async Task Networks_match_by_their_prefix(string mechanism, string client, bool matches) =>
        Assert.Equal(matches ? SpfStatus.Pass : SpfStatus.Fail, (await CheckAsync($"v=spf1 {mechanism} -all", client)).Status);

    [Theory]
    [InlineData("a", "192.0.2.10", true)]
    [InlineData("a", "192.0.2.11", false)]
    [InlineData("a/24", "192.0.2.11", true)]
    [InlineData("a:mail.example.org", "198.51.100.1", true)]
    [InlineData("a:mail.example.org/24//64", "198.51.100.77", true)]
    [InlineData("a:mail.example.org//64", "2001:db8::77", true)]
    [InlineData("a:mail.example.org", "2001:db8::77", false)]
    [InlineData("A:MAIL.example.org", "198.51.100.1", true)]
    [InlineData("mx", "198.51.100.1", true)]
    [InlineData("mx/24", "198.51.100.200", true)]
    [InlineData("mx", "192.0.2.10", false)]
    [InlineData("mx:example.com", "2001:db8::1", true)]
    public async Task Hosts_match_by_their_addresses(string mechanism, string client, bool matches)
    {
        dns.Host(Domain, "192.0.2.10").Host("mail.example.org", "198.51.100.1", "2001:db8::1").Mx(Domain, (20, "nowhere.example.org"), (10, "mail.example.org")).Host("MAIL.example.org", "198.51.100.1");
        Assert.Equal(matches ? SpfStatus.Pass : SpfStatus.Fail, (await CheckAsync($"v=spf1 {mechanism} -all", client)).Status);
    }

    [Theory]
    [InlineData("v=spf1 +all", SpfStatus.Pass)]
    [InlineData("v=spf1 -all", SpfStatus.Neutral)]
    [InlineData("v=spf1 ~all", SpfStatus.Neutral)]
    [InlineData("v=spf1 ?all", SpfStatus.Neutral)]
    [InlineData("v=spf1 nonsense", SpfStatus.PermError)]
    [InlineData(null, SpfStatus.PermError)]   // §5.2: none of an included domain
    public async Task An_included_record_matches_only_when_it_passes(string? included, SpfStatus expected)
    {
        if (included is not null) dns.Text("other.example", included);
        Assert.Equal(expected, (await CheckAsync("v=spf1 include:other.example ?all")).Status);
    }

    [Theory]
    [InlineData("v=spf1 redirect=other.example", "v=spf1 -all", SpfStatus.Fail)]
    [InlineData("v=spf1 redirect=other.example", "v=spf1 a -all", SpfStatus.Pass)]   // §6.1: the target is the current domain there
    [InlineData("v=spf1 redirect=other.example ~all", "v=spf1 -all", SpfStatus.SoftFail)]   // all comes first, wherever it stands
    [InlineData("v=spf1 redirect=other.example", null, SpfStatus.PermError)]
    public async Task A_redirection_is_followed_when_nothing_matched(string record, string? target, SpfStatus expected)
    {
        dns.Host("other.example", "192.0.2.1");
        if (target is not null) dns.Text("other.example", target);
        Assert.Equal(expected, (await CheckAsync(record)).Status);
    }

    [Fact]
    public async Task A_pointer_counts_only_when_it_leads_back()
    {
        dns.PointTo("192.0.2.1", "elsewhere.example", "mail.example.com").Host("mail.example.com", "192.0.2.1").Host("forged.example.com", "192.0.2.99");
        Assert.Equal(SpfStatus.Pass, (await CheckAsync("v=spf1 ptr -all")).Status);
        Assert.Equal(SpfStatus.Fail, (await CheckAsync("v=spf1 ptr:other.example -all")).Status);
        dns.PointTo("192.0.2.1", "forged.example.com");
        Assert.Equal(SpfStatus.Fail, (await CheckAsync("v=spf1 ptr -all")).Status);
        dns.PointTo("192.0.2.1", "notexample.com").Host("notexample.com", "192.0.2.1");
        Assert.Equal(SpfStatus.Fail, (await CheckAsync("v=spf1 ptr -all")).Status);   // ends alike, is no name below
        dns.Fail("192.0.2.1");
        Assert.Equal(SpfStatus.Fail, (await CheckAsync("v=spf1 ptr -all")).Status);   // §5.5: no error, no match
    }

    [Theory]
    [InlineData("%{s}", "strong-bad@email.example.com")]   // the table of §7.4
    [InlineData("%{o}", "email.example.com")]
    [InlineData("%{d}", "email.example.com")]
    [InlineData("%{d4}", "email.example.com")]
    [InlineData("%{d3}", "email.example.com")]
    [InlineData("%{d2}", "example.com")]
    [InlineData("%{d1}", "com")]
    [InlineData("%{dr}", "com.example.email")]
    [InlineData("%{d2r}", "example.email")]
    [InlineData("%{l}", "strong-bad")]
    [InlineData("%{l-}", "strong.bad")]
    [InlineData("%{lr}", "strong-bad")]
    [InlineData("%{lr-}", "bad.strong")]
    [InlineData("%{l1r-}", "strong")]
    [InlineData("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com")]
    [InlineData("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com")]
    [InlineData("%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com")]
    [InlineData("%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com")]
    [InlineData("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net")]
    [InlineData("%{h}%%%_%-", "hello.example% %20")]
    [InlineData("%{S}", "strong-bad%40email.example.com")]
    public void The_macros_of_the_RFC_expand_as_it_says(string text, string expected) =>
        Assert.Equal(expected, SpfMacro.Expand(text, Macros("192.0.2.3"), "email.example.com", "unknown", default));

    [Fact]
    public void An_IPv6_client_is_expanded_by_nibbles() => Assert.Equal(
        "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com",
        SpfMacro.Expand("%{ir}.%{v}._spf.%{d2}", Macros("2001:db8::cb01"), "email.example.com", "unknown", default));

    [Fact]
    public void A_name_that_grows_too_long_loses_labels_from_the_left()
    {
        var label = new string('a', 50);
        var name = SpfMacro.ExpandName($"{label}.%{{d}}.{label}.{label}.{label}.{label}.example.com", Macros("192.0.2.3"), "sub.example.com", "unknown", default);
        Assert.Equal($"sub.example.com.{label}.{label}.{label}.{label}.example.com", name);
    }

    [Fact]
    public async Task A_name_made_of_macros_is_asked_for()
    {
        dns.Host("1.2.0.192.alice.ok.example", "127.0.0.2");
        Assert.Equal(SpfStatus.Pass, (await CheckAsync("v=spf1 exists:%{ir}.%{l}.ok.example -all")).Status);
        Assert.Equal(SpfStatus.Fail, (await CheckAsync("v=spf1 exists:%{ir}.%{l}.ok.example -all", "192.0.2.2")).Status);
        dns.PointTo("192.0.2.1", "mail.example.com").Host("mail.example.com", "192.0.2.1").Host("mail.example.com.named.example", "127.0.0.2");
        Assert.Equal(SpfStatus.Pass, (await CheckAsync("v=spf1 exists:%{p}.named.example -all")).Status);
    }

    [Fact]
    public async Task A_sender_without_local_part_is_the_postmaster()
    {
        dns.Host("postmaster.ok.example", "127.0.0.2").Text("mail.example.org", "v=spf1 exists:%{l}.ok.example -all");
        var question = new SpfQuestion(IPAddress.Parse("192.0.2.1"), "mail.example.org", "mail.example.org", "mail.example.org", "mx.portal.test");
        Assert.Equal(SpfStatus.Pass, (await Evaluator().CheckAsync(question, CancellationToken.None)).Status);
    }

    [Fact]
    public async Task Ten_terms_that_ask_are_answered_and_the_eleventh_is_an_error()
    {
        for (var i = 0; i < 11; i++) dns.Text($"i{i}.example", "v=spf1 ?all");
        Assert.Equal(SpfStatus.Fail, (await CheckAsync(Includes(10))).Status);
        Assert.Equal(SpfStatus.PermError, (await CheckAsync(Includes(11))).Status);

        dns.Text("loop.example", "v=spf1 include:loop.example");   // ends too
        Assert.Equal(SpfStatus.PermError, (await CheckAsync("v=spf1 include:loop.example -all")).Status);
        dns.Text("turn.example", "v=spf1 redirect=turn.example");
        Assert.Equal(SpfStatus.PermError, (await CheckAsync("v=spf1 redirect=turn.example")).Status);

        static string Includes(int count) => $"v=spf1 {string.Join(' ', Enumerable.Range(0, count).Select(i => $"include:i{i}.example"))} -all";
    }

    [Fact]
    public async Task Two_names_that_have_nothing_are_allowed_and_the_third_is_an_error()
    {
        Assert.Equal(SpfStatus.Fail, (await CheckAsync("v=spf1 a:n1.example exists:n2.example -all")).Status);
        Assert.Equal(SpfStatus.PermError, (await CheckAsync("v=spf1 a:n1.example exists:n2.example mx:n3.example -all")).Status);
        Assert.Equal(SpfStatus.Pass, (await CheckAsync("v=spf1 ip4:192.0.2.1 a:n1.example exists:n2.example mx:n3.example -all")).Status);   // what is not asked does not count
    }

    [Fact]
    public async Task More_than_ten_mail_servers_are_an_error_and_of_many_pointers_ten_are_looked_at()
    {
        dns.Mx(Domain, [.. Enumerable.Range(0, 11).Select(i => (10, $"m{i}.example.com"))]);
        Assert.Equal(SpfStatus.PermError, (await CheckAsync("v=spf1 mx -all")).Status);

        for (var i = 0; i < 12; i++) dns.Host($"p{i}.example.com", i == 11 ? "192.0.2.1" : "192.0.2.200");
        dns.PointTo("192.0.2.1", [.. Enumerable.Range(0, 12).Select(i => $"p{i}.example.com")]);
        Assert.Equal(SpfStatus.Fail, (await CheckAsync("v=spf1 ptr -all")).Status);
    }

    [Theory]
    [InlineData("%{i} is not one of %{d}'s hosts, %{c} says %{r}", "192.0.2.1 is not one of example.com's hosts, 192.0.2.1 says mx.portal.test")]
    [InlineData("%{x} broken", null)]
    [InlineData("Zeichen: ü", null)]
    public async Task A_refusal_explains_itself_when_it_can(string text, string? expected)
    {
        dns.Text("why.example.com", text);
        Assert.Equal(expected, (await CheckAsync("v=spf1 exp=why.%{d} -all")).Explanation);
        Assert.Null((await CheckAsync("v=spf1 exp=why.%{d} ~all")).Explanation);
    }

    [Fact]
    public async Task An_included_record_does_not_explain_and_a_redirected_one_does()
    {
        dns.Text("other.example", "v=spf1 exp=why.other.example -all").Text("why.other.example", "theirs");
        Assert.Equal("theirs", (await CheckAsync("v=spf1 redirect=other.example")).Explanation);
        Assert.Null((await CheckAsync("v=spf1 include:other.example -all")).Explanation);
    }

    [Fact]
    public async Task The_reason_names_the_term_that_decided()
    {
        Assert.Equal("-all of example.com", (await CheckAsync("v=spf1 ip4:203.0.113.1 -all")).Reason);
        Assert.Contains("ip4:999", (await CheckAsync("v=spf1 ip4:999 -all")).Reason, StringComparison.Ordinal);
        Assert.True((await CheckAsync("v=spf1 " + new string('x', 3000))).Reason.Length < 200);
    }

    private static SpfQuestion Macros(string client) => new(IPAddress.Parse(client), "hello.example", "strong-bad@email.example.com", "email.example.com", "mx.portal.test");

    private SpfEvaluator Evaluator() => new(dns, new FakeTimeProvider());

    private Task<SpfResult> CheckAsync(string? record = null, string client = "192.0.2.1", string domain = Domain)
    {
        if (record is not null) dns.Text(domain, record);
        return Evaluator().CheckAsync(new(IPAddress.Parse(client), "hello.example", $"alice@{domain}", domain, "mx.portal.test"), CancellationToken.None);
    }
}
