using System.Net;
using System.Text.RegularExpressions;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Web;

/// <summary>A browser without a screen: keeps cookies, follows links, sends forms with their token.</summary>
internal sealed partial class PortalBrowser : IDisposable
{
    private readonly HttpClientHandler handler = new() { CookieContainer = new CookieContainer(), AllowAutoRedirect = false, ServerCertificateCustomValidationCallback = HttpClientHandler.DangerousAcceptAnyServerCertificateValidator };
    private readonly HttpClient client;

    public PortalBrowser(PortalHost host, bool https = false)
    {
        client = new HttpClient(handler) { BaseAddress = https ? new Uri($"https://localhost:{host.HttpsPort}/") : host.Url };
        client.DefaultRequestHeaders.Accept.ParseAdd("text/html");
        client.DefaultRequestHeaders.AcceptLanguage.ParseAdd("en");
    }

    public IReadOnlyList<Cookie> Cookies => [.. handler.CookieContainer.GetAllCookies().Cast<Cookie>()];

    public HttpClient Http => client;

    /// <summary>Sets a cookie as a script of the page does.</summary>
    public void SetCookie(string name, string value) => handler.CookieContainer.Add(client.BaseAddress!, new Cookie(name, Uri.EscapeDataString(value)));

    public async Task<(HttpStatusCode Status, string Text, string? Location)> GetAsync(string path)
    {
        using var answer = await client.GetAsync(path);
        return (answer.StatusCode, WebUtility.HtmlDecode(await answer.Content.ReadAsStringAsync()), answer.Headers.Location?.ToString());
    }

    /// <summary>Opens a page and sends its form, as a person would.</summary>
    public async Task<(HttpStatusCode Status, string Text, string? Location)> SubmitAsync(string path, string form, params (string Name, string Value)[] fields)
    {
        var (_, page, _) = await GetAsync(path);
        return await PostAsync(path, [("_handler", form), ("__RequestVerificationToken", TokenOf(page)), .. fields]);
    }

    public async Task<(HttpStatusCode Status, string Text, string? Location)> PostAsync(string path, params (string Name, string Value)[] fields)
    {
        using var content = new FormUrlEncodedContent(fields.Select(f => KeyValuePair.Create(f.Name, f.Value)));
        using var answer = await client.PostAsync(path, content);
        return (answer.StatusCode, WebUtility.HtmlDecode(await answer.Content.ReadAsStringAsync()), answer.Headers.Location?.ToString());
    }

    public Task<(HttpStatusCode Status, string Text, string? Location)> SignInAsync(string name, string password) =>
        SubmitAsync("sign-in", "sign-in", ("Form.Name", name), ("Form.Password", password));

    public static string TokenOf(string page) => Token().Match(page).Groups["token"].Value;

    public void Dispose()
    {
        client.Dispose();
        handler.Dispose();
    }

    [GeneratedRegex("""name="__RequestVerificationToken" value="(?<token>[^"]+)""")]
    private static partial Regex Token();
}
