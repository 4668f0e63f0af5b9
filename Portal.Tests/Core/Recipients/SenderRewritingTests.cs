using Microsoft.Extensions.Time.Testing;
using Portal.Core.Addresses;
using Portal.Core.Data;
using Portal.Core.Recipients;

namespace Portal.Tests.Core.Recipients;

/// <summary>Paths under which mail is sent on, and the way back.</summary>
public sealed class SenderRewritingTests : IDisposable
{
    private readonly FakeTimeProvider clock = new(DateTimeOffset.Parse("2026-11-30T12:00:00Z", System.Globalization.CultureInfo.InvariantCulture));
    private readonly SecretBox ours = new(new byte[32]);
    private readonly SecretBox theirs = new([.. Enumerable.Repeat((byte)7, 32)]);

    public void Dispose()
    {
        ours.Dispose();
        theirs.Dispose();
    }

    [Theory]
    [InlineData("alice@example.org")]
    [InlineData("Alice.Smith+x=y@mail.example.org")]
    [InlineData("o'hara@xn--bcher-kva.example")]
    public void What_comes_back_is_led_to_the_sender_in_whatever_case(string sender)
    {
        var path = Rewrite(ours, sender)!;

        Assert.StartsWith("SRS0=", path.LocalPart, StringComparison.Ordinal);
        Assert.Equal("portal.test", path.Domain.Value);
        Assert.Equal(sender, Open(ours, path.ToString())?.ToString());
        Assert.Equal(sender, Open(ours, path.ToString().ToUpperInvariant())?.ToString(), ignoreCase: true);
        Assert.Equal(sender, Open(ours, path.ToString().ToLowerInvariant())?.ToString(), ignoreCase: true);
    }

    [Fact]
    public void A_path_that_was_rewritten_before_leads_back_to_the_first_who_rewrote_it()
    {
        var first = Rewrite(theirs, "alice@example.org", "first.example")!;
        var second = Rewrite(ours, first.ToString())!;
        var third = Rewrite(theirs, second.ToString(), "third.example")!;

        Assert.StartsWith("SRS1=", second.LocalPart, StringComparison.Ordinal);
        Assert.Equal(first, Open(ours, second.ToString()));
        Assert.Equal(first, Open(theirs, third.ToString()));   // the second is left out: no path grows for ever
        Assert.Equal("alice@example.org", Open(theirs, first.ToString())?.ToString());
    }

    [Theory]
    [InlineData("alice@example.org")]
    [InlineData("SRS0@portal.test")]
    [InlineData("SRS0=@portal.test")]
    [InlineData("SRS0=aaaaaa=aa=example.org=alice@portal.test")]
    [InlineData("SRS0=aaaaaa@portal.test")]
    [InlineData("SRS1=aaaaaa=example.org==x@portal.test")]
    [InlineData("SRS1==@portal.test")]
    public void Nobody_can_make_a_path(string path) => Assert.Null(Open(ours, path));

    [Fact]
    public void A_path_that_was_changed_or_made_elsewhere_leads_nowhere()
    {
        var path = Rewrite(ours, "alice@example.org")!.ToString();
        Assert.Null(Open(theirs, path));
        Assert.Null(Open(ours, path.Replace("alice", "mallory", StringComparison.Ordinal)));
        Assert.Null(Open(ours, path.Replace("example.org", "example.net", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(21, true)]
    [InlineData(23, false)]
    [InlineData(400, false)]
    public void An_old_path_leads_nowhere(int days, bool leadsBack)
    {
        var path = Rewrite(ours, "alice@example.org")!.ToString();
        clock.Advance(TimeSpan.FromDays(days));
        Assert.Equal(leadsBack, Open(ours, path) is not null);
    }

    [Theory]
    [InlineData("a-very-long-local-part-that-fills-most-of-the-octets@example.org")]
    [InlineData("\"quoted local\"@example.org")]
    [InlineData("alice@[192.0.2.1]")]
    [InlineData("bücher@example.org")]
    public void What_would_be_no_address_stays_as_it_is(string sender) => Assert.Null(Rewrite(ours, sender));

    private MailAddress? Rewrite(SecretBox secrets, string sender, string forwarder = "portal.test") =>
        new SenderRewriting(secrets, clock).Rewrite(MailAddress.Parse(sender), DomainName.TryParse(forwarder, out var domain) ? domain : default);

    private MailAddress? Open(SecretBox secrets, string path) => MailAddress.TryParse(path, out var address) ? new SenderRewriting(secrets, clock).Open(address) : null;
}
