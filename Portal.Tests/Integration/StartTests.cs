using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.EntityFrameworkCore;
using Portal.Core;
using Portal.Core.Accounts;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Integration;

/// <summary>The first start, and the starts that can't be.</summary>
public class StartTests
{
    private readonly Dictionary<string, string?> settings = PortalHost.FreshSettings(Path.Combine(TestFolder.Create(), "data"), "127.0.0.1:1");

    [Fact]
    public async Task The_first_start_ends_with_where_everything_is()
    {
        await using var server = await PortalProcess.StartServerAsync(settings);
        var lines = server.Output.Split('\n');

        Assert.Contains($"http://localhost:{settings["Portal:Web:Port"]}/", lines[^6], StringComparison.Ordinal);
        Assert.Contains($"http://localhost:{settings["Portal:Web:Port"]}/setup/", lines[^5], StringComparison.Ordinal);
        foreach (var port in settings.Where(s => s.Key.EndsWith("Port", StringComparison.Ordinal) && s.Key != "Portal:Delivery:Port")) Assert.Contains(port.Value!, lines[^4], StringComparison.Ordinal);
        Assert.Contains("Portal:ListenAddress=0.0.0.0", lines[^3], StringComparison.Ordinal);
        Assert.Contains("self-signed", lines[^2], StringComparison.Ordinal);
        Assert.Contains(settings["Portal:DataFolder"]!, lines[^1], StringComparison.Ordinal);
        foreach (var port in settings.Where(s => s.Key.EndsWith("Port", StringComparison.Ordinal) && s.Key != "Portal:Delivery:Port"))
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, int.Parse(port.Value!, CultureInfo.InvariantCulture));
        }

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(settings["Portal:DataFolder"]!));
        foreach (var secret in new[] { "master.key", "self-signed.pem", "portal.db" })
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(settings["Portal:DataFolder"]!, secret)));
        Assert.Equal(0, await server.StopAsync());
    }

    [Theory, BothDatabases]
    public async Task The_setup_link_works_once_and_of_two_at_once_one_wins(DatabaseKind kind)
    {
        await using var portal = await PortalHost.StartAsync(new PortalHostWishes { Database = kind, IsSetUp = false });
        var setup = portal.Get<SetupService>();
        var visitor = Actor.Visitor("192.0.2.1");
        Task<Outcome<Guid>> SetUp(string address) => setup.SetUpAsync(visitor, new SetupRequest(portal.SetupToken, "Example", "example.org", address, null, PortalHost.Password), CancellationToken.None);

        Assert.Equal("SetupLinkInvalid", (await setup.CheckLinkAsync("guessed", CancellationToken.None))?.Key);
        Assert.Null(await setup.CheckLinkAsync(portal.SetupToken, CancellationToken.None));
        var both = await Task.WhenAll(SetUp("anna@example.org"), SetUp("bert@example.org"));

        Assert.Equal("SetupDone", Assert.Single(both, b => !b.IsDone).Refusal!.Key);
        Assert.Single(await portal.ReadAsync(db => db.RoleAssignments.Where(r => r.Role == Role.Administrator).ToListAsync()));
        Assert.Single(await portal.ReadAsync(db => db.Audit.Where(a => a.Action == "system.setup").ToListAsync()));
        Assert.Equal("SetupDone", (await SetUp("carl@example.org")).Refusal?.Key);
        Assert.Null(await setup.IssueLinkAsync(CancellationToken.None));
    }

    [Theory, BothDatabases]
    public async Task A_link_ends_after_a_day_and_a_new_start_gives_a_new_one(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var setup = database.Get<SetupService>();
        var first = await setup.IssueLinkAsync(CancellationToken.None);

        database.Clock.Advance(SetupService.LinkLifetime - TimeSpan.FromSeconds(1));
        Assert.Null(await setup.CheckLinkAsync(first!.Token, CancellationToken.None));
        database.Clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal("SetupLinkInvalid", (await setup.CheckLinkAsync(first.Token, CancellationToken.None))?.Key);
        var second = await setup.IssueLinkAsync(CancellationToken.None);
        Assert.Null(await setup.CheckLinkAsync(second!.Token, CancellationToken.None));
    }

    [Theory]
    [BothDatabases("", "example.org", "a@example.org", "OrganisationMissing")]
    [BothDatabases("Example", "no domain", "a@example.org", "DomainInvalid")]
    [BothDatabases("Example", "example.org", "a.example.org", "AddressInvalid")]
    [BothDatabases("Example", "example.org", "a@example.net", "AdministratorElsewhere")]
    public async Task Setup_refuses_what_can_not_be_and_leaves_nothing(DatabaseKind kind, string organisation, string domain, string administrator, string key)
    {
        await using var database = await TestDatabase.CreateAsync(kind);

        var refused = await database.Get<SetupService>().SetUpAsync(Actor.Operator(), new SetupRequest(null, organisation, domain, administrator, null, PortalHost.Password), CancellationToken.None);

        Assert.Equal(key, refused.Refusal?.Key);
        Assert.False(await database.ReadAsync(db => db.Accounts.AnyAsync()));
    }

    [Theory]
    [InlineData("Portal:Web:Port", "zero", "Portal:Web:Port")]
    [InlineData("Portal:Smtp:Port", "70000", "Portal:Smtp:Port")]
    [InlineData("Portal:ListenAddress", "everywhere", "Portal:ListenAddress")]
    [InlineData("Portal:ListenAddress", "192.0.2.77", "Portal:ListenAddress")]
    [InlineData("Portal:HostName", "mx portal", "Portal:HostName")]
    [InlineData("Portal:Web:TrustedProxies:0", "proxy", "Portal:Web:TrustedProxies")]
    [InlineData("Portal:Database:Provider", "Oracle", "Portal:Database:Provider")]
    [InlineData("Portal:Database:Provider", "Postgres", "Portal:Database:ConnectionString")]
    [InlineData("Portal:Writer:MaxBatchMessages", "0", "Portal:Writer:MaxBatchMessages")]
    [InlineData("Portal:Writer:MaxWait", "00:00:00", "Portal:Writer:MaxWait")]
    [InlineData("Portal:Writer:MaxWait", "01:00:00", "Portal:Writer:MaxWait")]
    [InlineData("Portal:Mail:Mime:MaxDepth", "0", "Portal:Mail:Mime:MaxDepth")]
    [InlineData("Portal:MasterKeyFile", "/nowhere/master.key", "Portal:MasterKeyFile")]
    [InlineData("Portal:DataFolder", "/proc/portal", "Portal:DataFolder")]
    public async Task A_bad_setting_stops_the_start_with_one_sentence_that_names_it(string key, string value, string named)
    {
        settings[key] = value;

        var (status, output, error) = await PortalProcess.RunAsync(settings, null);

        Assert.Equal(1, status);
        Assert.Contains(named, Assert.Single(error.TrimEnd().Split('\n')), StringComparison.Ordinal);
        Assert.Equal("", output);
    }

    [Fact]
    public async Task A_port_in_use_is_named()
    {
        using var other = new TcpListener(IPAddress.Loopback, int.Parse(settings["Portal:Submission:Port"]!, CultureInfo.InvariantCulture));
        other.Start();

        var (status, _, error) = await PortalProcess.RunAsync(settings, null);

        Assert.Equal((1, $"Portal:Submission:Port is {settings["Portal:Submission:Port"]}, and another program listens on that port."), (status, error.TrimEnd()));
        Assert.False(Directory.Exists(settings["Portal:DataFolder"]));
    }

    [Fact]
    public async Task An_unreachable_database_is_named()
    {
        settings["Portal:Database:Provider"] = "Postgres";
        settings["Portal:Database:ConnectionString"] = "Host=127.0.0.1;Port=1;Username=portal;Database=portal";

        var (status, _, error) = await PortalProcess.RunAsync(settings, null);

        Assert.Equal(1, status);
        Assert.Contains("Portal:Database:ConnectionString", Assert.Single(error.TrimEnd().Split('\n')), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_server_on_the_same_folder_is_refused()
    {
        await using var server = await PortalProcess.StartServerAsync(settings);
        var second = PortalHost.FreshSettings(settings["Portal:DataFolder"]!, "127.0.0.1:1");

        var (status, _, error) = await PortalProcess.RunAsync(second, null);

        Assert.Equal(1, status);
        Assert.Contains("another server runs on it", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_start_speaks_chinese_to_a_chinese_shell()
    {
        settings["LANG"] = "zh_CN.UTF-8";

        await using var server = await PortalProcess.StartServerAsync(settings);

        Assert.Contains($"所有数据保存在 {settings["Portal:DataFolder"]}", server.Output, StringComparison.Ordinal);
    }
}
