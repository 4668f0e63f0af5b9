using System.Diagnostics;
using System.Net;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Alerts;
using Portal.Tests.Fixtures;
using Portal.Tests.Web;

namespace Portal.Tests.Integration;

/// <summary>Faults of ours answer "later", never "never", and end by themselves.</summary>
public class OutageTests
{
    private const string Content = "From: bob@elsewhere.example\r\nTo: anna@portal.test\r\nSubject: Patience\r\n\r\nIt will get there.\r\n";

    [Fact]
    public async Task A_database_that_goes_away_means_451_and_comes_back_without_a_restart()
    {
        await using var postgres = await PostgresServer.StartAsync(isDurable: false);
        await using var portal = await PortalHost.StartAsync(new PortalHostWishes
        {
            Settings = new() { ["Portal:Database:Provider"] = "Postgres", ["Portal:Database:ConnectionString"] = postgres.ConnectionString(await postgres.CreateDatabaseAsync()) },
        });
        await portal.AddMailboxAsync("anna@portal.test");
        Assert.StartsWith("250", await SendAsync(portal, "anna@portal.test"), StringComparison.Ordinal);
        Assert.StartsWith("550", await SendAsync(portal, "nobody@portal.test"), StringComparison.Ordinal);
        Assert.StartsWith("550", await SendAsync(portal, "relay@elsewhere.example"), StringComparison.Ordinal);

        await postgres.StopAsync();
        foreach (var recipient in new[] { "anna@portal.test", "nobody@portal.test", "other@portal.test", "relay@elsewhere.example" })
        {
            // Also the one that looks like a relay: its domain may have become ours a moment ago, on another node.
            var reply = await SendAsync(portal, recipient);
            Assert.True(reply.StartsWith("451", StringComparison.Ordinal), $"{recipient}: {reply}");
        }

        await NoticeAsync(portal, "DatabaseLost", isStanding: true);

        await postgres.ComeBackAsync();
        await UntilAsync(() => SendAsync(portal, "anna@portal.test"), reply => reply.StartsWith("250", StringComparison.Ordinal));
        await UntilAsync(() => SendAsync(portal, "nobody@portal.test"), reply => reply.StartsWith("550", StringComparison.Ordinal));
        await UntilAsync(() => SendAsync(portal, "relay@elsewhere.example"), reply => reply.StartsWith("550", StringComparison.Ordinal));
        await NoticeAsync(portal, "DatabaseLost", isStanding: false);
        Assert.Equal(2, await portal.ReadAsync(db => db.MailItems.CountAsync()));
    }

    [Fact]
    public async Task A_full_disk_means_452_and_ends_when_there_is_room()
    {
        await using var disk = await SmallDisk.CreateAsync(48);
        await using var portal = await PortalHost.StartAsync(new PortalHostWishes { DataFolder = Path.Combine(disk.Folder, "data"), Settings = new() { ["Portal:DiskFloorBytes"] = "8000000" } });
        await portal.AddMailboxAsync("anna@portal.test");
        Assert.StartsWith("250", await SendAsync(portal, "anna@portal.test"), StringComparison.Ordinal);

        disk.FillTo(leaveBytes: 4_000_000);
        using (var talk = await SmtpTalk.OpenAsync(portal.SmtpPort))
            await UntilAsync(() => MailAsync(talk), reply => reply.StartsWith("452 4.3.1", StringComparison.Ordinal));
        await NoticeAsync(portal, "DiskLow", isStanding: true);

        disk.Empty();
        await UntilAsync(() => SendAsync(portal, "anna@portal.test"), reply => reply.StartsWith("250", StringComparison.Ordinal));
        await NoticeAsync(portal, "DiskLow", isStanding: false);
        Assert.Equal(2, await portal.ReadAsync(db => db.MailItems.CountAsync()));
    }

    [Fact]
    public async Task A_disk_without_a_byte_left_loses_nothing_and_refuses_nothing_for_good()
    {
        await using var disk = await SmallDisk.CreateAsync(48);
        await using var portal = await PortalHost.StartAsync(new PortalHostWishes { DataFolder = Path.Combine(disk.Folder, "data") });
        await portal.AddMailboxAsync("anna@portal.test");
        var large = Content + string.Concat(Enumerable.Range(0, 20_000).Select(i => $"{i * 7919L % 1_000_003} {i * 104_729L % 999_983}\r\n"));
        var acknowledged = 0;

        disk.FillTo(leaveBytes: 0);
        for (var i = 0; i < 10; i++)
        {
            using var talk = await SmtpTalk.OpenAsync(portal.SmtpPort);
            var reply = await talk.SendAsync("bob@elsewhere.example", ["anna@portal.test"], i % 2 == 0 ? large : Content);
            if (reply[0] == '2') acknowledged++;
            else Assert.StartsWith("45", reply, StringComparison.Ordinal);
        }

        Assert.True(acknowledged < 10);
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(portal.DataFolder, "blobs", "incoming")));   // what is given up leaves nothing
        disk.Empty();
        await UntilAsync(() => SendAsync(portal, "anna@portal.test"), reply => reply.StartsWith("250", StringComparison.Ordinal));
        Assert.Equal(acknowledged + 1, await portal.ReadAsync(db => db.MailItems.CountAsync()));
    }

    [Fact]
    public async Task A_file_for_a_letter_is_refused_in_words_by_a_disk_without_a_byte_left()
    {
        await using var disk = await SmallDisk.CreateAsync(48);
        await using var portal = await PortalHost.StartAsync(new PortalHostWishes { DataFolder = Path.Combine(disk.Folder, "data") });
        await portal.AddMailboxAsync("anna@portal.test");
        using var anna = new PortalBrowser(portal);
        await anna.SignInAsync("anna@portal.test", PortalHost.Password);
        var token = PortalBrowser.TokenOf((await anna.GetAsync("account/password")).Text);
        disk.FillTo(leaveBytes: 0);

        using var request = new HttpRequestMessage(HttpMethod.Post, "mail/uploads") { Content = new ByteArrayContent(new byte[100_000]) };
        request.Headers.Add("X-File-Name", "a.bin");
        request.Headers.Add("RequestVerificationToken", token);
        using var answer = await anna.Http.SendAsync(request);

        Assert.Equal(HttpStatusCode.InsufficientStorage, answer.StatusCode);
        Assert.Contains("nearly full", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(portal.DataFolder), "*", SearchOption.AllDirectories).Where(f => f.Contains("uploads", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_process_ends_without_a_fault_though_it_cannot_write_that_it_ends()
    {
        var database = new LosableDatabase();
        var portal = await PortalHost.StartAsync(new PortalHostWishes { Configure = database.Configure });

        database.IsLost = true;

        Assert.Null(await Record.ExceptionAsync(async () => await portal.DisposeAsync()));
    }

    private static async Task<string> MailAsync(SmtpTalk talk)
    {
        var reply = await talk.AskAsync("MAIL FROM:<bob@elsewhere.example>");
        if (reply[0] == '2') await talk.AskAsync("RSET");
        return reply;
    }

    private static async Task<string> SendAsync(PortalHost portal, string recipient)
    {
        using var talk = await SmtpTalk.OpenAsync(portal.SmtpPort);
        return await talk.SendAsync("bob@elsewhere.example", [recipient], Content);
    }

    /// <summary>Asks again and again until the answer is the wanted one; half a minute at most.</summary>
    private static async Task UntilAsync(Func<Task<string>> ask, Func<string, bool> isWanted)
    {
        var asked = Stopwatch.StartNew();
        var reply = await ask();
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
        while (!isWanted(reply))
        {
            Assert.True(asked.Elapsed < TimeSpan.FromSeconds(30), $"After 30 s still {reply}");
            await pace.WaitForNextTickAsync();
            reply = await ask();
        }
    }

    private static async Task NoticeAsync(PortalHost portal, string key, bool isStanding)
    {
        var notices = portal.Get<SystemNotices>();
        var changed = new SemaphoreSlim(1);   // not disposed: the notices may just be calling it for the last time
        void Hear() => changed.Release();
        notices.Changed += Hear;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (notices.Current.Any(n => n.Key == key) != isStanding) await changed.WaitAsync(patience.Token);
        notices.Changed -= Hear;
    }
}
