using System.Globalization;
using System.Text;
using CsvHelper;
using CsvHelper.Configuration;
using Portal.Core;

namespace Portal.Web.Components.Shared;

/// <summary>An export, ready to be handed over.</summary>
/// <param name="IsWhole">False when more rows match than lists count (<see cref="Paging.CountLimit"/>).</param>
public sealed record ExportFile(Stream Csv, int Rows, bool IsWhole);

/// <summary>Writes the rows of a list as CSV (RFC 4180), page by page: no more than a page of them is held.</summary>
internal static class GridExport
{
    // With its byte order mark, without which spreadsheets take Chinese for their local code page.
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: true);

    // Whoever wrote a subject or an address does not write formulas into somebody's spreadsheet.
    private static readonly CsvConfiguration Configuration = new(CultureInfo.InvariantCulture) { InjectionOptions = InjectionOptions.Escape, NewLine = "\r\n" };

    // The process carries mail besides.
    private static readonly SemaphoreSlim Places = new(2);

    /// <summary>All rows of a list of numbered pages, under one line of titles; times are UTC in ISO 8601, sizes octets.</summary>
    public static Task<Outcome<ExportFile>> WriteAsync<T>(IReadOnlyList<(string Title, Func<T, object?> Value)> columns, Func<int, int, Task<Outcome<Page<T>>>> load) =>
        WriteAsync(columns, async write =>
        {
            var rows = 0;
            while (rows < Paging.CountLimit)
            {
                var page = await load(rows, Paging.MaxTake);
                if (page.Refusal is { } refusal) return refusal;
                write(page.Value.Rows);
                rows += page.Value.Rows.Count;
                if (page.Value.Rows.Count < Paging.MaxTake) return (rows, true);
            }

            return (rows, (await load(rows, 1)) is { IsDone: true, Value.Rows.Count: 0 });
        });

    /// <summary>All rows of a list that goes by key.</summary>
    public static Task<Outcome<ExportFile>> WriteAsync<T>(
        IReadOnlyList<(string Title, Func<T, object?> Value)> columns, Func<string?, CancellationToken, Task<Outcome<KeyPage<T>>>> more, CancellationToken cancel) =>
        WriteAsync(columns, async write =>
        {
            var rows = 0;
            string? from = null;
            do
            {
                var page = await more(from, cancel);
                if (page.Refusal is { } refusal) return refusal;
                write(page.Value.Rows);
                rows += page.Value.Rows.Count;
                from = page.Value.Next;
            }
            while (from is not null && rows < Paging.CountLimit);
            return (rows, from is null);
        });

    private static async Task<Outcome<ExportFile>> WriteAsync<T>(IReadOnlyList<(string Title, Func<T, object?> Value)> columns, Func<Action<IReadOnlyList<T>>, Task<Outcome<(int Rows, bool IsWhole)>>> feed)
    {
        await Places.WaitAsync();
        try
        {
            var file = new MemoryStream();
            Outcome<(int Rows, bool IsWhole)> fed;
            await using (var text = new StreamWriter(file, Utf8, leaveOpen: true))
            await using (var csv = new CsvWriter(text, Configuration))
            {
                foreach (var (title, _) in columns) csv.WriteField(title);
                fed = await feed(rows => Write(csv, columns, rows));
                await csv.NextRecordAsync();
            }

            if (fed.Refusal is { } refusal) return refusal;
            file.Position = 0;
            return new ExportFile(file, fed.Value.Rows, fed.Value.IsWhole);
        }
        finally
        {
            Places.Release();
        }
    }

    private static void Write<T>(CsvWriter csv, IReadOnlyList<(string Title, Func<T, object?> Value)> columns, IReadOnlyList<T> rows)
    {
        foreach (var row in rows)
        {
            csv.NextRecord();
            foreach (var (_, value) in columns) csv.WriteField(TextOf(value(row)));
        }
    }

    private static string? TextOf(object? value) => value is DateTimeOffset at
        ? at.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture)
        : Convert.ToString(value, CultureInfo.InvariantCulture);
}
