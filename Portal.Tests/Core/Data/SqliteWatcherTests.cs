using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Portal.Core.Data;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Data;

/// <summary>The WAL of SQLite stays small: begun anew under load, cut to nothing at rest, and a long reader only puts that off.</summary>
public class SqliteWatcherTests
{
    private const int WriteBytes = 64 * 1024;
    private const int Large = 1 << 20;
    private const int Writes = 200;   // 12 MB in all

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Under_steady_writing_the_wal_does_not_grow_with_the_number_of_writes()
    {
        await using var bed = await Bed.OpenAsync();
        var largest = 0L;
        for (var i = 0; i < Writes; i++)
        {
            // Each checkpoint comes in the midst of a write: what is only moved is never all, and nobody would begin the file anew.
            Task checkpoint;
            using (await bed.Database.Gate.EnterAsync(Cancel))
            {
                await using var write = bed.Writer.BeginTransaction();
                bed.Insert(write);
                checkpoint = bed.Watcher.CheckpointAsync(bed.Checkpoints, Cancel);
                await write.CommitAsync(Cancel);
            }

            await checkpoint;
            largest = Math.Max(largest, bed.WalBytes);
        }

        Assert.Equal(Writes, Bed.Count(bed.Writer));
        Assert.InRange(largest, Large, 2 * Large);
    }

    [Fact]
    public async Task At_rest_a_large_wal_is_cut_to_nothing()
    {
        await using var bed = await Bed.OpenAsync();
        for (var i = 0; i < 2 * Large / WriteBytes; i++) bed.Insert();
        Assert.InRange(bed.WalBytes, Large, long.MaxValue);

        await bed.Watcher.StartAsync(Cancel);
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while (bed.WalBytes > 0)
        {
            bed.Database.Clock.Advance(TimeSpan.FromMilliseconds(250));
            await pace.WaitForNextTickAsync(Cancel);
        }

        await bed.Watcher.StopAsync(Cancel);
        Assert.Equal(2 * Large / WriteBytes, Bed.Count(bed.Writer));
    }

    [Fact]
    public async Task A_long_reader_keeps_nobody_from_writing_and_when_it_ends_the_wal_shrinks_again()
    {
        await using var bed = await Bed.OpenAsync();
        bed.Insert();
        await using var reader = bed.Connect();
        await using var reading = reader.BeginTransaction(deferred: true);
        Assert.Equal(1, Bed.Count(reader));

        for (var i = 1; i < Writes; i++)
        {
            bed.Insert();
            await bed.Watcher.CheckpointAsync(bed.Checkpoints, Cancel);
        }

        Assert.Equal((1, Writes), (Bed.Count(reader), Bed.Count(bed.Writer)));
        Assert.InRange(bed.WalBytes, Writes * WriteBytes, long.MaxValue);   // the reader still needs it

        await reading.CommitAsync(Cancel);
        for (var i = 0; i < 3; i++) await bed.Watcher.CheckpointAsync(bed.Checkpoints, Cancel);   // moves the rest; sees that nothing came since; cuts

        Assert.Equal(0, bed.WalBytes);
        Assert.Equal(Writes, Bed.Count(bed.Writer));
    }

    /// <summary>A database with a table of large rows, and a watcher for which a small WAL is large.</summary>
    private sealed class Bed(TestDatabase database, SqliteWatcher watcher) : IAsyncDisposable
    {
        public TestDatabase Database => database;

        public SqliteWatcher Watcher => watcher;

        public SqliteConnection Checkpoints { get; } = watcher.Open();

        public SqliteConnection Writer { get; private set; } = null!;

        public long WalBytes => new FileInfo(File + "-wal") is { Exists: true } wal ? wal.Length : 0;

        private string File => Path.Combine(database.DataFolder, "portal.db");

        public static async Task<Bed> OpenAsync()
        {
            var database = await TestDatabase.CreateAsync(DatabaseKind.Sqlite);
            var watcher = new SqliteWatcher(database.Get<IOptions<StorageOptions>>(), database.Gate, database.Feed, database.Clock, NullLogger<SqliteWatcher>.Instance) { LargeWalBytes = Large };
            var bed = new Bed(database, watcher);
            bed.Writer = bed.Connect();
            await using var make = bed.Writer.CreateCommand();
            make.CommandText = "CREATE TABLE \"Large\" (\"Bytes\" BLOB)";
            await make.ExecuteNonQueryAsync(Cancel);
            return bed;
        }

        public SqliteConnection Connect()
        {
            var connection = new SqliteConnection(SqliteSetup.ConnectionString(File));
            connection.Open();
            SqliteSetup.Apply(connection);
            return connection;
        }

        public void Insert(SqliteTransaction? transaction = null)
        {
            using var insert = Writer.CreateCommand();
            (insert.CommandText, insert.Transaction) = ($"INSERT INTO \"Large\" VALUES (randomblob({WriteBytes}))", transaction);
            insert.ExecuteNonQuery();
        }

        public static int Count(SqliteConnection connection)
        {
            using var count = connection.CreateCommand();
            count.CommandText = "SELECT COUNT(*) FROM \"Large\"";
            return Convert.ToInt32(count.ExecuteScalar(), System.Globalization.CultureInfo.InvariantCulture);
        }

        public async ValueTask DisposeAsync()
        {
            watcher.Dispose();
            await Checkpoints.DisposeAsync();
            await Writer.DisposeAsync();
            await database.DisposeAsync();
        }
    }
}
