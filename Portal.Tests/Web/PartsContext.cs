using System.Globalization;
using Bunit;
using Microsoft.Extensions.DependencyInjection;
using MudBlazor.Services;
using Portal.Web.Components;
using Portal.Web.Components.Shared;

namespace Portal.Tests.Web;

/// <summary>Where the shared parts of pages are rendered by bUnit, in English.</summary>
public abstract class PartsContext : BunitContext, IAsyncLifetime
{
    protected PartsContext()
    {
        CultureInfo.CurrentCulture = CultureInfo.CurrentUICulture = CultureInfo.GetCultureInfo("en");
        JSInterop.Mode = JSRuntimeMode.Loose;
        Services.AddMudServices();
        Services.AddLocalization();
        Services.AddScoped<Display>();
        Services.AddScoped<Wording>();
        Services.AddScoped<Notices>();
        Services.AddSingleton(TimeProvider.System);
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

}
