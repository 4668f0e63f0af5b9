using Microsoft.Extensions.Localization;
using Microsoft.JSInterop;
using Portal.Web.Resources;

namespace Portal.Web.Admin.Overview;

/// <summary>What the page needs besides its figures: words and the browser.</summary>
public sealed record OverviewWords(IStringLocalizer<OverviewPage> Page, IStringLocalizer<Shell> Shell, IStringLocalizer<Rules> Rules, IJSRuntime Js);
