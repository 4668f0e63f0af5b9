using Microsoft.Extensions.Options;
using Portal.Core.Certificates;
using Portal.Core.Data;

namespace Portal.Web.Hosting;

/// <summary>What certbot's webroot lays down for a certificate authority to fetch in plain HTTP, under whatever name (RFC 8555 §8.3).</summary>
internal static partial class AcmeChallenges
{
    /// <summary>Longest token that is looked for; RFC 8555 sets none, authorities use some 43.</summary>
    private const int MaxTokenLength = 256;

    /// <summary>Largest answer, in octets: token, dot and thumbprint of a key.</summary>
    private const int MaxBytes = 4096;

    private static readonly string[] Below = [".well-known", "acme-challenge"];

    public static void MapAcmeChallenges(this WebApplication app)
    {
        var folder = app.Services.GetRequiredService<IOptions<TlsOptions>>().Value.AcmeWebRootIn(app.Services.GetRequiredService<IOptions<StorageOptions>>().Value.DataFolder);
        var logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(AcmeChallenges));
        app.MapGet("/.well-known/acme-challenge/{token}", (string token, CancellationToken cancel) => AnswerAsync(folder, token, logger, cancel)).AllowAnonymous();
    }

    private static async Task<IResult> AnswerAsync(string folder, string token, ILogger logger, CancellationToken cancel)
    {
        if (!IsToken(token)) return Results.NotFound();
        try
        {
            if (Find(folder, token) is not { } file) return Results.NotFound();
            await using var stream = file.OpenRead();
            var content = new byte[MaxBytes];
            var length = await stream.ReadAtLeastAsync(content, content.Length, throwOnEndOfStream: false, cancel);
            LogServed(logger, token);
            return Results.Bytes(content[..length], "text/plain");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogUnreadable(logger, token, folder, e);
            return Results.NotFound();
        }
    }

    /// <summary>The file of a token; null when there is none. Below the folder no link is followed: one could lead anywhere.</summary>
    private static FileInfo? Find(string folder, string token)
    {
        var path = folder;
        foreach (var part in Below)
        {
            path = Path.Combine(path, part);
            if (new DirectoryInfo(path) is not { Exists: true, LinkTarget: null }) return null;
        }

        return new FileInfo(Path.Combine(path, token)) is { Exists: true, LinkTarget: null, Length: > 0 and <= MaxBytes } file ? file : null;
    }

    // RFC 8555 §8.3: only characters of base64url, so neither dot nor slash.
    private static bool IsToken(string token) => token.Length is > 0 and <= MaxTokenLength && token.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');

    [LoggerMessage(Level = LogLevel.Information, Message = "The ACME challenge {Token} was fetched")]
    private static partial void LogServed(ILogger logger, string token);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The ACME challenge {Token} in {Folder} can't be read")]
    private static partial void LogUnreadable(ILogger logger, string token, string folder, Exception e);
}
