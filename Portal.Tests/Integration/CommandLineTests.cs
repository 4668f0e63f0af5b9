using System.Net;
using System.Text;
using System.Text.Json;
using MailKit.Net.Smtp;
using MailKit.Security;
using Microsoft.EntityFrameworkCore;
using MimeKit;
using Portal.Core.Data;
using Portal.Core.Messages;
using Portal.Core.Permissions;
using Portal.Core.Queue;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Integration;

/// <summary>The command line beside a running server, on both databases: what it changes is heard, what it says is for scripts.</summary>
public class CommandLineTests
{
    private readonly Dictionary<string, string?> settings = PortalHost.FreshSettings(Path.Combine(TestFolder.Create(), "data"), "127.0.0.1:1");

    [Theory]
    [InlineData("mailbox", "list", "--json")]
    [InlineData("mail", "list", "a@example.org", "--json")]
    [InlineData("queue", "list", "--json")]
    [InlineData("queue", "retry", "--all")]
    [InlineData("trace", "find", "--recipient", "a@example.org", "--json")]
    [InlineData("mailbox", "create", "a@example.org")]
    public async Task A_command_never_makes_a_system(params string[] command)
    {
        var (status, output, error) = await PortalProcess.RunAsync(settings, null, command);

        Assert.Equal((1, "", $"No system in {settings["Portal:DataFolder"]}. Start the server, or run setup or demo, to make one."), (status, output, error.TrimEnd()));
        Assert.False(Directory.Exists(settings["Portal:DataFolder"]));
    }

    [Fact]
    public async Task A_command_says_that_the_database_is_away_and_not_that_there_is_no_system()
    {
        settings["Portal:Database:Provider"] = "Postgres";
        settings["Portal:Database:ConnectionString"] = "Host=127.0.0.1;Port=1;Username=portal;Database=portal;Timeout=5";

        var (status, output, error) = await PortalProcess.RunAsync(settings, null, "mailbox", "list", "--json");

        Assert.Equal((1, ""), (status, output));
        Assert.StartsWith("The database of Portal:Database:ConnectionString can't be reached: ", error, StringComparison.Ordinal);
    }

    [Theory, BothDatabases]
    public async Task A_system_whose_master_key_is_another_is_refused_until_the_right_one_is_back(DatabaseKind kind)
    {
        await UseAsync(kind);
        await SucceedAsync(PortalHost.Password + "\n", "setup", "--domain", "example.org", "--admin", "admin@example.org", "--password-stdin");
        var key = Path.Combine(settings["Portal:DataFolder"]!, "master.key");
        File.Move(key, key + ".right");

        var (status, output, error) = await PortalProcess.RunAsync(settings, null, "mailbox", "list", "--json");

        Assert.Equal((1, "", $"The database was sealed with another master key than {key}. Put that key back, or name its file in Portal:MasterKeyFile: it is the same on every node."), (status, output, error.TrimEnd()));
        File.Move(key + ".right", key, overwrite: true);
        Assert.Single(await JsonAsync("mailbox", "list", "--json"));
    }

    [Theory, BothDatabases]
    public async Task Mail_is_set_up_sent_listed_and_traced_beside_the_server(DatabaseKind kind)
    {
        await UseAsync(kind);
        await using var server = await PortalProcess.StartServerAsync(settings);

        await SucceedAsync(PortalHost.Password + "\n", "setup", "--domain", "example.org", "--admin", "admin@example.org", "--password-stdin");
        await SucceedAsync(PortalHost.Password + "\n", "mailbox", "create", "anna@example.org", "--quota", "1GB", "--password-stdin");
        var mailboxes = await JsonAsync("mailbox", "list", "--json");
        Assert.Equal(["admin@example.org", "anna@example.org"], mailboxes.Select(m => m.GetProperty("address").GetString()!).Order());
        Assert.Equal(1L << 30, mailboxes.Single(m => m.GetProperty("address").GetString() == "anna@example.org").GetProperty("quotaBytes").GetInt64());

        // The running server knows the new mailbox and its password.
        var message = await SendAsync("anna@example.org", "friend@elsewhere.example");
        var listed = Assert.Single(await JsonAsync("mail", "list", "anna@example.org", "--json"));
        Assert.Equal("INBOX", listed.GetProperty("folder").GetString());
        Assert.Equal(("The plan", message.MessageId), (listed.GetProperty("subject").GetString(), listed.GetProperty("messageId").GetString()));
        Assert.Contains("anna@example.org", listed.GetProperty("from").GetString(), StringComparison.Ordinal);
        Assert.True(listed.GetProperty("receivedAt").GetDateTimeOffset() > DateTimeOffset.UtcNow.AddMinutes(-10));

        var (_, raw, _) = await PortalProcess.RunRawAsync(settings, null, "mail", "show", "anna@example.org", listed.GetProperty("id").GetInt64().ToString(System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal(listed.GetProperty("sizeBytes").GetInt64(), raw.Length);
        Assert.StartsWith("Return-Path: <anna@example.org>\r\nReceived: ", Encoding.ASCII.GetString(raw), StringComparison.Ordinal);
        Assert.EndsWith("See you.\r\n", Encoding.ASCII.GetString(raw), StringComparison.Ordinal);

        var waiting = Assert.Single(await JsonAsync("queue", "list", "--json"));
        Assert.Equal(("anna@example.org", "friend@elsewhere.example"), (waiting.GetProperty("sender").GetString(), waiting.GetProperty("recipient").GetString()));
        await SucceedAsync(null, "queue", "retry", "--recipient", "friend@elsewhere.example");
        await SucceedAsync(null, "queue", "retry", "--all");

        var traced = Assert.Single(await JsonAsync("trace", "find", "--recipient", "anna@example.org", "--json"));
        Assert.Equal(("delivered", message.MessageId), (traced.GetProperty("outcome").GetString(), traced.GetProperty("messageId").GetString()));
        Assert.NotEmpty(traced.GetProperty("events").EnumerateArray());
    }

    [Fact]
    public async Task Settings_may_stand_anywhere_on_a_command_line_and_win()
    {
        var elsewhere = TestFolder.Create();
        string[][] forms =
        [
            [$"--Portal:DataFolder={elsewhere}", "setup", "--domain", "example.org", "--admin", "admin@example.org", "--password-stdin"],
            ["mailbox", $"--Portal:DataFolder={elsewhere}", "list", "--json"],
            ["mailbox", "list", "--json", "--Portal:DataFolder", elsewhere],
            ["queue", "retry", "--Portal:DataFolder", elsewhere, "--all"],
        ];

        foreach (var form in forms) await SucceedAsync(PortalHost.Password + "\n", form);

        Assert.True(File.Exists(Path.Combine(elsewhere, "portal.db")));
        Assert.False(Directory.Exists(settings["Portal:DataFolder"]));
        Assert.Contains("Portal:Database:Provider", await FailAsync(null, "mailbox", "list", $"--Portal:DataFolder={elsewhere}", "--Portal:Database:Provider=Oracle"), StringComparison.Ordinal);
    }

    [Theory, BothDatabases]
    public async Task Retrying_what_is_held_says_so_and_how_it_is_let_go(DatabaseKind kind)
    {
        await UseAsync(kind);
        var (held, due) = await QueueAsync();

        Assert.Equal($"Held, and so not tried: 1. \"queue release {held.Id}\" lets them go.", await FailAsync(null, "queue", "retry", $"{held.Id}"));
        Assert.Equal($"Entries that will be tried now: 1. Held, and so not tried: 1; \"queue release {held.QueueId}\" lets them go.", await SayAsync("queue", "retry", $"{held.QueueId}"));
        Assert.Equal("Held, and so not tried: 1. \"queue release --recipient held@elsewhere.example\" lets them go.", await FailAsync(null, "queue", "retry", "--recipient", "held@elsewhere.example"));
        Assert.Equal("Entries that will be tried now: 1. Held, and so not tried: 1; \"queue release --all\" lets them go.", await SayAsync("queue", "retry", "--all"));
        Assert.Equal("Entries that will be tried now: 1.", await SayAsync("queue", "retry", $"{due.Id}"));
        Assert.Equal($"{due.Id} is not held.", await FailAsync(null, "queue", "release", $"{due.Id}"));
        Assert.Equal("Entries let go: 1.", await SayAsync("queue", "release", $"{held.Id}"));
        Assert.All(await JsonAsync("queue", "list", "--json"), e => Assert.Equal("due", e.GetProperty("state").GetString()));
    }

    [Fact]
    public async Task A_trace_that_is_cut_says_so_beside_the_json()
    {
        await SucceedAsync(PortalHost.Password + "\n", "setup", "--domain", "example.org", "--admin", "admin@example.org", "--password-stdin");
        await using (var server = await PortalProcess.StartServerAsync(settings))
        {
            for (var i = 0; i < 3; i++)
            {
                using var talk = await SmtpTalk.OpenAsync(int.Parse(settings["Portal:Smtp:Port"]!, System.Globalization.CultureInfo.InvariantCulture));
                await talk.SendAsync("bob@elsewhere.example", ["admin@example.org"], "Subject: x\r\n\r\ny\r\n");
            }
        }

        string[] find = ["trace", "find", "--recipient", "admin@example.org", "--json", "--limit"];
        var (status, output, error) = await PortalProcess.RunAsync(settings, null, [.. find, "2"]);
        Assert.Equal((0, 2, "There is more than 2 rows; --limit gives more of them."), (status, JsonDocument.Parse(output).RootElement.GetArrayLength(), error.TrimEnd()));
        (status, output, error) = await PortalProcess.RunAsync(settings, null, [.. find, "3"]);
        Assert.Equal((0, 3, ""), (status, JsonDocument.Parse(output).RootElement.GetArrayLength(), error));
        Assert.Contains("100000", await FailAsync(null, [.. find, "100001"]), StringComparison.Ordinal);
        Assert.NotEqual("", await FailAsync(null, [.. find, "0"]));
    }

    [Fact]
    public async Task What_can_not_be_done_is_a_sentence_and_status_one()
    {
        await SucceedAsync(PortalHost.Password + "\n", "setup", "--domain", "example.org", "--admin", "admin@example.org", "--password-stdin");

        Assert.Contains("set up already", await FailAsync(PortalHost.Password + "\n", "setup", "--domain", "example.net", "--admin", "b@example.net", "--password-stdin"), StringComparison.Ordinal);
        Assert.Contains("12", await FailAsync("short\n", "mailbox", "create", "b@example.org", "--password-stdin"), StringComparison.Ordinal);
        Assert.Contains("example.net", await FailAsync(null, "mailbox", "create", "b@example.net"), StringComparison.Ordinal);
        Assert.Contains("admin@example.org", await FailAsync(null, "mailbox", "create", "Admin@example.org"), StringComparison.OrdinalIgnoreCase);
        Assert.Contains("1 gigabyte", await FailAsync(null, "mailbox", "create", "b@example.org", "--quota", "1 gigabyte"), StringComparison.Ordinal);
        Assert.NotEqual("", await FailAsync(null, "mailbox", "create", "b@example.org", "--quota", "-1"));
        Assert.NotEqual("", await FailAsync(null, "mail", "list", "nobody@example.org"));
        Assert.NotEqual("", await FailAsync(null, "mail", "show", "admin@example.org", "4711"));
        Assert.Contains("no longer in the queue", await FailAsync(null, "queue", "retry", "4711"), StringComparison.Ordinal);
        Assert.Contains("--all", await FailAsync(null, "queue", "retry"), StringComparison.Ordinal);
        Assert.NotEqual("", await FailAsync(null, "mailbox", "destroy"));
        Assert.NotEqual("", await FailAsync(null, "--colour"));
    }

    [Fact]
    public async Task The_operator_is_audited_and_a_made_password_is_shown_once()
    {
        await using var portal = await PortalHost.StartAsync();
        var here = new Dictionary<string, string?> { ["Portal:DataFolder"] = portal.DataFolder };

        var (status, output, error) = await PortalProcess.RunAsync(here, null, "mailbox", "create", "new@portal.test", "--reason", " a new colleague ");

        Assert.True(status == 0, error);
        var entry = await portal.ReadAsync(db => db.Audit.SingleAsync(a => a.Action == "mailbox.create" && a.Target == "new@portal.test"));
        Assert.Equal((ActorKind.Operator, Channel.CommandLine, "a new colleague"), (entry.ActorKind, entry.Channel, entry.Reason));
        var password = output.Trim().Split(' ')[^1];
        Assert.DoesNotContain(password, entry.After ?? "", StringComparison.Ordinal);
        var verdict = await portal.Get<Portal.Core.Accounts.AccountAuthenticator>().VerifyAsync("new@portal.test", password, IPAddress.Loopback, Channel.Smtp, CancellationToken.None);
        Assert.Equal(Portal.Core.Accounts.AuthenticationKind.Succeeded, verdict.Kind);
    }

    [Theory, BothDatabases]
    public async Task What_changes_something_takes_a_reason_and_the_audit_tells_it(DatabaseKind kind)
    {
        await UseAsync(kind);
        var (held, _) = await QueueAsync();
        await SucceedAsync(null, "queue", "release", $"{held.Id}", "--reason", "it was harmless");
        await SucceedAsync(null, "queue", "retry", $"{held.Id}", "--reason", "their server is back");

        foreach (var verb in new[] { "setup", "mailbox create", "queue retry", "queue release" })
            Assert.Contains("--reason", await SayAsync([.. verb.Split(' '), "--help"]), StringComparison.Ordinal);
        Assert.DoesNotContain("--reason", await SayAsync("queue", "list", "--help"), StringComparison.Ordinal);
        await using var portal = await PortalHost.StartAsync(new PortalHostWishes { Settings = settings });
        var reasons = await portal.ReadAsync(db => db.Audit.Where(a => a.Action.StartsWith("queue.")).OrderBy(a => a.Id).Select(a => a.Reason).ToListAsync());
        Assert.Equal(["it was harmless", "their server is back"], reasons);
    }

    private async Task UseAsync(DatabaseKind kind)
    {
        if (kind == DatabaseKind.Sqlite) return;
        var postgres = await PostgresServer.SharedAsync();
        settings["Portal:Database:Provider"] = "Postgres";
        settings["Portal:Database:ConnectionString"] = postgres.ConnectionString(await postgres.CreateDatabaseAsync());
    }

    /// <summary>A held entry and one that is due tomorrow; the server that made the system has ended.</summary>
    private async Task<(QueueEntry Held, QueueEntry Due)> QueueAsync()
    {
        await using var portal = await PortalHost.StartAsync(new PortalHostWishes { Settings = settings });
        var now = DateTimeOffset.UtcNow;
        var message = new Message { QueueId = Guid.CreateVersion7(), ReceivedAt = now, ReversePath = "admin@portal.test" };
        QueueEntry Entry(string recipient, QueueState state) => new()
        {
            MessageId = message.Id,
            QueueId = message.QueueId,
            ReversePath = message.ReversePath,
            ForwardPath = recipient,
            RouteKey = "elsewhere.example",
            State = state,
            CreatedAt = now,
            NextAttemptAt = now.AddDays(1),
            ExpiresAt = now.AddDays(5),
        };
        using var turn = await portal.Get<WriteGate>().EnterAsync(CancellationToken.None);
        await using var db = await portal.Get<IDbContextFactory<PortalDbContext>>().CreateDbContextAsync();
        db.Messages.Add(message);
        await db.SaveChangesAsync();
        var (held, due) = (Entry("held@elsewhere.example", QueueState.Held), Entry("due@elsewhere.example", QueueState.Due));
        db.QueueEntries.AddRange(held, due);
        await db.SaveChangesAsync();
        return (held, due);
    }

    private async Task<MimeMessage> SendAsync(string from, string outside)
    {
        var message = new MimeMessage { Subject = "The plan", Body = new TextPart("plain") { Text = "See you.\r\n" } };
        message.From.Add(MailboxAddress.Parse(from));
        message.To.Add(MailboxAddress.Parse(from));
        message.To.Add(MailboxAddress.Parse(outside));
        using var client = new SmtpClient { ServerCertificateValidationCallback = (_, _, _, _) => true, CheckCertificateRevocation = false };
        await client.ConnectAsync("127.0.0.1", int.Parse(settings["Portal:Submissions:Port"]!, System.Globalization.CultureInfo.InvariantCulture), SecureSocketOptions.SslOnConnect);
        await client.AuthenticateAsync(from, PortalHost.Password);
        await client.SendAsync(message);
        await client.DisconnectAsync(true);
        return message;
    }

    private async Task SucceedAsync(string? input, params string[] command)
    {
        var (status, _, error) = await PortalProcess.RunAsync(settings, input, command);
        Assert.True(status == 0, $"{string.Join(' ', command)}: {error}");
    }

    private async Task<string> SayAsync(params string[] command)
    {
        var (status, output, error) = await PortalProcess.RunAsync(settings, null, command);
        Assert.True(status == 0, $"{string.Join(' ', command)}: {error}");
        return output.Trim();
    }

    private async Task<string> FailAsync(string? input, params string[] command)
    {
        var (status, output, error) = await PortalProcess.RunAsync(settings, input, command);
        Assert.True(status == 1, $"{string.Join(' ', command)}: {status} {output} {error}");
        return error.Trim();
    }

    private async Task<List<JsonElement>> JsonAsync(params string[] command)
    {
        var (status, output, error) = await PortalProcess.RunAsync(settings, null, command);
        Assert.True(status == 0, $"{string.Join(' ', command)}: {error}");
        return [.. JsonDocument.Parse(output).RootElement.EnumerateArray()];
    }
}
