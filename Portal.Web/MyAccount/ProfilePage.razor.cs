using System.Globalization;
using Microsoft.JSInterop;
using Portal.Core.Accounts;
using Portal.Web.Components;

namespace Portal.Web.MyAccount;

/// <summary>Name, language, time zone and look of one's own account.</summary>
public sealed partial class ProfilePage
{
    private static readonly (bool?, string)[] Densities = [(null, "Automatic"), (true, "Compact"), (false, "Comfortable")];

    private static readonly Lazy<IReadOnlyList<(string Id, string Text)>> AllZones = new(() =>
        [.. TimeZoneInfo.GetSystemTimeZones().Where(z => z.HasIanaId && (z.Id.Contains('/', StringComparison.Ordinal) || z.Id == "UTC") && !z.Id.StartsWith("Etc/", StringComparison.Ordinal))
            .OrderBy(z => z.BaseUtcOffset).ThenBy(z => z.Id, StringComparer.Ordinal)
            .Select(z => (z.Id, string.Create(CultureInfo.InvariantCulture, $"{z.Id} (UTC{(z.BaseUtcOffset < TimeSpan.Zero ? '−' : '+')}{z.BaseUtcOffset:hh\\:mm})")))]);

    private AccountSnapshot? account;
    private string name = "", language = "", zone = "";
    private string? error;
    private ColourScheme scheme;
    private bool? compact;
    private bool singleKeys;

    private static IReadOnlyList<(string Id, string Text)> Zones => AllZones.Value;

    private bool IsDirty => account is not null
        && (name != account.DisplayName || language != (account.Language ?? "") || zone != (account.TimeZone ?? "") || scheme != account.Scheme || compact != Display.Compact || singleKeys != Display.SingleKeys);

    private string Now => TimeZoneInfo.ConvertTime(DateTimeOffset.UtcNow, zone.Length == 0 ? Display.Zone : Display.ZoneOrUtc(zone)).ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);

    protected override async Task OnInitializedAsync()
    {
        account = await Actor.AccountAsync();
        if (account is null) return;
        (name, language, zone, scheme, compact, singleKeys) = (account.DisplayName, account.Language ?? "", account.TimeZone ?? "", account.Scheme, Display.Compact, Display.SingleKeys);
    }

    private async Task SaveAsync()
    {
        error = null;
        var change = new ProfileChange(name, language.Length == 0 ? null : language, zone.Length == 0 ? null : zone, scheme);
        var outcome = await Accounts.ChangeProfileAsync(await Actor.GetAsync(), change, CancellationToken.None);
        if (outcome.Refusal is Core.Invalid { Field: "DisplayName" } invalid) error = Wording.Of(invalid);
        else if (Notices.Show(outcome, L["Saved"])) await ApplyAsync();
    }

    private async Task ApplyAsync()
    {
        await Js.InvokeVoidAsync("portal.setCookie", Display.SchemeCookie, scheme.ToString());
        await Js.InvokeVoidAsync("portal.setCookie", Display.DensityCookie, compact switch { true => "compact", false => "comfortable", null => "" });
        await Js.InvokeVoidAsync("portal.setCookie", Display.KeysCookie, singleKeys ? "" : "off");
        var needsReload = language != (account!.Language ?? "") || zone != (account.TimeZone ?? "");
        (Display.Scheme, Display.Compact, Display.SingleKeys) = (scheme, compact, singleKeys);
        account = await Actor.AccountAsync();   // nothing is unsaved any more
        if (needsReload)
        {
            StateHasChanged();
            await Task.Yield();   // the guard must hear of it before the page goes
            Nav.NavigateTo("/account", forceLoad: true);   // words and times of the whole page change
            return;
        }

        Display.Notify();
    }
}
