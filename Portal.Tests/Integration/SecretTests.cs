using System.Text;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Accounts;
using Portal.Core.Jobs;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Core.Queue;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Integration;

/// <summary>No secret stands readable in what a backup of the database holds: every one is seeded, then looked for in every file.</summary>
public class SecretTests
{
    private const string RoutePassword = "smart-host-Geheimnis-7301";

    [Fact]
    public async Task No_seeded_secret_is_found_in_the_database_the_logs_or_the_blobs()
    {
        var folder = TestFolder.Create();
        var secrets = new Dictionary<string, string>();
        await using (var portal = await PortalHost.StartAsync(new PortalHostWishes { DataFolder = folder, IsSetUp = false }))
        {
            secrets["set-up link"] = portal.SetupToken!;
            await portal.Get<SetupService>().SetUpAsync(Actor.Visitor("192.0.2.1"), new SetupRequest(portal.SetupToken, "Example", "portal.test", PortalHost.AdminAddress, null, PortalHost.Password), CancellationToken.None);
            var anna = await portal.AddMailboxAsync("anna@portal.test");
            secrets["password"] = PortalHost.Password;
            var made = await portal.Get<MailboxService>().CreateAsync(Actor.Operator(), new NewMailbox("bert@portal.test", "", FirstCredential.Password), CancellationToken.None);
            secrets["made password"] = made.Value.Credential.Password!;
            var reset = await portal.Get<AccountService>().ResetPasswordAsync(Actor.Operator(), anna.AccountId, asLink: true, CancellationToken.None);
            secrets["first-password link"] = reset.Value.LinkToken!;
            var route = await portal.Get<RouteService>().CreateAsync(
                Actor.Operator(), new RouteDraft { Name = "Smart host", Host = "smart.example.net", Port = 587, Tls = RouteTls.Required, UserName = "portal", Password = RoutePassword }, CancellationToken.None);
            Assert.True(route.IsDone, route.Refusal?.Key);
            secrets["route password"] = RoutePassword;
            secrets["master key"] = (await File.ReadAllTextAsync(Path.Combine(folder, "master.key"))).Trim();
            secrets["master key, bytes"] = Encoding.Latin1.GetString(Convert.FromBase64String(secrets["master key"]));
            using var http = new HttpClient { BaseAddress = portal.Url };
            await http.GetStringAsync("/sign-in");   // makes the key ring
            Assert.NotEmpty(await portal.ReadAsync(db => db.DataProtectionKeys.ToListAsync()));
        }

        foreach (var file in Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Where(f => Path.GetFileName(f) is not ("master.key" or "self-signed.pem")))
        {
            var bytes = await File.ReadAllBytesAsync(file);
            foreach (var (name, secret) in secrets)
            {
                foreach (var form in Forms(secret)) Assert.True(bytes.AsSpan().IndexOf(form) < 0, $"{name} is readable in {Path.GetFileName(file)}");
            }

            Assert.True(bytes.AsSpan().IndexOf("<masterKey"u8) < 0, $"a cookie key is readable in {Path.GetFileName(file)}");
        }
    }

    [Fact]
    public async Task The_search_would_find_a_secret_that_stands_there()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Sqlite);
        await database.WriteAsync(db => db.Settings.Add(new Setting { Key = "mistake", Value = RoutePassword }));
        await using (var db = await database.Databases.CreateDbContextAsync()) await db.Database.ExecuteSqlRawAsync("PRAGMA wal_checkpoint(TRUNCATE)");

        var bytes = await File.ReadAllBytesAsync(Path.Combine(database.DataFolder, "portal.db"));

        Assert.Contains(Forms(RoutePassword), form => bytes.AsSpan().IndexOf(form) >= 0);
    }

    private static IEnumerable<byte[]> Forms(string secret) =>
        [Encoding.UTF8.GetBytes(secret), Encoding.Unicode.GetBytes(secret), Encoding.UTF8.GetBytes(Convert.ToBase64String(Encoding.UTF8.GetBytes(secret)))];
}
