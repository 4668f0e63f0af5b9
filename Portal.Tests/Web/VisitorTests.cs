using Portal.Tests.Fixtures;

namespace Portal.Tests.Web;

/// <summary>Who has not signed in gets pages, and no circuit to hold open.</summary>
public sealed class VisitorTests
{
    private const string CircuitMarker = "<!--Blazor:{\"type\":\"server\"";

    [Fact]
    public async Task Only_who_has_signed_in_gets_a_circuit()
    {
        await using var portal = await PortalHost.StartAsync();
        using var browser = new PortalBrowser(portal);

        foreach (var path in new[] { "sign-in", "no-such-page", "status/404", "first-password/spent", "not-found" })
            Assert.DoesNotContain(CircuitMarker, (await browser.GetAsync(path)).Text, StringComparison.Ordinal);

        await browser.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);
        Assert.Contains(CircuitMarker, (await browser.GetAsync("admin/about")).Text, StringComparison.Ordinal);
    }
}
