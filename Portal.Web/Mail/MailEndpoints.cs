using System.Globalization;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using Portal.Core;
using Portal.Core.Messages;
using Portal.Core.Permissions;
using Portal.Smtp;
using Portal.Web.Components.Shared;
using Portal.Web.Security;

namespace Portal.Web.Mail;

/// <summary>What of My mail is no page: bodies, sources, attachments, uploads, pictures. Somebody else's item is not found.</summary>
internal static class MailEndpoints
{
    private const string FrameSandbox = "sandbox allow-popups allow-popups-to-escape-sandbox";

    /// <summary>Largest file that fits into a letter once it is base64, with room for header and text.</summary>
    public static long UploadLimitBytes(SmtpOptions smtp) => (smtp.MaxMessageSizeBytes - 256 * 1024) / 78 * 57;

    public static void MapMail(this IEndpointRouteBuilder app)
    {
        var mail = app.MapGroup("/mail").RequireAuthorization(new RequiresAttribute(Capability.UseOwnMail));
        mail.MapGet("/items/{id:long}/body", BodyAsync);
        mail.MapGet("/items/{id:long}/source", SourceAsync);
        mail.MapGet("/items/{id:long}/raw", RawAsync);
        mail.MapGet("/items/{id:long}/attachments/{number:int}", AttachmentAsync);
        mail.MapPost("/uploads", UploadAsync);

        // Asked for by the sandboxed frame, which has no cookies: the signed address is the permission.
        app.MapGet("/mail/remote", RemoteAsync).AllowAnonymous();
    }

    private static async Task<IResult> BodyAsync(
        long id, bool? remote, bool? text, bool? dark, HttpContext context, CurrentActor actor, MailService mails, RemoteImages pictures, CancellationToken cancel)
    {
        var opening = await mails.OpenAsync(await actor.GetAsync(cancel), id, cancel);
        if (!opening.IsDone) return Results.NotFound();

        using var mail = opening.Value;
        var view = new BodyView(text == true, dark == true, CultureInfo.CurrentUICulture.Name);
        if (await MailBody.DocumentAsync(mail, view, remote == true ? pictures.AddressOf : null, cancel) is not { } document) return Results.NotFound();

        var self = $"{context.Request.Scheme}://{context.Request.Host}";
        Guard(context, $"default-src 'none'; img-src data: {self}/mail/remote; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'; {FrameSandbox}");
        return Results.Content(document, "text/html; charset=utf-8");
    }

    private static async Task<IResult> SourceAsync(long id, HttpContext context, CurrentActor actor, MailService mails, CancellationToken cancel)
    {
        var raw = await mails.OpenRawAsync(await actor.GetAsync(cancel), id, cancel);
        if (!raw.IsDone) return Results.NotFound();

        Guard(context, "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox");
        return Results.Stream(raw.Value, "text/plain; charset=utf-8");
    }

    private static async Task<IResult> RawAsync(long id, HttpContext context, CurrentActor actor, MailService mails, CancellationToken cancel)
    {
        var raw = await mails.OpenRawAsync(await actor.GetAsync(cancel), id, cancel);
        if (!raw.IsDone) return Results.NotFound();

        Guard(context, "default-src 'none'; sandbox");
        return Results.Stream(raw.Value, "message/rfc822", string.Create(CultureInfo.InvariantCulture, $"message-{id}.eml"));
    }

    private static async Task<IResult> AttachmentAsync(long id, int number, HttpContext context, CurrentActor actor, MailService mails, CancellationToken cancel)
    {
        var opening = await mails.OpenAsync(await actor.GetAsync(cancel), id, cancel);
        if (!opening.IsDone) return Results.NotFound();

        var mail = opening.Value;
        context.Response.RegisterForDispose(mail);
        if (mail.Parts.FirstOrDefault(p => p.Number == number) is not { } part) return Results.NotFound();

        Guard(context, "default-src 'none'; sandbox");
        var disposition = new ContentDispositionHeaderValue("attachment");
        disposition.SetHttpFileName(part.FileName);
        context.Response.Headers.ContentDisposition = disposition.ToString();
        return Results.Stream(to => mail.CopyPartAsync(number, to, cancel), TypeOf(part));
    }

    /// <summary>Takes one file for a letter. The name is in X-File-Name, percent-encoded; the token of the page in RequestVerificationToken.</summary>
    private static async Task<IResult> UploadAsync(
        HttpContext context, CurrentActor actor, UploadStore uploads, IAntiforgery antiforgery, IOptions<SmtpOptions> smtp, Wording wording, CancellationToken cancel)
    {
        if (!await antiforgery.IsRequestValidAsync(context)) return Results.BadRequest();

        // Refused by its declared length before a single octet is read; one that lies is cut off where the limit is.
        var limit = UploadLimitBytes(smtp.Value);
        if (context.Request.ContentLength > limit) return Refused(new Invalid("AttachmentTooLarge", ByteSize.Text(limit)), StatusCodes.Status413PayloadTooLarge, wording);

        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = limit + 1;
        var name = Uri.UnescapeDataString(context.Request.Headers["X-File-Name"].ToString());
        var file = new UploadedFile(name, context.Request.ContentType, context.Request.ContentLength ?? 0);
        var saved = await uploads.SaveAsync(await actor.GetAsync(cancel), file, context.Request.Body, limit, cancel);
        if (saved.IsDone) return Results.Json(saved.Value);
        return saved.Refusal is Invalid ? Refused(new Invalid("AttachmentTooLarge", ByteSize.Text(limit)), StatusCodes.Status413PayloadTooLarge, wording)
            : Refused(saved.Refusal, saved.Refusal.Key == "UploadDiskLow" ? StatusCodes.Status507InsufficientStorage : StatusCodes.Status409Conflict, wording);
    }

    private static async Task<IResult> RemoteAsync(string u, HttpContext context, RemoteImages pictures, CancellationToken cancel)
    {
        if (await pictures.FetchAsync(u, cancel) is not { } picture) return Results.NotFound();

        Guard(context, "default-src 'none'; sandbox");
        context.Response.Headers["Cross-Origin-Resource-Policy"] = "cross-origin";   // the frame that asks has no origin
        return Results.Bytes(picture.Octets, picture.Type);
    }

    private static IResult Refused(Refusal refusal, int status, Wording wording) => Results.Json(new UploadRefused(wording.Of(refusal)), statusCode: status);

    private static void Guard(HttpContext context, string policy)
    {
        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy = policy;
        headers.XContentTypeOptions = "nosniff";
        headers.CacheControl = "no-store";
        headers["Referrer-Policy"] = "no-referrer";
        headers.XFrameOptions = "SAMEORIGIN";
    }

    /// <summary>As declared, except what a browser would run.</summary>
    private static string TypeOf(MailPart part) =>
        MediaTypeHeaderValue.TryParse(part.ContentType, out var type) && !part.ContentType.Contains("html", StringComparison.OrdinalIgnoreCase)
            && !part.ContentType.Contains("xml", StringComparison.OrdinalIgnoreCase) && !part.ContentType.Contains("script", StringComparison.OrdinalIgnoreCase)
            ? type.ToString() : "application/octet-stream";
}

/// <summary>Why a file was not taken, in words.</summary>
internal sealed record UploadRefused(string Message);
