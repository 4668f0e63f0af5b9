using System.Net;
using System.Net.Sockets;
using System.Text;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Web.Hosting;

/// <summary>What certbot's webroot lays down is served to anybody in plain HTTP, and nothing else is.</summary>
public sealed class AcmeChallengeTests : IAsyncLifetime
{
    private const string Token = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0";
    private PortalHost portal = null!;
    private string challenges = "";

    public async ValueTask InitializeAsync()
    {
        portal = await PortalHost.StartAsync(new PortalHostWishes { IsSetUp = false });   // a certificate may be wanted before anybody has set it up
        challenges = Directory.CreateDirectory(Path.Combine(portal.DataFolder, "acme", ".well-known", "acme-challenge")).FullName;
        Write(Token, $"{Token}.thumbprint");
    }

    public ValueTask DisposeAsync() => portal.DisposeAsync();

    [Theory]
    [InlineData("mail.example.org")]
    [InlineData("localhost")]
    [InlineData("192.0.2.7")]
    public async Task A_challenge_is_answered_under_every_name_as_text_and_without_a_redirect(string host)
    {
        using var http = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false });
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(portal.Url, $".well-known/acme-challenge/{Token}")) { Headers = { Host = host } };
        using var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal((HttpStatusCode.OK, "text/plain", $"{Token}.thumbprint"), (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)));
    }

    [Fact]
    public async Task It_is_read_at_each_question_and_gone_when_it_is_taken_away()
    {
        Write("later", "a");
        Assert.Equal((200, "a"), await AskAsync("later"));
        Write("later", "b");
        Assert.Equal((200, "b"), await AskAsync("later"));
        File.Delete(Path.Combine(challenges, "later"));
        Assert.Equal(404, (await AskAsync("later")).Status);
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("")]
    [InlineData("..")]
    [InlineData("../../../portal.db")]
    [InlineData("..%2F..%2F..%2Fmaster.key")]
    [InlineData("%2e%2e/%2e%2e/%2e%2e/master.key")]
    [InlineData("..%5C..%5Cmaster.key")]
    [InlineData("%2Fetc%2Fpasswd")]
    [InlineData("a.b")]
    [InlineData("link")]
    [InlineData("folder")]
    [InlineData("folder/inside")]
    [InlineData("empty")]
    [InlineData("large")]
    [InlineData("tok%00en")]
    [InlineData("t%C3%B6ken")]
    public async Task Whatever_else_is_asked_for_is_not_found(string path)
    {
        File.CreateSymbolicLink(Path.Combine(challenges, "link"), Path.Combine(portal.DataFolder, "master.key"));
        Directory.CreateDirectory(Path.Combine(challenges, "folder"));
        File.WriteAllText(Path.Combine(challenges, "folder", "inside"), "x");
        Write("a.b", "x");
        Write("empty", "");
        Write("large", new string('x', 5000));
        Assert.True(File.Exists(Path.Combine(portal.DataFolder, "master.key")));

        var (status, text) = await AskAsync(path);

        Assert.True(status is 404 or 400, $"{status}: {text}");   // 400 is Kestrel's word for an octet that no path may hold
        Assert.DoesNotContain("x", text[..Math.Min(text.Length, 1)], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_has_at_most_256_characters()
    {
        foreach (var length in new[] { 200, 255 })
        {
            Write(new string('a', length), "x");
            Assert.Equal((200, "x"), await AskAsync(new string('a', length)));
        }

        Assert.Equal(404, (await AskAsync(new string('a', 257))).Status);
        Assert.Equal(404, (await AskAsync(new string('a', 4000))).Status);
    }

    [Fact]
    public async Task A_folder_that_is_a_link_is_not_followed()
    {
        var elsewhere = TestFolder.Create();
        await File.WriteAllTextAsync(Path.Combine(elsewhere, Token), "elsewhere", TestContext.Current.CancellationToken);
        Directory.Delete(challenges, recursive: true);
        Directory.CreateSymbolicLink(challenges, elsewhere);

        Assert.Equal(404, (await AskAsync(Token)).Status);
    }

    [Fact]
    public void The_folders_are_made_for_their_owner_alone()
    {
        if (OperatingSystem.IsWindows()) return;
        foreach (var name in new[] { "acme", "certificates" })
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.Combine(portal.DataFolder, name)));
    }

    private void Write(string token, string content) => File.WriteAllText(Path.Combine(challenges, token), content);

    /// <summary>Octet by octet: a client library would tidy the path before it asks.</summary>
    private async Task<(int Status, string Text)> AskAsync(string path)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, portal.WebPort, TestContext.Current.CancellationToken);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET /.well-known/acme-challenge/{path} HTTP/1.1\r\nHost: mail.example.org\r\nConnection: close\r\n\r\n"), TestContext.Current.CancellationToken);
        using var reader = new StreamReader(stream, Encoding.ASCII);
        var answer = await reader.ReadToEndAsync(TestContext.Current.CancellationToken);
        var body = answer.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        return (int.Parse(answer[9..12], System.Globalization.CultureInfo.InvariantCulture), answer[(body + 4)..]);
    }
}
