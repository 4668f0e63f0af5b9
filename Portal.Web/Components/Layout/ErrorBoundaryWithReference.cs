using System.Diagnostics;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Rendering;

namespace Portal.Web.Components.Layout;

/// <summary>The one catch-all of a page: logs the fault under a reference, shows the person that reference and a way on.</summary>
public sealed partial class ErrorBoundaryWithReference(ILogger<ErrorBoundaryWithReference> logger) : ErrorBoundaryBase
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
        builder.AddComponentParameter(3, nameof(Shared.ErrorState.OnRetry), EventCallback.Factory.Create(this, Recover));
        builder.CloseComponent();
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "A page failed; reference {Reference}")]
    private static partial void LogPageFailed(ILogger logger, string reference, Exception exception);
}
