using System.Net;
using Portal.Smtp.Authentication;
using Portal.Tests.Smtp.Dns;

namespace Portal.Tests.Smtp.Authentication;

/// <summary>iprev (RFC 8601 §3): whether address and name of a client agree.</summary>
public sealed class ReverseNameTests
{
    private readonly FakeDns dns = new();

    [Theory]
    [InlineData("192.0.2.1")]
    [InlineData("2001:db8::1")]
    public async Task A_name_that_leads_back_passes(string client)
    {
        dns.PointTo(client, "other.example", "mail.example.org").Host("other.example", "203.0.113.1").Host("mail.example.org", "192.0.2.1", "2001:db8::1");
        Assert.Equal((ReverseNameStatus.Pass, "mail.example.org"), await FindAsync(client));
    }

    [Fact]
    public async Task A_name_that_leads_elsewhere_fails_and_an_address_without_one_is_an_error()
    {
        dns.PointTo("192.0.2.1", "mail.example.org").Host("mail.example.org", "192.0.2.9");
        Assert.Equal((ReverseNameStatus.Fail, null), await FindAsync("192.0.2.1"));
        Assert.Equal((ReverseNameStatus.PermError, null), await FindAsync("192.0.2.2"));
    }

    [Fact]
    public async Task A_DNS_that_fails_says_nothing_for_good()
    {
        dns.Fail("192.0.2.1").PointTo("192.0.2.2", "broken.example").Fail("broken.example");
        Assert.Equal((ReverseNameStatus.TempError, null), await FindAsync("192.0.2.1"));
        Assert.Equal((ReverseNameStatus.TempError, null), await FindAsync("192.0.2.2"));
    }

    [Fact]
    public async Task Names_without_end_are_not_asked_for_without_end()
    {
        string[] names = [.. Enumerable.Range(0, 1000).Select(i => $"h{i}.example.org")];
        dns.PointTo("192.0.2.1", names).Host("h999.example.org", "192.0.2.1");
        Assert.Equal((ReverseNameStatus.Fail, null), await FindAsync("192.0.2.1"));
    }

    private async Task<(ReverseNameStatus, string?)> FindAsync(string client) =>
        await new ReverseNameLookup(dns).FindAsync(IPAddress.Parse(client), CancellationToken.None) is var found ? (found.Status, found.Name) : default;
}
