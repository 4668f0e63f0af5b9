using System.Globalization;
using Microsoft.Extensions.Localization;
using MudBlazor;
using Portal.Web.Resources;

namespace Portal.Web.Components;

/// <summary>MudBlazor's own texts in Chinese; in English it uses its own.</summary>
internal sealed class PortalMudLocalizer(IStringLocalizer<Controls> words) : MudLocalizer
{
    public override LocalizedString this[string key] =>
        CultureInfo.CurrentUICulture.Name == "zh-Hans" ? words[key] : new LocalizedString(key, key, resourceNotFound: true);
}
