using System.Net;
using Portal.Web.Admin.Domains;
using Portal.Web.Hosting;

namespace Portal.Tests.Web.Admin;

/// <summary>A system that the world cannot find knows it.</summary>
public class PublicNameTests
{
    [Theory]
    [InlineData("127.0.0.1", "mx.example.org", "Loopback")]
    [InlineData("::1", "mx.example.org", "Loopback")]
    [InlineData("10.1.2.3", "mx.example.org", "Private")]
    [InlineData("172.16.0.1", "mx.example.org", "Private")]
    [InlineData("172.31.255.1", "mx.example.org", "Private")]
    [InlineData("192.168.1.1", "mx.example.org", "Private")]
    [InlineData("100.64.0.1", "mx.example.org", "Private")]
    [InlineData("169.254.1.1", "mx.example.org", "Private")]
    [InlineData("::ffff:10.1.2.3", "mx.example.org", "Private")]
    [InlineData("fe80::1", "mx.example.org", "Private")]
    [InlineData("fd00::1", "mx.example.org", "Private")]
    [InlineData("0.0.0.0", "mx", "Name")]
    [InlineData("0.0.0.0", "mx.local", "Name")]
    [InlineData("0.0.0.0", "MX.Office.LAN", "Name")]
    [InlineData("[::]", "mx.internal", "Name")]
    [InlineData("0.0.0.0", "mx.example.org", null)]
    [InlineData("172.32.0.1", "mx.example.org", null)]
    [InlineData("100.128.0.1", "mx.example.org", null)]
    [InlineData("8.8.8.8", "mx.example.org", null)]
    [InlineData("2a00:1450::1", "mx.example.org", null)]
    public void Why_the_world_may_not_find_it(string address, string name, string? problem) =>
        Assert.Equal(problem, PublicName.Problem(new HostingOptions { ListenAddress = address, HostName = name }, [IPAddress.Parse("9.9.9.9")]));

    [Theory]
    [InlineData("0.0.0.0", "Private", "127.0.0.1", "10.0.0.5")]
    [InlineData("0.0.0.0", "Private", "10.0.0.5", "2a00:1450::1")]   // listens on IPv4 only
    [InlineData("[::]", null, "10.0.0.5", "2a00:1450::1")]
    [InlineData("[::]", "Private", "192.168.0.5", "fe80::1")]
    [InlineData("0.0.0.0", null, "10.0.0.5", "9.9.9.9")]
    public void Who_listens_everywhere_is_where_the_machine_is(string listen, string? problem, params string[] machine) =>
        Assert.Equal(problem, PublicName.Problem(new HostingOptions { ListenAddress = listen, HostName = "mx.example.org" }, [.. machine.Select(IPAddress.Parse)]));

    [Theory]
    [InlineData("mx.example.org", "mx.example.org")]
    [InlineData("MX.Bücher.example", "mx.xn--bcher-kva.example")]
    [InlineData("mx_1", "mx_1")]
    public void Records_have_it_as_A_label(string name, string shown) => Assert.Equal(shown, PublicName.Of(new HostingOptions { HostName = name }));

    [Theory]
    [InlineData("Loopback", "Portal:ListenAddress")]
    [InlineData("Private", "forward port 25")]
    [InlineData("Name", "Portal:HostName")]
    public void Each_problem_is_told_with_its_remedy_and_the_name(string problem, string remedy)
    {
        var words = Sources.ResourceOf("OverviewPage")!;

        Assert.Contains(remedy, Sources.Words(words)[$"Name_{problem}"], StringComparison.Ordinal);
        Assert.Contains("{0}", Sources.Words(words, Sources.Chinese)[$"Name_{problem}"], StringComparison.Ordinal);
    }
}
