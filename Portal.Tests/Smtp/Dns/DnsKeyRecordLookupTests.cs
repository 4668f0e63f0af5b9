using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Portal.Core.Domains;
using Portal.Smtp.Dns;

namespace Portal.Tests.Smtp.Dns;

public sealed class DnsKeyRecordLookupTests
{
    private static readonly DkimRecord Record = DkimRecord.Of("portal.test", "r202611a", SigningAlgorithm.RsaSha256, "MIIB");
    private readonly FakeDns dns = new();
    private readonly FakeTimeProvider clock = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_tells_found_missing_different_and_no_answer_apart()
    {
        Assert.Equal(KeyRecordState.Missing, await Lookup(dns).LookAsync(Record, Cancel));
        Assert.Equal(KeyRecordState.Found, await Lookup(dns.Text("r202611a._domainkey.portal.test", Record.Value)).LookAsync(Record, Cancel));
        Assert.Equal(KeyRecordState.Different, await Lookup(dns.Text("r202611a._domainkey.portal.test", "v=DKIM1; p=MIIC")).LookAsync(Record, Cancel));
        Assert.Equal(KeyRecordState.Failed, await Lookup(dns.Fail("r202611a._domainkey.portal.test")).LookAsync(Record, Cancel));
    }

    [Fact]
    public async Task A_silent_DNS_is_no_answer_after_a_while_and_who_leaves_is_let_go()
    {
        var silent = new SilentDns();
        var look = Lookup(silent).LookAsync(Record, Cancel);
        await silent.Asked.Task;
        clock.Advance(TimeSpan.FromSeconds(20));
        Assert.Equal(KeyRecordState.Failed, await look);

        using var gone = new CancellationTokenSource();
        var left = Lookup(new SilentDns()).LookAsync(Record, gone.Token);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
    }

    private DnsKeyRecordLookup Lookup(IMailDns asked) => new(asked, Options.Create(new DnsOptions()), clock);
}
