using System.Globalization;
using System.Text;
using CsvHelper;
using CsvHelper.Configuration;
using Portal.Core;

namespace Portal.Web.Components.Shared;

/// <summary>An export, ready to be handed over.</summary>
/// <param name="IsWhole">False when more rows match than lists count (<see cref="Paging.CountLimit"/>).</param>
public sealed record ExportFile(Stream Csv, int Rows, bool IsWhole);

/// <summary>The rows an export holds.</summary>
/// <param name="IsWhole">False when more rows match than lists count (<see cref="Paging.CountLimit"/>).</param>
internal sealed record Collected<T>(IReadOnlyList<T> Rows, bool IsWhole);

/// <summary>Collects the rows of a list and writes them as CSV (RFC 4180).</summary>
internal static class GridExport
{
    // With its byte order mark, without which spreadsheets take Chinese for their local code page.
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: true);

    // Whoever wrote a subject or an address does not write formulas into somebody's spreadsheet.
    private static readonly CsvConfiguration Configuration = new(CultureInfo.InvariantCulture) { InjectionOptions = InjectionOptions.Escape, NewLine = "\r\n" };

    /// <summary>All rows of a list of numbered pages.</summary>
    public static async Task<Outcome<Collected<T>>> CollectAsync<T>(Func<int, int, Task<Outcome<Page<T>>>> load)
    {
        var rows = new List<T>();
        while (rows.Count < Paging.CountLimit)
        {
            var page = await load(rows.Count, Paging.MaxTake);
            if (page.Refusal is { } refusal) return refusal;
            rows.AddRange(page.Value.Rows);
            if (page.Value.Rows.Count < Paging.MaxTake) return new Collected<T>(rows, IsWhole: true);
        }

        return new Collected<T>(rows, (await load(rows.Count, 1)) is { IsDone: true, Value.Rows.Count: 0 });
    }

    /// <summary>All rows of a list that goes by key.</summary>
    public static async Task<Outcome<Collected<T>>> CollectAsync<T>(Func<string?, CancellationToken, Task<Outcome<KeyPage<T>>>> more, CancellationToken cancel)
    {
        var rows = new List<T>();
        string? from = null;
        do
        {
            var page = await more(from, cancel);
            if (page.Refusal is { } refusal) return refusal;
            rows.AddRange(page.Value.Rows);
            from = page.Value.Next;
        }
        while (from is not null && rows.Count < Paging.CountLimit);
        return new Collected<T>(rows, from is null);
    }

    /// <summary>A table with one line of titles; times are UTC in ISO 8601, sizes octets.</summary>
    public static MemoryStream Write<T>(IReadOnlyList<(string Title, Func<T, object?> Value)> columns, IEnumerable<T> rows)
    {
        var file = new MemoryStream();
        using (var text = new StreamWriter(file, Utf8, leaveOpen: true))
        using (var csv = new CsvWriter(text, Configuration))
        {
            foreach (var (title, _) in columns) csv.WriteField(title);
            foreach (var row in rows)
            {
                csv.NextRecord();
                foreach (var (_, value) in columns) csv.WriteField(TextOf(value(row)));
            }

            csv.NextRecord();
        }

        file.Position = 0;
        return file;
    }

    private static string? TextOf(object? value) => value is DateTimeOffset at
        ? at.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture)
        : Convert.ToString(value, CultureInfo.InvariantCulture);
}
