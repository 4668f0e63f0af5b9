using System.Globalization;
using System.Text.RegularExpressions;
using Portal.Core.Data;
using Portal.Tests.Fixtures;
using Portal.Web.Hosting;

namespace Portal.Tests.Web.Hosting;

/// <summary>Whatever stops a start is one sentence, in both languages.</summary>
public partial class StartRefusalTests
{
    [Theory]
    [InlineData("Portal:Writer:MaxBatchMessages", "0", "Portal:Writer:MaxBatchMessages must be from 1 to 1000.", "Portal:Writer:MaxBatchMessages 必须在 1 到 1000 之间。")]
    [InlineData("Portal:Writer:MaxWait", "01:00:00", "Portal:Writer:MaxWait must be from 00:00:00.1 to 00:05:00.", "Portal:Writer:MaxWait 必须在 00:00:00.1 到 00:05:00 之间。")]
    [InlineData("Portal:DiskFloorBytes", "-1", "Portal:DiskFloorBytes must be from 0 to 9223372036854775807.", "Portal:DiskFloorBytes 必须在 0 到 9223372036854775807 之间。")]
    [InlineData("Portal:Smtp:MaxRecipients", "0", "Portal:Smtp:MaxRecipients must be from 1 to 10000.", "Portal:Smtp:MaxRecipients 必须在 1 到 10000 之间。")]
    [InlineData("Portal:Smtp:CommandTimeout", "00:00:00", "Portal:Smtp:CommandTimeout must be from 00:00:00.001 to 30.00:00:00.", "Portal:Smtp:CommandTimeout 必须在 00:00:00.001 到 30.00:00:00 之间。")]
    [InlineData("Portal:Smtp:MaxCommandOctets", "4000", "Portal:Smtp:MaxExtendedCommandOctets must not be below Portal:Smtp:MaxCommandOctets.", "Portal:Smtp:MaxExtendedCommandOctets 不能小于 Portal:Smtp:MaxCommandOctets。")]
    [InlineData("Portal:Smtp:ConnectionsForKnownClients", "1000", "Portal:Smtp:ConnectionsForKnownClients must be below Portal:Smtp:MaxConnections.", "Portal:Smtp:ConnectionsForKnownClients 必须小于 Portal:Smtp:MaxConnections。")]
    [InlineData("Portal:Delivery:MaxRetry", "00:01:00", "Portal:Delivery:MaxRetry must not be below Portal:Delivery:FirstRetry.", "Portal:Delivery:MaxRetry 不能小于 Portal:Delivery:FirstRetry。")]
    [InlineData("Portal:Delivery:SourceAddress", "::1", "Portal:Delivery:SourceAddress must be an IPv4 address, and \"::1\" is none.", "Portal:Delivery:SourceAddress 必须是 IPv4 地址；“::1”不是。")]
    [InlineData("Portal:Dns:Servers:0", "resolver", "Portal:Dns:Servers takes addresses as address:port, and \"resolver\" is none.", "Portal:Dns:Servers 接受“地址:端口”形式的地址；“resolver”不是。")]
    [InlineData("Portal:Database:Provider", "Postgres", "Portal:Database:ConnectionString must be set when Portal:Database:Provider is Postgres.", "当 Portal:Database:Provider 为 Postgres 时，必须设置 Portal:Database:ConnectionString。")]
    [InlineData("Portal:HostName", "mx portal", "Portal:HostName must be a host name such as mail.example.org, and \"mx portal\" is none.", "Portal:HostName 必须是主机名，例如 mail.example.org；“mx portal”不是。")]
    [InlineData("Portal:Tls:Certificates:0:Key", "/etc/mx.key", "Portal:Tls:Certificates:0:File must be set.", "必须设置 Portal:Tls:Certificates:0:File。")]
    [InlineData("Portal:MasterKeyFile", "/nowhere/master.key", "Portal:MasterKeyFile: the file /nowhere/master.key is missing or holds no key of 32 bytes in base64.", "Portal:MasterKeyFile：文件 /nowhere/master.key 不存在，或其中没有 base64 编码的 32 字节密钥。")]
    public async Task A_setting_that_cannot_be_is_refused_in_both_languages(string key, string value, string english, string chinese)
    {
        var settings = PortalHost.FreshSettings(TestFolder.Create(), "127.0.0.1:1");
        settings[key] = value;

        Assert.Equal(english, await RefusalAsync(settings, "en"));
        Assert.Equal(chinese, await RefusalAsync(settings, "zh-Hans"));
    }

    [Theory]
    [InlineData(9, 1)]
    [InlineData(1, 9)]
    public async Task A_database_of_a_later_program_is_refused_in_both_languages(int leastReader, int leastWriter)
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Sqlite);
        await database.WriteAsync(db => db.SchemaVersions.Update(new SchemaVersion { Id = 1, Version = 9, LeastReader = leastReader, LeastWriter = leastWriter }));
        var settings = PortalHost.FreshSettings(database.DataFolder, "127.0.0.1:1");

        Assert.Equal("The database has schema version 9; this program knows 1. Start the newer program, or restore the copy made before the upgrade.", await RefusalAsync(settings, "en"));
        Assert.Equal("数据库的架构版本是 9，而本程序只支持到 1。请启动较新的程序，或恢复升级前的副本。", await RefusalAsync(settings, "zh-Hans"));
    }

    [Fact]
    public void Every_fault_of_a_setting_has_its_word()
    {
        var words = Sources.Words(Sources.ResourceOf("HostText")!);
        var said = Sources.Code.SelectMany(c => Fault().Matches(c.Text).Select(m => m.Groups["key"].Value)).Distinct().ToList();

        Assert.NotEmpty(said);
        Assert.All(said, key => Assert.Contains(key, words.Keys));
    }

    private static async Task<string?> RefusalAsync(IReadOnlyDictionary<string, string?> settings, string language)
    {
        CultureInfo.CurrentCulture = CultureInfo.CurrentUICulture = CultureInfo.GetCultureInfo(language);
        try
        {
            await using var server = await Server.StartAsync([], settings);
            return null;
        }
        catch (Exception e)
        {
            return Server.Sentence(e);
        }
    }

    [GeneratedRegex(@"SettingFault\.Of\(""(?<key>\w+)""")]
    private static partial Regex Fault();
}
