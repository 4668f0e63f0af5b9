using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Portal.Core.Data;
using Portal.Core.Messages;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Web.Mail;

/// <summary>Bodies, sources, attachments and uploads: whose they are, and what a browser is told about them.</summary>
public sealed class MailEndpointTests : IAsyncLifetime
{
    private const string Html = "<p onclick=alert(1)>Look <img src=\"https://evil.test/p.gif\"></p><script>alert(1)</script>";
    private static readonly byte[] File = [.. Enumerable.Range(0, 100_000).Select(i => (byte)(i * 7 % 251))];
    private PortalHost host = null!;
    private PortalBrowser anna = null!, bert = null!;
    private Guid annasMailbox;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        host = await PortalHost.StartAsync();
        annasMailbox = (await host.AddMailboxAsync("anna@portal.test")).MailboxId;
        await host.AddMailboxAsync("bert@portal.test");
        (anna, bert) = (new PortalBrowser(host), new PortalBrowser(host));
        await anna.SignInAsync("anna@portal.test", PortalHost.Password);
        await bert.SignInAsync("bert@portal.test", PortalHost.Password);
    }

    public async ValueTask DisposeAsync()
    {
        anna.Dispose();
        bert.Dispose();
        await host.DisposeAsync();
    }

    [Fact]
    public async Task A_body_is_a_document_of_its_own_without_scripts_or_anything_from_elsewhere()
    {
        var item = await host.DeliverAsync(annasMailbox, MailPost.WithFile("x", "a.pdf", File, Html));

        using var answer = await anna.Http.GetAsync($"mail/items/{item}/body", Cancel);
        var text = await answer.Content.ReadAsStringAsync(Cancel);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var policy = Assert.Single(answer.Headers.GetValues("Content-Security-Policy"));
        Assert.StartsWith("default-src 'none'", policy);
        Assert.Contains("; sandbox allow-popups allow-popups-to-escape-sandbox", policy);
        Assert.DoesNotContain("script-src", policy);
        Assert.DoesNotContain("allow-same-origin", policy);
        Assert.Contains("nosniff", answer.Headers.GetValues("X-Content-Type-Options"));
        Assert.True(answer.Headers.CacheControl!.NoStore);
        Assert.Contains("Look", text);
        Assert.DoesNotContain("alert", text);
        Assert.DoesNotContain("evil.test", text);

        var shown = await anna.Http.GetStringAsync($"mail/items/{item}/body?remote=true", Cancel);
        Assert.Contains("/mail/remote?u=", shown);
        Assert.DoesNotContain("evil.test", shown);
        Assert.Contains("Look at the file.", await anna.Http.GetStringAsync($"mail/items/{item}/body?text=true", Cancel));
    }

    [Fact]
    public async Task An_attachment_comes_byte_for_byte_and_is_never_run()
    {
        var item = await host.DeliverAsync(annasMailbox, MailPost.WithFile("x", "报告 \u202Efdp.html", File));

        using var answer = await anna.Http.GetAsync($"mail/items/{item}/attachments/2", Cancel);

        Assert.Equal(File, await answer.Content.ReadAsByteArrayAsync(Cancel));
        Assert.Equal("attachment", answer.Content.Headers.ContentDisposition!.DispositionType);
        Assert.Equal("报告 fdp.html", answer.Content.Headers.ContentDisposition.FileNameStar);
        Assert.Contains("nosniff", answer.Headers.GetValues("X-Content-Type-Options"));
        Assert.True(answer.Headers.CacheControl!.NoStore);
        Assert.Equal(HttpStatusCode.NotFound, (await anna.Http.GetAsync($"mail/items/{item}/attachments/0", Cancel)).StatusCode);   // the text
        Assert.Equal(HttpStatusCode.NotFound, (await anna.Http.GetAsync($"mail/items/{item}/attachments/9", Cancel)).StatusCode);
    }

    [Fact]
    public async Task The_source_is_the_stored_bytes_page_and_download_alike()
    {
        byte[] odd = [.. "Subject: odd\r\nContent-Type: multipart/mixed\r\n\r\nbroken "u8, 0, 255, 128, .. "\r\n.\r\nFrom x\r\n"u8];
        var item = await host.DeliverAsync(annasMailbox, odd);
        byte[] wanted = [.. Encoding.ASCII.GetBytes(MailPost.TraceField), .. odd];

        using var source = await anna.Http.GetAsync($"mail/items/{item}/source", Cancel);
        using var raw = await anna.Http.GetAsync($"mail/items/{item}/raw", Cancel);

        Assert.Equal(wanted, await source.Content.ReadAsByteArrayAsync(Cancel));
        Assert.Equal("text/plain", source.Content.Headers.ContentType!.MediaType);
        Assert.EndsWith("sandbox", Assert.Single(source.Headers.GetValues("Content-Security-Policy")));
        Assert.Equal(wanted, await raw.Content.ReadAsByteArrayAsync(Cancel));
        Assert.Equal($"message-{item}.eml", raw.Content.Headers.ContentDisposition!.FileName);
        Assert.Equal(HttpStatusCode.NotFound, (await anna.Http.GetAsync($"mail/items/{item}/body", Cancel)).StatusCode);   // shown as source
    }

    [Theory]
    [InlineData("body")]
    [InlineData("source")]
    [InlineData("raw")]
    [InlineData("attachments/2")]
    public async Task Somebody_elses_item_is_not_found_and_a_visitor_signs_in_first(string what)
    {
        var item = await host.DeliverAsync(annasMailbox, MailPost.WithFile("x", "a.pdf", File));
        using var admin = new PortalBrowser(host);
        await admin.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);
        using var visitor = new PortalBrowser(host);

        Assert.Equal(HttpStatusCode.OK, (await anna.Http.GetAsync($"mail/items/{item}/{what}", Cancel)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await bert.Http.GetAsync($"mail/items/{item}/{what}", Cancel)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await bert.Http.GetAsync($"mail/items/{item + 1000}/{what}", Cancel)).StatusCode);
        Assert.NotEqual(HttpStatusCode.OK, (await admin.Http.GetAsync($"mail/items/{item}/{what}", Cancel)).StatusCode);
        var answer = await visitor.Http.GetAsync($"mail/items/{item}/{what}", Cancel);
        Assert.Contains("sign-in", answer.Headers.Location?.ToString() ?? answer.StatusCode.ToString());
    }

    [Fact]
    public async Task A_35_MB_file_goes_up_and_one_over_the_limit_is_refused_before_it_ends()
    {
        var token = PortalBrowser.TokenOf((await anna.GetAsync("account/password")).Text);

        using var taken = await UploadAsync(anna, token, "35 MB.bin", new ByteArrayContent(new byte[35 * 1024 * 1024]));
        Assert.Equal(HttpStatusCode.OK, taken.StatusCode);
        var upload = await taken.Content.ReadFromJsonAsync<LetterAttachment>(JsonSerializerOptions.Web, Cancel);
        Assert.Equal(("35 MB.bin", 35L * 1024 * 1024), (upload!.FileName, upload.SizeBytes));

        // Only the head is sent: the refusal comes without a single octet of the file.
        var (status, body) = await DeclareAsync(token, 60L * 1024 * 1024);
        Assert.StartsWith("HTTP/1.1 413", status);
        Assert.Contains("too large", body);
    }

    [Fact]
    public async Task A_disk_without_room_refuses_a_file_in_words()
    {
        var token = PortalBrowser.TokenOf((await anna.GetAsync("account/password")).Text);
        host.Get<IOptions<StorageOptions>>().Value.DiskFloorBytes = long.MaxValue / 2;

        using var refused = await UploadAsync(anna, token, "a.txt", new ByteArrayContent(new byte[1000]));

        Assert.Equal(HttpStatusCode.InsufficientStorage, refused.StatusCode);
        Assert.Contains("nearly full", await refused.Content.ReadAsStringAsync(Cancel));
    }

    [Fact]
    public async Task An_upload_without_the_pages_token_is_refused()
    {
        using var answer = await UploadAsync(anna, "", "a.txt", new ByteArrayContent([1]));
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);

        var bertsToken = PortalBrowser.TokenOf((await bert.GetAsync("account/password")).Text);
        using var crossed = await UploadAsync(anna, bertsToken, "a.txt", new ByteArrayContent([1]));
        Assert.Equal(HttpStatusCode.BadRequest, crossed.StatusCode);
    }

    [Fact]
    public async Task A_remote_picture_needs_its_signature_and_no_cookie()
    {
        using var visitor = new PortalBrowser(host);

        Assert.Equal(HttpStatusCode.NotFound, (await visitor.Http.GetAsync("mail/remote?u=https%3A%2F%2Fevil.test%2Fp.gif", Cancel)).StatusCode);
    }

    private static async Task<HttpResponseMessage> UploadAsync(PortalBrowser browser, string token, string name, HttpContent content)
    {
        content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        var request = new HttpRequestMessage(HttpMethod.Post, "mail/uploads") { Content = content };
        request.Headers.Add("X-File-Name", Uri.EscapeDataString(name));
        request.Headers.Add("RequestVerificationToken", token);
        return await browser.Http.SendAsync(request, Cancel);
    }

    private async Task<(string Status, string Body)> DeclareAsync(string token, long length)
    {
        using var connection = new TcpClient();
        await connection.ConnectAsync(IPAddress.Loopback, host.WebPort, Cancel);
        var stream = connection.GetStream();
        var cookies = string.Join("; ", anna.Cookies.Select(c => $"{c.Name}={c.Value}"));
        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            $"POST /mail/uploads HTTP/1.1\r\nHost: localhost:{host.WebPort}\r\nCookie: {cookies}\r\nRequestVerificationToken: {token}\r\nX-File-Name: a\r\nContent-Type: application/octet-stream\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"), Cancel);
        var answer = await new StreamReader(stream).ReadToEndAsync(Cancel);
        return (answer.Split("\r\n")[0], answer);
    }
}
