using System.Net;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Accounts;
using Portal.Core.Permissions;

namespace Portal.Tests.Fixtures;

public class HostTests
{
    [Theory, BothDatabases]
    public async Task The_whole_host_starts_is_set_up_and_answers(DatabaseKind kind)
    {
        await using var portal = await PortalHost.StartAsync(kind);
        using var http = new HttpClient { BaseAddress = portal.Url };

        Assert.Equal("ready", await http.GetStringAsync("/health/ready"));
        Assert.True(await portal.Get<SetupService>().IsSetUpAsync(CancellationToken.None));
        var mailbox = await portal.AddMailboxAsync("alice@portal.test", null, Role.Helpdesk);
        Assert.Equal(mailbox.AccountId, (await portal.ReadAsync(db => db.Mailboxes.SingleAsync(m => m.PrimaryAddress == "alice@portal.test"))).AccountId);
    }

    [Fact]
    public async Task The_name_server_answers_what_it_was_told()
    {
        using var dns = new TestDns();
        dns.MailTo("example.org").NullMx("nomail.example").Fail("broken.example");
        var client = new ARSoft.Tools.Net.Dns.DnsClient([IPAddress.Loopback], [new ARSoft.Tools.Net.Dns.UdpClientTransport(dns.EndPoint.Port), new ARSoft.Tools.Net.Dns.TcpClientTransport(dns.EndPoint.Port)], queryTimeout: 2000);

        var answer = await client.ResolveAsync(ARSoft.Tools.Net.DomainName.Parse("example.org"), ARSoft.Tools.Net.Dns.RecordType.Mx);
        Assert.Equal("mx.example.org.", Assert.IsType<ARSoft.Tools.Net.Dns.MxRecord>(Assert.Single(answer!.AnswerRecords)).ExchangeDomainName.ToString());
        answer = await client.ResolveAsync(ARSoft.Tools.Net.DomainName.Parse("absent.example"), ARSoft.Tools.Net.Dns.RecordType.Mx);
        Assert.Equal(ARSoft.Tools.Net.Dns.ReturnCode.NxDomain, answer!.ReturnCode);
        answer = await client.ResolveAsync(ARSoft.Tools.Net.DomainName.Parse("broken.example"), ARSoft.Tools.Net.Dns.RecordType.Mx);
        Assert.Equal(ARSoft.Tools.Net.Dns.ReturnCode.ServerFailure, answer!.ReturnCode);
        Assert.Contains("example.org MX", dns.Asked);
    }
}
