using System.Collections.Concurrent;
using System.Data.Common;
using System.Diagnostics;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace Portal.Tests.Fixtures;

/// <summary>Hears every statement that is sent to one test database, and asks it how it would answer them.</summary>
public sealed class SqlRecorder : IObserver<DiagnosticListener>, IObserver<KeyValuePair<string, object?>>, IDisposable
{
    private readonly TestDatabase database;
    private readonly string connectionString;
    private readonly ConcurrentQueue<SqlStatement> commands = new();
    private readonly ConcurrentBag<IDisposable> subscriptions = [];

    public SqlRecorder(TestDatabase database)
    {
        this.database = database;
        using var db = database.Databases.CreateDbContext();
        connectionString = db.Database.GetConnectionString()!;
        subscriptions.Add(DiagnosticListener.AllListeners.Subscribe(this));
    }

    public IReadOnlyCollection<SqlStatement> Commands => commands;

    /// <summary>The plan of each statement heard so far, one line a step.</summary>
    public async Task<IReadOnlyList<string>> PlansAsync()
    {
        await using var db = await database.Databases.CreateDbContextAsync();
        await db.Database.OpenConnectionAsync();
        List<string> plans = [];
        foreach (var (text, parameters) in commands.ToArray())
        {
            await using var explain = db.Database.GetDbConnection().CreateCommand();
            explain.CommandText = (database.Kind == DatabaseKind.Sqlite ? "EXPLAIN QUERY PLAN " : "EXPLAIN ") + text;
            foreach (var (name, value) in parameters)
            {
                var parameter = explain.CreateParameter();
                (parameter.ParameterName, parameter.Value) = (name, value);
                explain.Parameters.Add(parameter);
            }

            await using var reader = await explain.ExecuteReaderAsync();
            var lines = new List<string> { text };
            while (await reader.ReadAsync()) lines.Add(reader.GetString(database.Kind == DatabaseKind.Sqlite ? 3 : 0));
            plans.Add(string.Join('\n', lines));
        }

        return plans;
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
