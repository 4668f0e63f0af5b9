using System.Diagnostics;
using Npgsql;

namespace Portal.Tests.Fixtures;

/// <summary>
/// A throwaway PostgreSQL on a free loopback port. A missing one fails the tests, it never skips them. It ends with the test
/// process however that ends: the shell that started it waits for its standard input to close.
/// </summary>
public sealed class PostgresServer : IAsyncDisposable
{
    private static readonly Lazy<Task<PostgresServer>> OneForTheRun = new(() => StartAsync(isDurable: false));
    private readonly string folder;
    private readonly string binaries;
    private readonly Process watcher;
    private readonly string options;

    private PostgresServer(string folder, string binaries, int port, string options, Process watcher) =>
        (this.folder, this.binaries, Port, this.options, this.watcher) = (folder, binaries, port, options, watcher);

    public int Port { get; }

    /// <summary>The server every functional test shares; started by the first that asks.</summary>
    public static Task<PostgresServer> SharedAsync() => OneForTheRun.Value;

    /// <summary>Stops the shared server, if a test has started it.</summary>
    public static async Task StopSharedAsync()
    {
        if (OneForTheRun.IsValueCreated) await (await OneForTheRun.Value).DisposeAsync();
    }

    /// <summary>Starts a server of one's own.</summary>
    /// <param name="isDurable">True syncs to disk (crash tests, benchmarks); false is faster.</param>
    public static async Task<PostgresServer> StartAsync(bool isDurable)
    {
        var binaries = FindBinaries();
        var port = FreePort.Take();
        // Short and under /tmp: a socket's path holds 107 octets.
        var folder = $"/tmp/portal-pg-{Guid.NewGuid():N}"[..22];
        var options = $"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c max_connections=300 -c log_min_messages=warning -c fsync={(isDurable ? "on" : "off")}";
        var script = $"""
            set -e
            cd /
            trap '' INT TERM
            mkdir -m 700 {folder}
            {binaries}/initdb -D {folder}/db -U portal --auth=trust -E UTF8 --locale=C.UTF-8 --no-sync >{folder}/initdb.log 2>&1 || (cat {folder}/initdb.log >&2; exit 1)
            {binaries}/pg_ctl -D {folder}/db -w -l {folder}/log -o "{options}" start >/dev/null || (cat {folder}/log >&2; exit 1)
            echo ready
            cat >/dev/null
            {binaries}/pg_ctl -D {folder}/db -m immediate stop >/dev/null 2>&1 || true
            rm -rf {folder}
            """;
        var watcher = Process.Start(AsPostgres("sh", "-c", script)) ?? throw new InvalidOperationException("sh did not start");
        if (await watcher.StandardOutput.ReadLineAsync() != "ready")
            throw new InvalidOperationException($"PostgreSQL did not start: {await watcher.StandardError.ReadToEndAsync()}");
        return new PostgresServer(folder, binaries, port, options, watcher);
    }

    public string ConnectionString(string database) =>
        $"Host=127.0.0.1;Port={Port};Username=portal;Database={database};Maximum Pool Size=30;Timeout=10;Include Error Detail=true";

    /// <summary>Makes a database and gives its name; a copy of <paramref name="template"/> where one is named.</summary>
    public async Task<string> CreateDatabaseAsync(string template = "template0")
    {
        var name = $"t{Guid.NewGuid():N}";
        await ExecuteAsync($"CREATE DATABASE {name} TEMPLATE {template}");
        return name;
    }

    public async Task DropDatabaseAsync(string name)
    {
        await using (var connection = new NpgsqlConnection(ConnectionString(name))) NpgsqlConnection.ClearPool(connection);
        await ExecuteAsync($"DROP DATABASE IF EXISTS {name} WITH (FORCE)");
    }

    /// <summary>The database goes away.</summary>
    public Task StopAsync() => ControlAsync("-m", "immediate", "stop");

    /// <summary>And comes back, on the same port.</summary>
    public Task ComeBackAsync() => ControlAsync("-w", "-l", $"{folder}/log", "-o", options, "start");

    public async ValueTask DisposeAsync()
    {
        if (watcher.HasExited) return;
        watcher.StandardInput.Close();
        await watcher.WaitForExitAsync();
        watcher.Dispose();
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(ConnectionString("postgres"));
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private async Task ControlAsync(params string[] arguments)
    {
        // Nothing is redirected from the server itself: it would hold the pipes open for ever.
        using var control = Process.Start(AsPostgres(["sh", "-c", "cd / && exec \"$@\" >/dev/null 2>&1", "sh", $"{binaries}/pg_ctl", "-D", $"{folder}/db", .. arguments])) ?? throw new InvalidOperationException("sh did not start");
        await control.WaitForExitAsync();
        if (control.ExitCode != 0) throw new InvalidOperationException($"pg_ctl {string.Join(' ', arguments)} ended with {control.ExitCode}; see {folder}/log");
    }

    /// <summary>PostgreSQL refuses to run as root: it then runs as the user its package made.</summary>
    private static ProcessStartInfo AsPostgres(params string[] command)
    {
        var start = new ProcessStartInfo { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        string[] words = Environment.IsPrivilegedProcess ? ["runuser", "-u", "postgres", "--", .. command] : [.. command];
        start.FileName = words[0];
        foreach (var word in words[1..]) start.ArgumentList.Add(word);
        return start;
    }

    private static string FindBinaries() =>
        Directory.Exists("/usr/lib/postgresql") && Directory.GetDirectories("/usr/lib/postgresql").Select(d => Path.Combine(d, "bin")).Where(d => File.Exists(Path.Combine(d, "initdb"))).Order(StringComparer.Ordinal).LastOrDefault() is { } found
            ? found
            : throw new InvalidOperationException("PostgreSQL is missing: install the package \"postgresql\" (./test.sh does it on Debian).");
}
