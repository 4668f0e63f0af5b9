using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Portal.Core.Messages;

/// <summary>
/// A prepared INSERT of one table, bound by position through SQLite's own interface: ADO.NET looks every parameter up by its name
/// for every row, a twentieth of what a message costs.
/// </summary>
internal sealed class SqliteInsert : IDisposable
{
    private readonly RowMap map;
    private readonly sqlite3 database;
    private readonly sqlite3_stmt statement;

    /// <param name="connection">Open, and open longer than this.</param>
    /// <param name="map">Table and columns.</param>
    public SqliteInsert(SqliteConnection connection, RowMap map)
    {
        this.map = map;
        database = connection.Handle ?? throw new InvalidOperationException("The connection is not open.");
        var sql = $"INSERT INTO \"{map.Table}\" ({string.Join(", ", map.Columns.Select(c => $"\"{c.Name}\""))}) VALUES ({string.Join(", ", map.Columns.Select(_ => "?"))})";
        Demand(raw.sqlite3_prepare_v2(database, sql, out statement));
    }

    /// <summary>Inserts rows in the transaction that is open on the connection.</summary>
    /// <exception cref="SqliteException">A constraint, a full disk, a broken file.</exception>
    public void Run<T>(List<T> rows)
        where T : class
    {
        foreach (var row in rows)
        {
            try
            {
                for (var i = 0; i < map.Columns.Count; i++) Demand(Bind(i + 1, map.Columns[i].ValueOf(row)));
                Demand(raw.sqlite3_step(statement));
            }
            finally
            {
                raw.sqlite3_reset(statement);   // repeats the error of the step, which has been thrown
            }
        }

        raw.sqlite3_clear_bindings(statement);   // lets go of the last row's bytes
    }

    public void Dispose() => statement.Dispose();

    private int Bind(int place, object? value) => value switch
    {
        null => raw.sqlite3_bind_null(statement, place),
        string text => raw.sqlite3_bind_text(statement, place, text),
        byte[] bytes => raw.sqlite3_bind_blob(statement, place, bytes),
        long number => raw.sqlite3_bind_int64(statement, place, number),
        int number => raw.sqlite3_bind_int(statement, place, number),
        short number => raw.sqlite3_bind_int(statement, place, number),
        byte number => raw.sqlite3_bind_int(statement, place, number),
        bool flag => raw.sqlite3_bind_int(statement, place, flag ? 1 : 0),
        _ => throw new InvalidOperationException($"{map.Table} has a column of {value.GetType().Name}, which is not bound yet."),
    };

    private void Demand(int code)
    {
        if (code is not (raw.SQLITE_OK or raw.SQLITE_DONE)) SqliteException.ThrowExceptionForRC(code, database);
    }
}
