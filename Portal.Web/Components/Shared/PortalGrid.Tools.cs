using Microsoft.AspNetCore.Components;
using Portal.Core;

namespace Portal.Web.Components.Shared;

/// <summary>What can be done with a list as a whole: choose its columns, take it along as a file.</summary>
public sealed partial class PortalGrid<T>
{
    [Inject] private Display Display { get; set; } = null!;

    private IReadOnlyList<ColumnChoice> Choices => [.. columns.Where(c => c.Name is not null).Select(c => new ColumnChoice(c.Name!, c.Title, !IsHidden(c)))];

    private bool IsHidden(Column<T> column) => column.Name is { } name && Display.Columns.IsHidden(List!, name);

    private void ToggleColumn(string name) => Display.Columns.Toggle(List!, name);

    // The columns shown, of all rows that match: up to as many as lists count.
    private async Task<Outcome<ExportFile>> ExportAsync()
    {
        List<(string, Func<T, object?>)> shown = [.. Shown.Where(c => c.Value is not null).Select(c => (c.Title, c.Value!))];
        return More is { } more ? await GridExport.WriteAsync(shown, more, CancellationToken.None)
            : await GridExport.WriteAsync(shown, (skip, take) => Load(new GridRequest(skip, take, sort, descending), CancellationToken.None));
    }
}
