using System.Globalization;
using System.Text;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Portal.Core.Logs;

/// <summary>The SQLite file behind <see cref="LogStore"/>: plain ADO.NET, for a table that belongs to no model and no migration.</summary>
internal sealed class LogFile : IDisposable
{
    private const string Columns = """SELECT "Id", "At", "Level", "Component", "Message", "Exception", "QueueId", "SessionId", "Properties" FROM "LogEntry" """;
    private const int TrimRows = 5_000;

    private readonly string connectionString;
    private readonly SqliteConnection writing;
    private readonly SqliteCommand insert;

    // https://www.sqlite.org/rescode.html: SQLITE_CORRUPT, SQLITE_NOTADB.
    private const int Corrupt = 11;
    private const int NotADatabase = 26;

    private LogFile(string path)
    {
        connectionString = new SqliteConnectionStringBuilder { DataSource = path, DefaultTimeout = 5 }.ConnectionString;
        writing = new SqliteConnection(connectionString);
        insert = writing.CreateCommand();
        try
        {
            Prepare(path);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Opens the file, or makes it; one that is broken is renamed and a new one begun.</summary>
    public static LogFile Open(string path, DateTimeOffset now)
    {
        try
        {
            return new LogFile(path);
        }
        catch (SqliteException e) when (e.SqliteErrorCode is Corrupt or NotADatabase)
        {
            foreach (var part in new[] { "", "-wal", "-shm" })
                if (File.Exists(path + part)) File.Move(path + part, string.Create(CultureInfo.InvariantCulture, $"{path}.broken-{now:yyyyMMddHHmmss}{part}"), overwrite: true);
            return new LogFile(path);
        }
    }

    /// <summary>Stores lines in one transaction; only the writer calls it.</summary>
    public async Task InsertAsync(IReadOnlyList<LogEntry> entries)
    {
        await using var transaction = (SqliteTransaction)await writing.BeginTransactionAsync();
        insert.Transaction = transaction;
        foreach (var entry in entries)
        {
            insert.Parameters["$at"].Value = entry.At.UtcTicks;
            insert.Parameters["$level"].Value = (int)entry.Level;
            insert.Parameters["$component"].Value = entry.Component;
            insert.Parameters["$message"].Value = entry.Message;
            insert.Parameters["$exception"].Value = (object?)entry.Exception ?? DBNull.Value;
            insert.Parameters["$queueId"].Value = entry.QueueId is { } id ? id.ToByteArray(bigEndian: true) : DBNull.Value;
            insert.Parameters["$sessionId"].Value = (object?)entry.SessionId ?? DBNull.Value;
            insert.Parameters["$properties"].Value = (object?)entry.Properties ?? DBNull.Value;
            await insert.ExecuteNonQueryAsync();
        }

        await transaction.CommitAsync();
    }

    /// <summary>One line by its number; null when it is not there, or no more.</summary>
    public async Task<LogEntry?> FindAsync(long id, CancellationToken cancel)
    {
        await using var connection = await OpenAsync(cancel);
        await using var command = connection.CreateCommand();
        command.CommandText = $"""{Columns} WHERE "Id" = $id""";
        command.Parameters.AddWithValue("$id", id);
        await using var reader = await command.ExecuteReaderAsync(cancel);
        return await reader.ReadAsync(cancel) ? Read(reader) : null;
    }

    public async Task<LogPage> SearchAsync(LogQuery query, long dropped, CancellationToken cancel)
    {
        var limit = Math.Clamp(query.Limit, 1, LogQuery.MaxLimit);
        await using var connection = await OpenAsync(cancel);
        await using var command = connection.CreateCommand();
        command.CommandText = Where(query, command) + " ORDER BY \"Id\" DESC LIMIT $limit";
        command.Parameters.AddWithValue("$limit", limit + 1);
        await using var reader = await command.ExecuteReaderAsync(cancel);
        List<LogEntry> entries = [];
        while (await reader.ReadAsync(cancel)) entries.Add(Read(reader));
        return entries.Count > limit ? new LogPage(entries[..limit], entries[limit - 1].Id, dropped) : new LogPage(entries, null, dropped);
    }

    /// <summary>How many lines came when, of the newest <see cref="LogHistogram.MaxLines"/>: they are walked by their number, so that it costs the same however long the log is.</summary>
    public async Task<LogHistogram> CountAsync(LogQuery query, DateTimeOffset from, TimeSpan step, int bars, CancellationToken cancel)
    {
        await using var connection = await OpenAsync(cancel);
        var (below, isPartial) = await FloorAsync(connection, from, cancel);
        await using var command = connection.CreateCommand();
        command.CommandText = $"""
            SELECT ("At" - $begin) / $step, sum("Level" >= 3), sum("Level" < 3) FROM ({Where(query with { From = from, Until = from + step * bars, Before = null, After = below }, command)} LIMIT {LogHistogram.MaxLines})
            GROUP BY 1
            """;
        command.Parameters.AddWithValue("$begin", from.UtcTicks);
        command.Parameters.AddWithValue("$step", step.Ticks);
        var counted = new LogBar[bars];
        for (var i = 0; i < bars; i++) counted[i] = new(from + step * i, 0, 0);
        await using var reader = await command.ExecuteReaderAsync(cancel);
        while (await reader.ReadAsync(cancel))
        {
            var at = reader.GetInt32(0);
            counted[at] = counted[at] with { Grave = reader.GetInt32(1), Other = reader.GetInt32(2) };
        }

        return new LogHistogram(counted, step, isPartial);
    }

    public async Task<List<string>> ComponentsAsync(CancellationToken cancel)
    {
        await using var connection = await OpenAsync(cancel);
        await using var command = connection.CreateCommand();
        // Steps from name to name on the index; a DISTINCT would read every line.
        command.CommandText = """
            WITH RECURSIVE names(name) AS (
                SELECT min("Component") FROM "LogEntry"
                UNION ALL SELECT (SELECT min("Component") FROM "LogEntry" WHERE "Component" > name) FROM names WHERE name IS NOT NULL)
            SELECT name FROM names WHERE name IS NOT NULL LIMIT 500
            """;
        await using var reader = await command.ExecuteReaderAsync(cancel);
        List<string> names = [];
        while (await reader.ReadAsync(cancel)) names.Add(reader.GetString(0));
        return names;
    }

    /// <summary>Removes lines older than <paramref name="before"/> and all but the newest <paramref name="maxEntries"/>, in turns.</summary>
    public async Task TrimAsync(DateTimeOffset before, long maxEntries, CancellationToken cancel)
    {
        await using var connection = await OpenAsync(cancel);
        await using var command = connection.CreateCommand();
        // The number of a line tells how many came after it; gaps only make us keep fewer, never more.
        command.CommandText = """
            DELETE FROM "LogEntry" WHERE "Id" IN (
                SELECT "Id" FROM "LogEntry" WHERE "Id" <= (SELECT max("Id") FROM "LogEntry") - $most OR "At" < $before ORDER BY "Id" LIMIT $rows)
            """;
        command.Parameters.AddWithValue("$most", maxEntries);
        command.Parameters.AddWithValue("$before", before.UtcTicks);
        command.Parameters.AddWithValue("$rows", TrimRows);
        while (await command.ExecuteNonQueryAsync(cancel) == TrimRows)
        {
        }

        await using var vacuum = connection.CreateCommand();
        vacuum.CommandText = "PRAGMA incremental_vacuum(2000)";
        await vacuum.ExecuteNonQueryAsync(cancel);
    }

    public void Dispose()
    {
        insert.Dispose();
        writing.Dispose();
        using var pooled = new SqliteConnection(connectionString);
        SqliteConnection.ClearPool(pooled);
    }

    private void Prepare(string path)
    {
        writing.Open();
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        using var command = writing.CreateCommand();
        // NORMAL: a power cut may cost the last lines, never the file; mail is in another one.
        command.CommandText = """
            PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=5000;
            CREATE TABLE IF NOT EXISTS "LogEntry" (
                "Id" INTEGER PRIMARY KEY AUTOINCREMENT, "At" INTEGER NOT NULL, "Level" INTEGER NOT NULL, "Component" TEXT NOT NULL,
                "Message" TEXT NOT NULL, "Exception" TEXT, "QueueId" BLOB, "SessionId" TEXT, "Properties" TEXT);
            CREATE INDEX IF NOT EXISTS "IX_LogEntry_At" ON "LogEntry" ("At");
            CREATE INDEX IF NOT EXISTS "IX_LogEntry_Component" ON "LogEntry" ("Component", "Id");
            CREATE INDEX IF NOT EXISTS "IX_LogEntry_Grave" ON "LogEntry" ("Id") WHERE "Level" >= 3;
            CREATE INDEX IF NOT EXISTS "IX_LogEntry_QueueId" ON "LogEntry" ("QueueId", "Id") WHERE "QueueId" IS NOT NULL;
            CREATE INDEX IF NOT EXISTS "IX_LogEntry_SessionId" ON "LogEntry" ("SessionId", "Id") WHERE "SessionId" IS NOT NULL;
            """;
        command.ExecuteNonQuery();

        // Kept and prepared: a busy system stores a line or more a message.
        insert.CommandText = """INSERT INTO "LogEntry" ("At", "Level", "Component", "Message", "Exception", "QueueId", "SessionId", "Properties") VALUES ($at, $level, $component, $message, $exception, $queueId, $sessionId, $properties)""";
        foreach (var name in new[] { "$at", "$level", "$component", "$message", "$exception", "$queueId", "$sessionId", "$properties" })
            insert.Parameters.Add(new SqliteParameter { ParameterName = name, Value = DBNull.Value });
    }

    private static string Where(LogQuery query, SqliteCommand command)
    {
        var sql = new StringBuilder(Columns).Append(" WHERE 1");
        void And(string condition, params (string Name, object Value)[] values)
        {
            sql.Append(" AND ").Append(condition);
            foreach (var (name, value) in values) command.Parameters.AddWithValue(name, value);
        }

        if (query.Level is { } level) And(string.Create(CultureInfo.InvariantCulture, $"\"Level\" >= {(int)level}"));   // a literal, so that the partial index can serve
        if (query.Component is { Length: > 0 } component) And("""("Component" = $component OR ("Component" >= $component || '.' AND "Component" < $component || '/'))""", ("$component", component));   // '/' follows '.'
        if (query.QueueId is { } queueId) And("\"QueueId\" = $queueId", ("$queueId", queueId.ToByteArray(bigEndian: true)));
        if (query.SessionId is { Length: > 0 } sessionId) And("\"SessionId\" = $sessionId", ("$sessionId", sessionId));
        if (query.Property is { Length: > 0 } property) And("json_extract(\"Properties\", $path) = $value", ("$path", $"$.\"{property.Replace("\"", "", StringComparison.Ordinal)}\""), ("$value", query.PropertyValue ?? ""));
        if (query.From is { } from) And("\"At\" >= $from", ("$from", from.UtcTicks));
        if (query.Until is { } until) And("\"At\" < $until", ("$until", until.UtcTicks));
        if (query.Before is { } before) And("\"Id\" < $beforeId", ("$beforeId", before));
        if (query.After is { } after) And("\"Id\" > $afterId", ("$afterId", after));
        if (query.Text?.Trim() is { Length: > 0 } text) And("""("Message" LIKE $text ESCAPE '\' OR "Exception" LIKE $text ESCAPE '\')""", ("$text", $"%{Escape(LogText.OneLine(text, 200))}%"));
        return sql.ToString();
    }

    /// <summary>The number of the last line that is not looked at, and whether it would have been meant.</summary>
    private static async Task<(long Below, bool IsPartial)> FloorAsync(SqliteConnection connection, DateTimeOffset from, CancellationToken cancel)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = $"""SELECT "Id", "At" FROM "LogEntry" WHERE "Id" <= (SELECT max("Id") FROM "LogEntry") - {LogHistogram.MaxLines} ORDER BY "Id" DESC LIMIT 1""";
        await using var reader = await command.ExecuteReaderAsync(cancel);
        return await reader.ReadAsync(cancel) ? (reader.GetInt64(0), reader.GetInt64(1) >= from.UtcTicks) : (0, false);
    }

    private static string Escape(string text) =>
        text.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("%", @"\%", StringComparison.Ordinal).Replace("_", @"\_", StringComparison.Ordinal);

    private static LogEntry Read(SqliteDataReader row) => new()
    {
        Id = row.GetInt64(0),
        At = new DateTimeOffset(row.GetInt64(1), TimeSpan.Zero),
        Level = (LogLevel)row.GetInt32(2),
        Component = row.GetString(3),
        Message = row.GetString(4),
        Exception = row.IsDBNull(5) ? null : row.GetString(5),
        QueueId = row.IsDBNull(6) ? null : new Guid((byte[])row.GetValue(6), bigEndian: true),
        SessionId = row.IsDBNull(7) ? null : row.GetString(7),
        Properties = row.IsDBNull(8) ? null : row.GetString(8),
    };

    private async Task<SqliteConnection> OpenAsync(CancellationToken cancel)
    {
        var connection = new SqliteConnection(connectionString);
        await connection.OpenAsync(cancel);
        return connection;
    }
}
