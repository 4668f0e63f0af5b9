using System.Diagnostics;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Rendering;
using Microsoft.JSInterop;

namespace Portal.Web.Components.Layout;

/// <summary>The one catch-all of a page: logs the fault under a reference, shows the person that reference and a way on.</summary>
public sealed partial class ErrorBoundaryWithReference(ILogger<ErrorBoundaryWithReference> logger, IJSRuntime js, NavigationManager nav) : ErrorBoundaryBase
{
    private string reference = "";

    protected override Task OnErrorAsync(Exception exception)
    {
        reference = (Activity.Current?.TraceId.ToString() ?? Guid.NewGuid().ToString("N"))[..12];
        LogPageFailed(logger, reference, exception);
        return Task.CompletedTask;
    }

    protected override void BuildRenderTree(RenderTreeBuilder builder)
    {
        if (CurrentException is null)
        {
            builder.AddContent(0, ChildContent);
            return;
        }

        builder.OpenComponent<Shared.ErrorState>(1);
        builder.AddComponentParameter(2, nameof(Shared.ErrorState.Reference), reference);
        builder.AddComponentParameter(3, nameof(Shared.ErrorState.OnRetry), EventCallback.Factory.Create(this, RetryAsync));
        builder.CloseComponent();
    }

    private async Task RetryAsync()
    {
        // A letter that became a draft has an address that only the browser knows (ComposePane.razor.js): begun anew from ours, it would be empty.
        var address = await js.InvokeAsync<string>("portal.address");
        if (address == nav.Uri) Recover();
        else nav.NavigateTo(address, forceLoad: true);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "A page failed; reference {Reference}")]
    private static partial void LogPageFailed(ILogger logger, string reference, Exception exception);
}
