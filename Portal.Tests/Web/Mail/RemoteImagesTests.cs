using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Portal.Core.Addresses;
using Portal.Tests.Fixtures;
using Portal.Web.Mail;

namespace Portal.Tests.Web.Mail;

public sealed class RemoteImagesTests : IAsyncLifetime
{
    private readonly int port = FreePort.Take();
    private WebApplication shop = null!;
    private readonly SemaphoreSlim silent = new(0);
    private int asked;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
        shop = builder.Build();
        shop.Use((context, next) =>
        {
            Interlocked.Increment(ref asked);
            return next(context);
        });
        shop.MapGet("/a.png", () => Results.Bytes(new byte[] { 1, 2, 3 }, "image/png"));
        shop.MapGet("/page", () => Results.Content("<script>alert(1)</script>", "text/html"));
        shop.MapGet("/svg", () => Results.Content("<svg onload='alert(1)'/>", "image/svg+xml"));
        shop.MapGet("/large", () => Results.Bytes(new byte[2000], "image/png"));
        shop.MapGet("/endless", async context =>
        {
            context.Response.ContentType = "image/png";
            while (!context.RequestAborted.IsCancellationRequested) await context.Response.Body.WriteAsync(new byte[4096], context.RequestAborted);
        });
        shop.MapGet("/silent", context =>
        {
            silent.Release();
            return Task.Delay(Timeout.Infinite, context.RequestAborted);
        });
        shop.MapGet("/there", () => Results.Redirect("/a.png"));
        await shop.StartAsync(Cancel);
    }

    public async ValueTask DisposeAsync()
    {
        await shop.DisposeAsync();
        silent.Dispose();
    }

    [Fact]
    public async Task A_picture_is_fetched_by_its_signed_address_only()
    {
        using var images = Images(allowPrivate: true);

        var (type, octets) = (await images.FetchAsync(Token(images, "/a.png"), Cancel))!.Value;
        Assert.Equal(("image/png", 3), (type, octets.Length));
        Assert.NotNull(await images.FetchAsync(Token(images, "/there"), Cancel));

        Assert.Null(await images.FetchAsync($"http://127.0.0.1:{port}/a.png", Cancel));
        Assert.Null(await images.FetchAsync("A" + Token(images, "/a.png"), Cancel));
        using var other = Images(allowPrivate: true);
        Assert.Null(await other.FetchAsync(Token(images, "/a.png"), Cancel));
    }

    [Fact]
    public async Task A_slow_host_holds_up_its_own_pictures_only()
    {
        using var images = Images(allowPrivate: true, seconds: 300);
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var slow = Enumerable.Range(0, 40).Select(_ => images.FetchAsync(Token(images, "/silent"), leaving.Token)).ToList();
        await silent.WaitAsync(Cancel);   // the first of them is with the host

        Assert.NotNull(await images.FetchAsync(TokenOf(images, $"http://localhost:{port}/a.png"), Cancel).WaitAsync(TimeSpan.FromSeconds(60), Cancel));
        Assert.InRange(asked, 1, 5);   // four, and the other host's

        await leaving.CancelAsync();
        foreach (var fetch in slow) await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fetch);
        Assert.NotNull(await images.FetchAsync(Token(images, "/a.png"), Cancel));   // their places are free again
    }

    [Theory]
    [InlineData("/page")]
    [InlineData("/svg")]
    [InlineData("/large")]
    [InlineData("/endless")]
    [InlineData("/silent")]
    [InlineData("/none")]
    public async Task What_is_no_picture_within_the_bounds_is_not_passed_on(string path)
    {
        using var images = Images(allowPrivate: true, seconds: 2);

        Assert.Null(await images.FetchAsync(Token(images, path), Cancel));
    }

    [Fact]
    public async Task Nobody_makes_this_server_call_its_neighbours()
    {
        using var images = Images(allowPrivate: false);

        foreach (var host in new[] { "127.0.0.1", "localhost", "[::1]", "0.0.0.0", "[::ffff:127.0.0.1]", "2130706433" })
            Assert.Null(await images.FetchAsync(TokenOf(images, $"http://{host}:{port}/a.png"), Cancel));
        Assert.Null(await images.FetchAsync(TokenOf(images, "http://127.0.0.1/a.png"), Cancel));
        Assert.Null(await images.FetchAsync(TokenOf(images, "file:///etc/passwd"), Cancel));
        Assert.Equal(0, asked);
    }

    [Theory]
    [InlineData("10.1.2.3", false)]
    [InlineData("127.0.0.1", false)]
    [InlineData("169.254.169.254", false)]
    [InlineData("172.31.0.1", false)]
    [InlineData("192.168.1.1", false)]
    [InlineData("100.64.0.1", false)]
    [InlineData("0.0.0.0", false)]
    [InlineData("255.255.255.255", false)]
    [InlineData("::1", false)]
    [InlineData("::", false)]
    [InlineData("fe80::1", false)]
    [InlineData("fd00::1", false)]
    [InlineData("::ffff:10.0.0.1", false)]
    [InlineData("64:ff9b::a00:1", false)]
    [InlineData("2002:a00:1::", false)]
    [InlineData("8.8.8.8", true)]
    [InlineData("172.32.0.1", true)]
    [InlineData("2a00:1450::1", true)]
    public void Public_addresses_are_told_from_the_others(string address, bool isPublic) => Assert.Equal(isPublic, PublicNetworks.Contains(IPAddress.Parse(address)));

    private static RemoteImages Images(bool allowPrivate, int seconds = 30) => new(
        Options.Create(new RemoteImageOptions { AllowPrivateNetworks = allowPrivate, MaxBytes = 1000, Timeout = TimeSpan.FromSeconds(seconds) }), new EphemeralDataProtectionProvider());

    private static string TokenOf(RemoteImages images, string url) => images.AddressOf(url)["/mail/remote?u=".Length..];

    private string Token(RemoteImages images, string path) => TokenOf(images, $"http://127.0.0.1:{port}{path}");
}
