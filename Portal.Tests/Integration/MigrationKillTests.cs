using Microsoft.Data.Sqlite;
using Npgsql;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Integration;

/// <summary>A program killed in the middle of the first migration leaves nothing that the next start cannot finish.</summary>
public class MigrationKillTests
{
    private const int Gate = 4711;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task On_PostgreSQL_the_half_made_tables_go_and_the_next_start_makes_all_of_them()
    {
        var postgres = await PostgresServer.SharedAsync();
        var name = await postgres.CreateDatabaseAsync();
        var settings = PortalHost.FreshSettings(TestFolder.Create(), "127.0.0.1:1");
        settings["Portal:Database:Provider"] = "Postgres";
        settings["Portal:Database:ConnectionString"] = postgres.ConnectionString(name);
        await using var ours = new NpgsqlConnection(postgres.ConnectionString(name) + ";Pooling=false");
        await ours.OpenAsync();
        // The tenth table waits for a lock that we hold: the program stands in the middle of its migration.
        await ExecuteAsync(ours, $"""
            SELECT pg_advisory_lock({Gate});
            CREATE FUNCTION stop_at_ten() RETURNS event_trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF (SELECT count(*) FROM pg_tables WHERE schemaname = 'public') = 10 THEN PERFORM pg_advisory_lock({Gate}); END IF;
            END $$;
            CREATE EVENT TRIGGER stop_at_ten ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION stop_at_ten();
            """);

        await using (var killed = PortalProcess.Launch(settings))
        {
            await UntilAsync(killed, async () => await CountAsync(ours, $"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = {Gate} AND NOT granted") == 1);
            await killed.KillAsync();
        }

        await ExecuteAsync(ours, $"DROP EVENT TRIGGER stop_at_ten; SELECT pg_advisory_unlock({Gate});");
        await DemandSystemAsync(settings);
        await ours.CloseAsync();
        await postgres.DropDatabaseAsync(name);
    }

    [Fact]
    public async Task On_SQLite_the_lock_it_leaves_stops_nobody_and_the_next_start_makes_what_is_missing()
    {
        for (var attempt = 1; ; attempt++)
        {
            var settings = PortalHost.FreshSettings(TestFolder.Create(), "127.0.0.1:1");
            var file = Path.Combine(settings["Portal:DataFolder"]!, "portal.db");
            await using (var killed = PortalProcess.Launch(settings))
            {
                await UntilAsync(killed, () => Task.FromResult(Locks(file) > 0));
                await killed.KillAsync();
            }

            var isInTheMiddle = Locks(file) > 0;
            await DemandSystemAsync(settings);
            if (isInTheMiddle) return;
            Assert.True(attempt < 10, "Ten kills all came after the migration.");   // it was over before the signal arrived
        }
    }

    /// <summary>The next start comes up, and what it made is whole enough for a set-up.</summary>
    private static async Task DemandSystemAsync(Dictionary<string, string?> settings)
    {
        await using var server = await PortalProcess.StartServerAsync(settings);
        var (status, _, error) = await PortalProcess.RunAsync(settings, PortalHost.Password + "\n", "setup", "--domain", "example.org", "--admin", "admin@example.org", "--password-stdin");
        Assert.True(status == 0, error);
        Assert.Equal(0, await server.StopAsync());
    }

    /// <summary>Rows of EF's own lock: there is one from the first statement of the migration to its last.</summary>
    private static long Locks(string file)
    {
        if (!File.Exists(file + "-wal")) return 0;
        using var connection = new SqliteConnection($"Data Source={file};Mode=ReadWrite;Pooling=False;Default Timeout=1");
        try
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = """SELECT count(*) FROM "__EFMigrationsLock" """;
            return (long)command.ExecuteScalar()!;
        }
        catch (SqliteException)
        {
            return 0;   // no such table yet
        }
    }

    private static async Task UntilAsync(PortalProcess server, Func<Task<bool>> isSo)
    {
        using var patience = new CancellationTokenSource(Patience);
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(2));
        while (!await isSo()) Assert.True(!patience.IsCancellationRequested && await pace.WaitForNextTickAsync(), server.Output);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private static async Task<long> CountAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return (long)(await command.ExecuteScalarAsync())!;
    }
}
