using Microsoft.AspNetCore.Authentication.Cookies;

namespace Portal.Web.Security;

/// <summary>
/// Over HTTPS the session cookie is called <c>__Host-…</c>: no sub-domain and no plain connection can set it (RFC 6265bis §4.1.3.2).
/// The prefix demands Secure, so plain HTTP on loopback has its own name.
/// </summary>
internal sealed class HostCookies : ICookieManager
{
    private readonly ChunkingCookieManager inner = new();

    public string? GetRequestCookie(HttpContext context, string key) => inner.GetRequestCookie(context, NameFor(context, key));

    public void AppendResponseCookie(HttpContext context, string key, string? value, CookieOptions options) =>
        inner.AppendResponseCookie(context, NameFor(context, key), value, Strict(context, options));

    public void DeleteCookie(HttpContext context, string key, CookieOptions options) =>
        inner.DeleteCookie(context, NameFor(context, key), Strict(context, options));

    private static string NameFor(HttpContext context, string key) => context.Request.IsHttps ? "__Host-" + key : key;

    private static CookieOptions Strict(HttpContext context, CookieOptions options)
    {
        options.Secure = context.Request.IsHttps;
        options.Path = "/";
        options.Domain = null;
        return options;
    }
}
