using System.Text;
using MailKit.Net.Smtp;
using MailKit.Security;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using Portal.Core.Accounts;
using Portal.Core.Addresses;
using Portal.Core.Data;
using Portal.Core.Domains;
using Portal.Core.Jobs;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Core.Queue;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Integration;

/// <summary>No secret stands readable in what a backup holds: every one is seeded, then looked for in every file and in every table of PostgreSQL.</summary>
public class SecretTests
{
    private const string RoutePassword = "smart-host-Geheimnis-7301";
    private const string Mistyped = "mistyped-Kennwort-4711";

    [Theory, BothDatabases]
    public async Task No_seeded_secret_is_found_in_the_database_the_logs_or_the_blobs(DatabaseKind kind)
    {
        var folder = TestFolder.Create();
        var secrets = new Dictionary<string, byte[]>();
        Dictionary<string, byte[]> places;
        await using (var portal = await PortalHost.StartAsync(new PortalHostWishes { Database = kind, DataFolder = folder, IsSetUp = false }))
        {
            await SeedAsync(portal, secrets);
            await SignInAsync(portal, secrets);
            using var http = new HttpClient { BaseAddress = portal.Url };
            await http.GetStringAsync("/sign-in");   // makes the key ring
            Assert.NotEmpty(await portal.ReadAsync(db => db.DataProtectionKeys.ToListAsync()));
            places = kind == DatabaseKind.Postgres ? await portal.ReadAsync(TablesAsync) : [];
        }

        foreach (var file in Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Where(f => Path.GetFileName(f) is not ("master.key" or "self-signed.pem")))
            places[Path.GetFileName(file)] = await File.ReadAllBytesAsync(file);
        Assert.Contains(places, p => p.Key == (kind == DatabaseKind.Postgres ? "Account" : "portal.db"));
        foreach (var (place, bytes) in places)
        {
            foreach (var (name, secret) in secrets) Assert.False(Holds(bytes, secret), $"{name} is readable in {place}");
            Assert.True(bytes.AsSpan().IndexOf("<masterKey"u8) < 0, $"a cookie key is readable in {place}");
        }
    }

    [Theory, BothDatabases]
    public async Task The_search_would_find_a_secret_that_stands_there_as_text_or_as_bytes(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.WriteAsync(db => db.Settings.Add(new Setting { Key = "mistake", Value = RoutePassword }));
        byte[] key = [.. Enumerable.Range(120, 32).Select(i => (byte)i)];
        await database.WriteAsync(db => db.Routes.Add(new Route { Name = "mistake", Host = "smart.example", SealedPassword = key }));

        var bytes = kind == DatabaseKind.Postgres ? (await database.ReadAsync(TablesAsync)).Values.SelectMany(b => b).ToArray() : await FileAsync(database);

        Assert.True(Holds(bytes, Encoding.UTF8.GetBytes(RoutePassword)));
        Assert.True(Holds(bytes, key));
    }

    private static async Task SeedAsync(PortalHost portal, Dictionary<string, byte[]> secrets)
    {
        void Add(string name, string secret) => secrets[name] = Encoding.UTF8.GetBytes(secret);

        Add("set-up link", portal.SetupToken!);
        await portal.Get<SetupService>().SetUpAsync(Actor.Visitor("192.0.2.1"), new SetupRequest(portal.SetupToken, "Example", "portal.test", PortalHost.AdminAddress, null, PortalHost.Password), CancellationToken.None);
        var anna = await portal.AddMailboxAsync("anna@portal.test");
        Add("password", PortalHost.Password);
        var made = await portal.Get<MailboxService>().CreateAsync(Actor.Operator(), new NewMailbox("bert@portal.test", "", FirstCredential.Password), CancellationToken.None);
        Add("made password", made.Value.Credential.Password!);
        var reset = await portal.Get<AccountService>().ResetPasswordAsync(Actor.Operator(), anna.AccountId, asLink: true, CancellationToken.None);
        Add("first-password link", reset.Value.LinkToken!);
        var route = await portal.Get<RouteService>().CreateAsync(
            Actor.Operator(), new RouteDraft { Name = "Smart host", Host = "smart.example.net", Port = 587, Tls = RouteTls.Required, UserName = "portal", Password = RoutePassword }, CancellationToken.None);
        Assert.True(route.IsDone, route.Refusal?.Key);
        Add("route password", RoutePassword);
        await AddSigningKeysAsync(portal, secrets);
        secrets["master key"] = Convert.FromBase64String((await File.ReadAllTextAsync(Path.Combine(portal.DataFolder, "master.key"))).Trim());

        foreach (var account in await portal.ReadAsync(db => db.Accounts.AsNoTracking().ToListAsync()))
        {
            // "SCRAM-SHA-256$10000:salt$StoredKey:ServerKey" (RFC 5803): with the ServerKey one can pose as the server.
            var verifier = portal.Get<SecretBox>().OpenText(nameof(Account), account.Id.ToString("N"), account.ScramVerifier!);
            Add($"SCRAM verifier of {account.UserName}", verifier);
            var keys = verifier.Split('$')[^1].Split(':');
            (secrets[$"StoredKey of {account.UserName}"], secrets[$"ServerKey of {account.UserName}"]) = (Convert.FromBase64String(keys[0]), Convert.FromBase64String(keys[1]));
        }
    }

    /// <summary>Keys that sign, and keys that wait for their records: of RSA the private exponent too, without the frame of PKCS #8.</summary>
    private static async Task AddSigningKeysAsync(PortalHost portal, Dictionary<string, byte[]> secrets)
    {
        var (service, domainId) = (portal.Get<DkimKeyService>(), await portal.ReadAsync(db => db.Domains.Select(d => d.Id).SingleAsync()));
        Assert.True((await service.ActivateAsync(Actor.Operator(), domainId, CancellationToken.None)).IsDone);
        Assert.True((await service.RotateAsync(Actor.Operator(), domainId, CancellationToken.None)).IsDone);
        Assert.Equal(2, (await portal.Get<DkimKeys>().ForAsync("portal.test", CancellationToken.None)).Count);
        foreach (var key in await portal.ReadAsync(db => db.DkimKeys.AsNoTracking().ToListAsync()))
        {
            var secret = portal.Get<SecretBox>().Open(nameof(DkimKey), key.Id.ToString("N"), key.PrivateKey!);
            secrets[$"DKIM key {key.Selector}"] = secret;
            if (key.Algorithm != SigningAlgorithm.RsaSha256) continue;
            using var rsa = System.Security.Cryptography.RSA.Create();
            rsa.ImportPkcs8PrivateKey(secret, out _);
            secrets[$"private exponent of {key.Selector}"] = rsa.ExportParameters(includePrivateParameters: true).D!;
        }
    }

    /// <summary>Right and wrong sign-ins by every mechanism: neither the password nor the line that carries it is kept.</summary>
    private static async Task SignInAsync(PortalHost portal, Dictionary<string, byte[]> secrets)
    {
        foreach (var password in new[] { PortalHost.Password, Mistyped })
        {
            foreach (var sasl in new SaslMechanism[] { new SaslMechanismPlain(PortalHost.AdminAddress, password), new SaslMechanismLogin(PortalHost.AdminAddress, password) })
            {
                using var client = new SmtpClient { ServerCertificateValidationCallback = (_, _, _, _) => true, CheckCertificateRevocation = false };
                await client.ConnectAsync("127.0.0.1", portal.SubmissionPort, SecureSocketOptions.StartTls);
                if (password == Mistyped) await Assert.ThrowsAsync<AuthenticationException>(() => client.AuthenticateAsync(sasl));
                else await client.AuthenticateAsync(sasl);
                await client.DisconnectAsync(true);
            }

            secrets[$"AUTH PLAIN of {password}"] = Encoding.UTF8.GetBytes($"\0{PortalHost.AdminAddress}\0{password}");
        }

        secrets["mistyped password"] = Encoding.UTF8.GetBytes(Mistyped);
    }

    /// <summary>Every table as the server would copy it out.</summary>
    private static async Task<Dictionary<string, byte[]>> TablesAsync(PortalDbContext db)
    {
        await db.Database.OpenConnectionAsync();
        var connection = (NpgsqlConnection)db.Database.GetDbConnection();
        var tables = await db.Database.SqlQueryRaw<string>("SELECT tablename AS \"Value\" FROM pg_tables WHERE schemaname = 'public'").ToListAsync();
        var places = new Dictionary<string, byte[]>();
        foreach (var table in tables)
        {
            await using var copy = await connection.BeginRawBinaryCopyAsync($"COPY (SELECT * FROM \"{table}\") TO STDOUT (FORMAT BINARY)");
            using var bytes = new MemoryStream();
            await copy.CopyToAsync(bytes);
            places[table] = bytes.ToArray();
        }

        return places;
    }

    private static async Task<byte[]> FileAsync(TestDatabase database)
    {
        await using (var db = await database.Databases.CreateDbContextAsync()) await db.Database.ExecuteSqlRawAsync("PRAGMA wal_checkpoint(TRUNCATE)");
        return await File.ReadAllBytesAsync(Path.Combine(database.DataFolder, "portal.db"));
    }

    private static bool Holds(byte[] place, byte[] secret) => Forms(secret).Any(form => place.AsSpan().IndexOf(form) >= 0);

    /// <summary>As it is, and as text would hold it: UTF-16, base64, hexadecimal.</summary>
    private static IEnumerable<byte[]> Forms(byte[] secret) =>
    [
        secret, Encoding.Convert(Encoding.UTF8, Encoding.Unicode, secret), Encoding.UTF8.GetBytes(Convert.ToBase64String(secret)),
        Encoding.UTF8.GetBytes(Convert.ToHexString(secret)), Encoding.UTF8.GetBytes(Convert.ToHexStringLower(secret)),
    ];
}
