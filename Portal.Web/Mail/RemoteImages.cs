using System.ComponentModel.DataAnnotations;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Options;
using Portal.Core.Addresses;

namespace Portal.Web.Mail;

/// <summary>How pictures from elsewhere are fetched for a mail.</summary>
public sealed class RemoteImageOptions
{
    public const string Section = "Portal:Mail:RemoteImages";

    /// <summary>Fetch from private and loopback networks too: for tests only, since any sender could then make this server call its neighbours.</summary>
    public bool AllowPrivateNetworks { get; init; }

    /// <summary>Largest picture, in bytes.</summary>
    [Range(1024, 100 * 1024 * 1024)]
    public int MaxBytes { get; init; } = 5 * 1024 * 1024;

    /// <summary>For look-up, connection and all octets together.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:05:00")]
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);
}

/// <summary>
/// Fetches pictures from elsewhere in place of the reader's browser, so that the sender learns neither address nor browser of the reader, and
/// bounds what that can cost. Only addresses this server signed into a body are fetched, for an hour.
/// </summary>
public sealed class RemoteImages : IDisposable
{
    private const int MaxAtOnce = 16;
    private const int MaxAtOnceFromOneHost = 4;
    private static readonly TimeSpan TokenLife = TimeSpan.FromHours(1);
    private static readonly string[] Types = ["image/png", "image/jpeg", "image/jpg", "image/gif", "image/webp", "image/bmp", "image/avif", "image/x-icon", "image/vnd.microsoft.icon"];
    private readonly RemoteImageOptions options;
    private readonly ITimeLimitedDataProtector protector;
    private readonly SemaphoreSlim places = new(MaxAtOnce);
    private readonly HostPlaces hostPlaces = new(MaxAtOnceFromOneHost);
    private readonly HttpClient client;

    public RemoteImages(IOptions<RemoteImageOptions> options, IDataProtectionProvider protection)
    {
        this.options = options.Value;
        protector = protection.CreateProtector("Portal.Mail.RemoteImages").ToTimeLimitedDataProtector();
        client = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = ConnectAsync,
            AllowAutoRedirect = true,   // each hop connects anew, and is looked at anew
            MaxAutomaticRedirections = 3,
            UseCookies = false,
            UseProxy = false,
            AutomaticDecompression = DecompressionMethods.None,
            MaxResponseHeadersLength = 32,
            PooledConnectionLifetime = TimeSpan.FromMinutes(1),
        })
        { Timeout = this.options.Timeout };
        client.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("Mozilla", "5.0"));
        client.DefaultRequestHeaders.Accept.Add(new MediaTypeWithQualityHeaderValue("image/*"));
    }

    /// <summary>The address at this server for a picture elsewhere.</summary>
    public string AddressOf(string url) => "/mail/remote?u=" + protector.Protect(url, TokenLife);

    /// <summary>Fetches what a signed address names; null for anything but a picture within the bounds.</summary>
    public async Task<(string Type, byte[] Octets)?> FetchAsync(string token, CancellationToken cancel)
    {
        if (Unprotect(token) is not { } url) return null;

        using var hostPlace = await hostPlaces.TakeAsync(url.IdnHost, cancel);   // first: who waits for a slow host takes no place of the others
        await places.WaitAsync(cancel);
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            limit.CancelAfter(options.Timeout);
            using var response = await client.GetAsync(url, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            if (!response.IsSuccessStatusCode || response.Content.Headers.ContentType?.MediaType?.ToLowerInvariant() is not { } type || !Types.Contains(type)) return null;
            if (response.Content.Headers.ContentLength > options.MaxBytes) return null;

            await using var body = await response.Content.ReadAsStreamAsync(limit.Token);
            var octets = new byte[options.MaxBytes + 1];
            var length = await body.ReadAtLeastAsync(octets, octets.Length, throwOnEndOfStream: false, limit.Token);
            return length > options.MaxBytes ? null : (type, octets[..length]);
        }
        catch (Exception e) when (e is HttpRequestException or IOException || (e is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            return null;   // away, forbidden or too slow: a picture is missing, as in every mail program
        }
        finally
        {
            places.Release();
        }
    }

    public void Dispose()
    {
        client.Dispose();
        places.Dispose();
    }

    private Uri? Unprotect(string token)
    {
        try
        {
            return Uri.TryCreate(protector.Unprotect(token), UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && (options.AllowPrivateNetworks || url.IsDefaultPort) ? url : null;
        }
        catch (System.Security.Cryptography.CryptographicException)   // forged, or older than its hour
        {
            return null;
        }
    }

    /// <summary>Looks the name up itself and connects to what was looked at: a second look-up could answer something else.</summary>
    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancel)
    {
        if (!options.AllowPrivateNetworks && context.DnsEndPoint.Port is not (80 or 443)) throw new HttpRequestException("The port is not a web port.");

        var addresses = await Dns.GetHostAddressesAsync(context.DnsEndPoint.Host, cancel);
        var open = options.AllowPrivateNetworks ? addresses : [.. addresses.Where(PublicNetworks.Contains)];
        if (open.Length == 0) throw new HttpRequestException("The name has no public address.");

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(open, context.DnsEndPoint.Port, cancel);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
