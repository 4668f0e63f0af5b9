using System.Globalization;
using System.Text.RegularExpressions;
using Portal.Core;
using Portal.Core.Permissions;
using Portal.Web.Components;
using Portal.Web.Components.Shared;

namespace Portal.Tests.Web;

/// <summary>What lists do as a whole, apart from their pages.</summary>
public partial class GridExportTests
{
    [Fact]
    public async Task A_file_holds_the_titles_and_a_line_a_row_and_no_formula_of_a_stranger()
    {
        var at = new DateTimeOffset(2026, 11, 24, 10, 5, 0, TimeSpan.FromHours(1));
        IReadOnlyList<(string Name, object? Value)> rows = [("=1+1", 2_500L), ("a \"b\"\r\nc", at), ("", null)];
        var written = await GridExport.WriteAsync<(string Name, object? Value)>([("Name, in full", r => r.Name), ("值", r => r.Value)], (_, _) => Task.FromResult<Outcome<Page<(string, object?)>>>(new Page<(string, object?)>(rows, 3, true)));
        using var file = Assert.IsType<MemoryStream>(written.Value.Csv);
        using var reader = new StreamReader(file);

        Assert.Equal("\"Name, in full\",值\r\n\"'=1+1\",2500\r\n\"a \"\"b\"\"\r\nc\",2026-11-24T09:05:00Z\r\n,\r\n", await reader.ReadToEndAsync());
        file.Position = 0;
        Assert.Equal([0xEF, 0xBB, 0xBF], file.ToArray()[..3]);
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(200, true)]
    [InlineData(450, true)]
    [InlineData(Paging.CountLimit, true)]
    [InlineData(Paging.CountLimit + 1, false)]
    public async Task All_pages_are_collected_up_to_what_lists_count(int rows, bool isWhole)
    {
        var all = Enumerable.Range(0, rows).ToList();

        IReadOnlyList<(string Title, Func<int, object?> Value)> columns = [("n", n => n)];
        var byPage = (await GridExport.WriteAsync(columns, (skip, take) => Task.FromResult<Outcome<Page<int>>>(new Page<int>([.. all.Skip(skip).Take(take)], rows, true)))).Value;
        var byKey = (await GridExport.WriteAsync(columns, (from, _) => Task.FromResult<Outcome<KeyPage<int>>>(PageFrom(all, from)), TestContext.Current.CancellationToken)).Value;

        Assert.Equal((Math.Min(rows, Paging.CountLimit), isWhole), (byPage.Rows, byPage.IsWhole));
        Assert.Equal((Math.Min(rows, Paging.CountLimit), isWhole), (byKey.Rows, byKey.IsWhole));
        var lines = await LinesAsync(byPage);
        Assert.Equal(all.Take(Paging.CountLimit).Select(n => n.ToString(CultureInfo.InvariantCulture)).Prepend("n"), lines);
        Assert.Equal(lines, await LinesAsync(byKey));

        static async Task<IReadOnlyList<string>> LinesAsync(ExportFile file)
        {
            using var reader = new StreamReader(file.Csv);
            return (await reader.ReadToEndAsync()).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        }
    }

    [Fact]
    public async Task What_the_service_refuses_is_not_exported() =>
        Assert.IsType<NotPermitted>((await GridExport.WriteAsync<int>([], (_, _) => Task.FromResult<Outcome<Page<int>>>(new NotPermitted(Capability.ViewQueue)))).Refusal);

    [Fact]
    public void Hidden_columns_are_kept_by_list_and_come_back()
    {
        var hidden = HiddenColumns.Parse("mailboxes:used.signin~broken~queue:");
        Assert.True(hidden.IsHidden("mailboxes", "used"));
        Assert.False(hidden.IsHidden("queue", "used"));

        hidden.Toggle("mailboxes", "used");
        hidden.Toggle("queue", "age");

        Assert.Equal("mailboxes:signin~queue:age", hidden.ToString());
        Assert.True(HiddenColumns.Parse(hidden.ToString()).IsHidden("queue", "age"));
    }

    [Fact]
    public void Every_column_of_a_list_with_tools_can_be_exported_and_all_but_the_first_left_out()
    {
        foreach (var (path, text) in Sources.Code.Where(p => p.Path.EndsWith(".razor", StringComparison.Ordinal) && p.Text.Contains("PortalGrid T=", StringComparison.Ordinal) && p.Text.Contains(" List=\"", StringComparison.Ordinal)))
        {
            var columns = Columns().Matches(text).Select(m => m.Value).ToList();
            Assert.All(columns, column => Assert.True(column.Contains(" Value=\"", StringComparison.Ordinal), $"{path}: {column}"));
            Assert.All(columns.Skip(1), column => Assert.True(column.Contains(" Name=\"", StringComparison.Ordinal), $"{path}: {column}"));
        }
    }

    private static KeyPage<int> PageFrom(List<int> all, string? from)
    {
        var start = from is null ? 0 : int.Parse(from, CultureInfo.InvariantCulture);
        var rows = all.Skip(start).Take(Paging.MaxTake).ToList();
        return new KeyPage<int>(rows, start + rows.Count < all.Count ? (start + rows.Count).ToString(CultureInfo.InvariantCulture) : null);
    }

    [GeneratedRegex("""<Column Title.*""")]
    private static partial Regex Columns();
}
