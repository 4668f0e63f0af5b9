using System.Net;
using System.Text;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Portal.Core.Accounts;
using Portal.Core.Permissions;
using Portal.Smtp.Server;
using Portal.Tests.Fixtures;
using Portal.Tests.Smtp;
using Portal.Tests.Web;

namespace Portal.Tests.Integration;

/// <summary>Passwords wait in a bounded queue: over it every door says "later", and no door says "wrong" (DESIGN §6).</summary>
public sealed class PasswordQueueTests : IDisposable
{
    private const string Alice = "alice@portal.test";
    private static readonly IPAddress Home = IPAddress.Parse("192.0.2.7");
    private static readonly IPAddress Elsewhere = IPAddress.Parse("198.51.100.9");
    private readonly HeldHasher hasher = new();

    public void Dispose() => hasher.Dispose();

    [Theory, BothDatabases]
    public async Task AUTH_says_454_while_the_queue_is_full_and_235_as_soon_as_it_is_not(DatabaseKind kind)
    {
        await using var server = await SmtpTestServer.StartAsync(configure: Hold, kind: kind);
        var client = server.Connect(SmtpListenerKind.Submissions);
        await client.StartTlsAsync();
        await client.ReadReplyAsync();
        await client.AskAsync("EHLO client.example.org");
        var auth = $"AUTH PLAIN {Convert.ToBase64String(Encoding.UTF8.GetBytes($"\0{Alice}\0{SmtpTestServer.Password}"))}";
        var waiting = Fill(server.Get<PasswordHashing>());

        Assert.Equal("454 4.7.0 Temporary authentication failure, try again later", await client.AskAsync(auth));
        Assert.StartsWith("530", await client.AskAsync($"MAIL FROM:<{Alice}>"), StringComparison.Ordinal);
        Assert.Equal(0, await server.ReadAsync(db => db.SignInThrottles.CountAsync()));   // no failure is counted
        Assert.Equal(0, await server.ReadAsync(db => db.SignIns.CountAsync()));

        hasher.LetGo();
        Assert.All(await Task.WhenAll(waiting), answer => Assert.False(answer));
        Assert.StartsWith("235", await client.AskAsync(auth), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_sign_in_page_says_try_again_keeps_the_name_and_signs_nobody_in()
    {
        await using var portal = await PortalHost.StartAsync(new PortalHostWishes { Configure = builder => Hold(builder.Services) });
        using var browser = new PortalBrowser(portal);
        var waiting = Fill(portal.Get<PasswordHashing>());

        var (status, page, _) = await browser.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);

        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains("The server is busy checking passwords. Try again in a moment.", page, StringComparison.Ordinal);
        Assert.Contains($"value=\"{PortalHost.AdminAddress}\"", page, StringComparison.Ordinal);
        Assert.DoesNotContain(browser.Cookies, c => c.Name == "portal-session");

        hasher.LetGo();
        await Task.WhenAll(waiting);
        Assert.Equal(HttpStatusCode.Redirect, (await browser.SignInAsync(PortalHost.AdminAddress, PortalHost.Password)).Status);
    }

    [Theory, BothDatabases]
    public async Task Too_many_tries_of_one_name_in_one_network_are_busy_and_stand_in_nobody_elses_way(DatabaseKind kind)
    {
        await using var server = await SmtpTestServer.StartAsync(configure: Hold, kind: kind);
        var authenticator = server.Get<AccountAuthenticator>();
        var first = authenticator.VerifyAsync(Alice, HeldHasher.Slow, Home, Channel.Smtp, CancellationToken.None);
        var waiting = Enumerable.Range(0, AccountAuthenticator.MaxWaitingOfPair).Select(_ => authenticator.VerifyAsync(Alice, HeldHasher.Slow, Home, Channel.Smtp, CancellationToken.None)).ToList();

        Assert.Equal(AuthenticationKind.Busy, (await authenticator.VerifyAsync(Alice, SmtpTestServer.Password, Home, Channel.Smtp, CancellationToken.None)).Kind);
        var elsewhere = authenticator.VerifyAsync(Alice, SmtpTestServer.Password, Elsewhere, Channel.Smtp, CancellationToken.None);
        if (Environment.ProcessorCount == 1) hasher.LetGo();   // one core looks at one password at a time
        Assert.Equal(AuthenticationKind.Succeeded, (await elsewhere).Kind);

        hasher.LetGo();
        var results = await Task.WhenAll(waiting.Prepend(first));
        Assert.DoesNotContain(results, r => r.Kind == AuthenticationKind.Busy);
        Assert.DoesNotContain(results, r => r.Kind == AuthenticationKind.Succeeded);
    }

    private void Hold(IServiceCollection services) => services.AddSingleton<IPasswordHasher<Account>>(hasher);

    /// <summary>As many as may wait, those that are being looked at among them.</summary>
    private static List<Task<bool?>> Fill(PasswordHashing hashing) =>
        [.. Enumerable.Range(0, PasswordHashing.MaxWaiting).Select(_ => hashing.VerifyAsync(null, HeldHasher.Slow, CancellationToken.None))];
}
