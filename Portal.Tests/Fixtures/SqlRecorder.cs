using System.Collections.Concurrent;
using System.Data.Common;
using System.Diagnostics;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Portal.Core.Data;
using SQLitePCL;

namespace Portal.Tests.Fixtures;

/// <summary>Hears every statement that is sent to one database, and asks it how it would answer them.</summary>
public sealed class SqlRecorder : IObserver<DiagnosticListener>, IObserver<KeyValuePair<string, object?>>, IDisposable
{
    private readonly IDbContextFactory<PortalDbContext> databases;
    private readonly bool isSqlite;
    private readonly string connectionString;
    private readonly ConcurrentQueue<SqlStatement> commands = new();
    private readonly ConcurrentBag<IDisposable> subscriptions = [];

    public SqlRecorder(TestDatabase database) : this(database.Databases)
    {
    }

    public SqlRecorder(IDbContextFactory<PortalDbContext> databases)
    {
        this.databases = databases;
        using var db = databases.CreateDbContext();
        isSqlite = db.Database.IsSqlite();
        connectionString = db.Database.GetConnectionString()!;
        subscriptions.Add(DiagnosticListener.AllListeners.Subscribe(this));
    }

    public IReadOnlyCollection<SqlStatement> Commands => commands;

    /// <summary>The plan of each statement heard so far, one line a step.</summary>
    public async Task<IReadOnlyList<string>> PlansAsync()
    {
        await using var db = await databases.CreateDbContextAsync();
        await db.Database.OpenConnectionAsync();
        List<string> plans = [];
        // Of several statements in one only the first would be explained, and the others run.
        foreach (var statement in commands.ToArray().Where(c => !c.Text.TrimEnd().TrimEnd(';').Contains(';', StringComparison.Ordinal)))
        {
            await using var explain = Command(db, isSqlite ? "EXPLAIN QUERY PLAN " : "EXPLAIN ", statement);
            await using var reader = await explain.ExecuteReaderAsync();
            var lines = new List<string> { statement.Text };
            while (await reader.ReadAsync()) lines.Add(reader.GetString(isSqlite ? 3 : 0));
            plans.Add(string.Join('\n', lines));
        }

        return plans;
    }

    /// <summary>
    /// Runs each query heard so far once more, statements that write left out, and tells what it cost: steps of SQLite's virtual
    /// machine (some five to ten a row looked at), pages touched on PostgreSQL. Unlike a time it is the same on every machine.
    /// </summary>
    public async Task<IReadOnlyList<(string Text, long Work)>> WorkAsync()
    {
        await using var db = await databases.CreateDbContextAsync();
        await db.Database.OpenConnectionAsync();
        List<(string, long)> works = [];
        foreach (var statement in commands.ToArray().Where(c => c.Text.StartsWith("SELECT", StringComparison.Ordinal) || c.Text.StartsWith("WITH RECURSIVE", StringComparison.Ordinal)))
        {
            await using var command = Command(db, isSqlite ? "" : "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ", statement);
            works.Add((statement.Text, isSqlite ? Steps((SqliteCommand)command) : await PagesAsync(command)));
        }

        return works;
    }

    public void OnNext(DiagnosticListener value)
    {
        if (value.Name == DbLoggerCategory.Name) subscriptions.Add(value.Subscribe(this));
    }

    public void OnNext(KeyValuePair<string, object?> value)
    {
        if (value.Key != RelationalEventId.CommandExecuting.Name || value.Value is not CommandEventData { Command: { } command, Context: { } context }) return;
        if (context.Database.GetConnectionString() != connectionString) return;
        commands.Enqueue(new(command.CommandText, [.. command.Parameters.Cast<DbParameter>().Select(p => (p.ParameterName, p.Value))]));
    }

    private static DbCommand Command(PortalDbContext db, string before, SqlStatement statement)
    {
        var command = db.Database.GetDbConnection().CreateCommand();
        command.CommandText = before + statement.Text;
        foreach (var (name, value) in statement.Parameters)
        {
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = (name, value);
            command.Parameters.Add(parameter);
        }

        return command;
    }

    /// <summary>Runs a statement and tells the steps of the virtual machine it took.</summary>
    public static long Steps(SqliteCommand command)
    {
        command.Connection!.Handle!.enable_sqlite3_next_stmt(true);   // the only way to the statement the command holds
        using var reader = command.ExecuteReader();
        while (reader.Read()) { }
        var steps = 0L;
        for (var prepared = raw.sqlite3_next_stmt(command.Connection.Handle, null); prepared is not null; prepared = raw.sqlite3_next_stmt(command.Connection.Handle, prepared))
            if (raw.sqlite3_sql(prepared).utf8_to_string() is { } text && command.CommandText.Contains(text, StringComparison.Ordinal)) steps = Math.Max(steps, raw.sqlite3_stmt_status(prepared, raw.SQLITE_STMTSTATUS_VM_STEP, 0));
        return steps;
    }

    private static async Task<long> PagesAsync(DbCommand explain)
    {
        await using var reader = await explain.ExecuteReaderAsync();
        await reader.ReadAsync();
        using var plan = JsonDocument.Parse(reader.GetString(0));
        var top = plan.RootElement[0].GetProperty("Plan");
        return top.GetProperty("Shared Hit Blocks").GetInt64() + top.GetProperty("Shared Read Blocks").GetInt64() + top.GetProperty("Temp Read Blocks").GetInt64();
    }

    public void OnCompleted()
    {
    }

    public void OnError(Exception error) => throw error;

    public void Dispose()
    {
        foreach (var subscription in subscriptions) subscription.Dispose();
    }
}

/// <summary>One statement as it went to the database.</summary>
public sealed record SqlStatement(string Text, IReadOnlyList<(string Name, object? Value)> Parameters);
