using System.Net;
using System.Text;
using Portal.Core.Accounts;
using Portal.Core.Permissions;
using Portal.Smtp.Server;
using Portal.Tests.Fixtures;
using Portal.Tests.Smtp;
using Portal.Tests.Web;

namespace Portal.Tests.Integration;

/// <summary>A NUL in a login name is a wrong name, not a fault: PostgreSQL fails at one, and who is told "later" comes back with it.</summary>
public sealed class LoginNameTests
{
    [Theory, BothDatabases]
    public async Task A_NUL_in_the_name_of_AUTH_is_refused(DatabaseKind kind)
    {
        await using var server = await SmtpTestServer.StartAsync(kind: kind);
        await using var client = server.Connect(SmtpListenerKind.Submission);
        await client.ReadReplyAsync();
        await client.AskAsync("EHLO x");
        await client.AskAsync("STARTTLS");
        await client.StartTlsAsync();
        await client.AskAsync("EHLO x");

        Assert.StartsWith("501 5.5.2", await client.AskAsync($"AUTH PLAIN {Base64($"\0al\0ice@portal.test\0{SmtpTestServer.Password}")}"), StringComparison.Ordinal);   // one part too many (RFC 4616 §2)
        Assert.StartsWith("334", await client.AskAsync($"AUTH LOGIN {Base64("al\0ice@portal.test")}"), StringComparison.Ordinal);
        Assert.StartsWith("535 5.7.8", await client.AskAsync(Base64(SmtpTestServer.Password)), StringComparison.Ordinal);
        Assert.StartsWith("235", await client.AskAsync($"AUTH PLAIN {Base64($"\0alice@portal.test\0{SmtpTestServer.Password}")}"), StringComparison.Ordinal);
    }

    [Theory, BothDatabases]
    public async Task A_NUL_in_the_name_or_password_of_the_sign_in_page_is_refused(DatabaseKind kind)
    {
        await using var portal = await PortalHost.StartAsync(kind);
        using var browser = new PortalBrowser(portal);

        foreach (var (name, password) in new[] { ("ad\0min@portal.test", PortalHost.Password), (PortalHost.AdminAddress, "pass\0word") })
        {
            Assert.Equal(HttpStatusCode.BadRequest, (await browser.SignInAsync(name, password)).Status);   // the framework takes no form with a NUL
            Assert.Equal(AuthenticationKind.Failed, (await portal.Get<AccountAuthenticator>().VerifyAsync(name, password, IPAddress.Parse("192.0.2.7"), Channel.Portal, CancellationToken.None)).Kind);
        }
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
