using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Rendering;

namespace Portal.Web.Components.Shared;

/// <summary>
/// Renders once everybody has been told of a change of address: a grid reads the address too, and the framework fails where a new reader
/// comes while it tells the others. For a list that a tab opens.
/// </summary>
public sealed class Deferred : ComponentBase
{
    private bool isReady;

    [Parameter] public RenderFragment? ChildContent { get; set; }

    protected override async Task OnInitializedAsync()
    {
        await Task.Yield();
        isReady = true;
    }

    protected override void BuildRenderTree(RenderTreeBuilder builder)
    {
        if (isReady) builder.AddContent(0, ChildContent);
    }
}
