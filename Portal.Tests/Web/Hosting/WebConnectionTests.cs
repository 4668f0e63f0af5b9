using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Components.Server;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;
using Portal.Tests.Fixtures;
using Portal.Web.Hosting;

namespace Portal.Tests.Web.Hosting;

/// <summary>A stranger who opens many connections gets no more than their share, and the portal lives on.</summary>
public sealed class WebConnectionTests
{
    private const string Known = "127.0.0.1";
    private const string Stranger = "127.0.0.2";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task One_connection_too_many_is_closed_and_its_place_comes_back()
    {
        await using var portal = await StartAsync(("MaxConnections", 3), ("ConnectionsForKnownClients", 0));
        var open = new List<Socket>();
        for (var i = 0; i < 3; i++) open.Add(await OpenAsync(portal.WebPort));

        Assert.Null(await TryOpenAsync(portal.WebPort));
        Assert.Null(await TryOpenAsync(portal.HttpsPort));   // both ports share the places
        Assert.Equal("HTTP/1.1 200 OK", await AskAsync(open[0], "/health/live"));

        open[1].Dispose();
        using var next = await EventuallyOpenAsync(portal.WebPort);
        Assert.Equal("HTTP/1.1 200 OK", await AskAsync(next, "/health/live"));
        open.ForEach(o => o.Dispose());
    }

    [Fact]
    public async Task Room_is_kept_for_a_network_from_which_somebody_has_signed_in()
    {
        await using var portal = await StartAsync(("MaxConnections", 6), ("ConnectionsForKnownClients", 4), ("MaxConnectionsPerAddress", 5));
        using (var browser = new PortalBrowser(portal))
        {
            await browser.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);
            Assert.Equal(HttpStatusCode.OK, (await browser.GetAsync("account")).Status);
        }

        using var first = await EventuallyOpenAsync(portal.WebPort, Stranger);
        using var second = await EventuallyOpenAsync(portal.WebPort, Stranger);
        Assert.Null(await TryOpenAsync(portal.WebPort, Stranger));

        using var own = await OpenAsync(portal.WebPort, Known);
        Assert.Equal("HTTP/1.1 200 OK", await AskAsync(own, "/health/live"));
    }

    [Fact]
    public async Task No_known_network_takes_more_than_a_quarter()
    {
        await using var portal = await StartAsync(("MaxConnections", 16), ("ConnectionsForKnownClients", 8), ("MaxConnectionsPerAddress", 2));
        portal.Get<WebConnections>().Remember(IPAddress.Parse(Known));
        var open = new List<Socket>();
        for (var i = 0; i < 4; i++) open.Add(await OpenAsync(portal.WebPort));

        Assert.Null(await TryOpenAsync(portal.WebPort));
        using var other = await OpenAsync(portal.WebPort, Stranger);
        Assert.Equal("HTTP/1.1 200 OK", await AskAsync(other, "/health/live"));
        open.ForEach(o => o.Dispose());
    }

    [Fact]
    public async Task An_address_from_which_nobody_has_signed_in_has_a_share_of_its_own()
    {
        await using var portal = await StartAsync(("MaxConnectionsPerAddress", 2));
        using var first = await OpenAsync(portal.WebPort, Stranger);
        using var second = await OpenAsync(portal.WebPort, Stranger);

        Assert.Null(await TryOpenAsync(portal.WebPort, Stranger));
        using var other = await OpenAsync(portal.WebPort, "127.0.0.3");
        Assert.Equal("HTTP/1.1 200 OK", await AskAsync(other, "/health/live"));
    }

    [Fact]
    public async Task Mail_ports_have_their_own_places()
    {
        await using var portal = await StartAsync(("MaxConnections", 1), ("ConnectionsForKnownClients", 0));
        using var web = await OpenAsync(portal.WebPort);

        Assert.Null(await TryOpenAsync(portal.WebPort));
        using var mail = await SmtpTalk.OpenAsync(portal.SmtpPort);   // greeted
    }

    [Fact]
    public async Task A_header_too_large_is_refused_and_the_other_limits_are_those_of_the_settings()
    {
        await using var portal = await StartAsync(("MaxRequestBytes", 65_536), ("MaxRequestHeaderBytes", 8_192), ("MaxPages", 9));
        using var client = new HttpClient { BaseAddress = portal.Url };
        var limits = portal.Get<IOptions<KestrelServerOptions>>().Value.Limits;
        Assert.Equal((65_536, 9, TimeSpan.FromSeconds(30)), (limits.MaxRequestBodySize, limits.MaxConcurrentUpgradedConnections, limits.RequestHeadersTimeout));

        using var request = new HttpRequestMessage(HttpMethod.Get, "health/live") { Headers = { { "X-Long", new string('a', 8_192) } } };
        Assert.Equal(HttpStatusCode.RequestHeaderFieldsTooLarge, (await client.SendAsync(request, Cancel)).StatusCode);
    }

    [Fact]
    public async Task Pages_that_lost_their_browser_are_kept_as_the_settings_say()
    {
        await using var portal = await PortalHost.StartAsync(new PortalHostWishes { Settings = { ["Portal:Web:MaxDisconnectedPages"] = "7", ["Portal:Web:DisconnectedPageLifetime"] = "00:01:00" } });

        var circuits = portal.Get<IOptions<CircuitOptions>>().Value;

        Assert.Equal((7, TimeSpan.FromMinutes(1)), (circuits.DisconnectedCircuitMaxRetained, circuits.DisconnectedCircuitRetentionPeriod));
    }

    private static Task<PortalHost> StartAsync(params (string Key, int Value)[] settings) => PortalHost.StartAsync(new PortalHostWishes
    {
        Settings = settings.Select(s => KeyValuePair.Create($"Portal:Web:{s.Key}", (string?)s.Value.ToString(CultureInfo.InvariantCulture)))
            .Append(new("Portal:Web:LimitLoopback", "true")).ToDictionary(),
    });

    private static async Task<Socket> OpenAsync(int port, string from = Known) => await TryOpenAsync(port, from) ?? throw new InvalidOperationException("The connection was closed.");

    /// <summary>A place is given back when Kestrel has seen the end of its connection, a moment after the client.</summary>
    private static async Task<Socket> EventuallyOpenAsync(int port, string from = Known)
    {
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (true)
        {
            if (await TryOpenAsync(port, from) is { } open) return open;
            await pace.WaitForNextTickAsync(Cancel);
        }
    }

    /// <summary>An open connection; null when the server closes it. A server that listens says nothing before the client does.</summary>
    private static async Task<Socket?> TryOpenAsync(int port, string from = Known)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
            await socket.ConnectAsync(IPAddress.Loopback, port, Cancel);
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
            patience.CancelAfter(TimeSpan.FromMilliseconds(300));
            await socket.ReceiveAsync(new byte[1], SocketFlags.Peek, patience.Token);
        }
        catch (OperationCanceledException) when (!Cancel.IsCancellationRequested)
        {
            return socket;
        }
        catch (SocketException)
        {
            // Reset.
        }

        socket.Dispose();
        return null;
    }

    /// <summary>The first line of the answer.</summary>
    private static async Task<string> AskAsync(Socket socket, string path)
    {
        await socket.SendAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"), Cancel);
        return await LineAsync(socket);
    }

    private static async Task<string> LineAsync(Socket socket)
    {
        using var reader = new StreamReader(new NetworkStream(socket, ownsSocket: false), Encoding.ASCII);
        return await reader.ReadLineAsync(Cancel) ?? "";
    }
}
