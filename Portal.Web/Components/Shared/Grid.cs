using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Rendering;

namespace Portal.Web.Components.Shared;

/// <summary>What a list asks of its service.</summary>
/// <param name="Sort">Sort key of a column; null for the default order.</param>
public sealed record GridRequest(int Skip, int Take, string? Sort, bool Descending);

/// <summary>Rows of a list that goes by key.</summary>
/// <param name="Next">Where what follows begins; null at the end.</param>
public sealed record KeyPage<T>(IReadOnlyList<T> Rows, string? Next);

/// <summary>What is selected: some rows of this page, or everything that matches the filter.</summary>
/// <param name="IsCountExact">False when more match than lists count.</param>
public sealed record GridSelection<T>(IReadOnlyList<T> Rows, bool AllMatching, int Count, bool IsCountExact);

/// <summary>A column of <see cref="PortalGrid{T}"/>. The first one becomes the link and the title of the card on a phone.</summary>
public sealed class Column<T> : ComponentBase
{
    [CascadingParameter] private PortalGrid<T> Grid { get; set; } = null!;

    [Parameter, EditorRequired] public string Title { get; set; } = "";

    /// <summary>Names the column where a person's choice of columns is kept; null for one that is always shown.</summary>
    [Parameter] public string? Name { get; set; }

    /// <summary>What an export writes; null leaves the column out of it.</summary>
    [Parameter] public Func<T, object?>? Value { get; set; }

    /// <summary>Key handed to the service; null makes the column unsortable.</summary>
    [Parameter] public string? Sort { get; set; }

    /// <summary>Right-aligned, tabular digits.</summary>
    [Parameter] public bool Numeric { get; set; }

    /// <summary>Whether it is shown on the card of a phone.</summary>
    [Parameter] public bool Card { get; set; } = true;

    /// <summary>Stays on one line beside a wide column, which takes what is left.</summary>
    [Parameter] public bool Keep { get; set; }

    /// <summary>Takes what is left of the width and cuts long text.</summary>
    [Parameter] public bool Wide { get; set; }

    [Parameter, EditorRequired] public RenderFragment<T> ChildContent { get; set; } = null!;

    protected override void OnInitialized() => Grid.Add(this);
}

/// <summary>Renders after its elder siblings have been initialised, so that a grid knows its columns.</summary>
public sealed class Later : ComponentBase
{
    [Parameter] public RenderFragment? ChildContent { get; set; }

    protected override void BuildRenderTree(RenderTreeBuilder builder) => builder.AddContent(0, ChildContent);
}
