using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;
using Npgsql;
using NpgsqlTypes;
using Portal.Core.Data;
using Portal.Core.Quarantine;
using Portal.Core.Queue;
using Portal.Core.Trace;

namespace Portal.Core.Messages;

/// <summary>
/// PostgreSQL: what counts is round trips. BEGIN and the counters go as one pipelined batch, the rows of all tables and COMMIT as another,
/// message ids come by the block: two round trips a commit. (A COPY a table took two each, sixteen in all: bench/RESULTS.md.)
/// </summary>
internal sealed class PostgresMailLane : MailLane
{
    private const int IdBlock = 256;
    private const string AddUseSql = """UPDATE "MailboxUse" SET "Bytes" = "Bytes" + $1, "Items" = "Items" + $2 WHERE "MailboxId" = $3""";
    private static readonly string TakeUidsSql = string.Format(CultureInfo.InvariantCulture, FolderCounters.AddSql, "$1", "$2", "$3");
    private readonly NpgsqlConnection connection;
    private readonly Queue<long> ids = new();
    private readonly Insert messages, contents, items, entries, quarantined, traces, events, recipients;
    private NpgsqlTransaction? transaction;
    private NpgsqlBatch? inserts;
    private ulong? transactionId;

    private PostgresMailLane(NpgsqlConnection connection, IModel model)
    {
        this.connection = connection;
        messages = new(RowMap.Of<Message>(model));
        contents = new(RowMap.Of<Content>(model));
        items = new(RowMap.Of<MailItem>(model, withKey: false));
        entries = new(RowMap.Of<QueueEntry>(model, withKey: false));
        quarantined = new(RowMap.Of<QuarantineItem>(model, withKey: false));
        traces = new(RowMap.Of<MessageTrace>(model));
        events = new(RowMap.Of<TraceEvent>(model));
        recipients = new(RowMap.Of<TraceRecipient>(model));
    }

    public static async Task<PostgresMailLane> OpenAsync(string connectionString, IModel model)
    {
        // The durability contract asks for synchronous_commit=on whatever the server's default is (DESIGN §3).
        // The same dozen statements all day: the server parses each of them once.
        var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(connectionString) { MaxAutoPrepare = 32, AutoPrepareMinUsages = 2 }.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("SET synchronous_commit = on", connection);
        await command.ExecuteNonQueryAsync();
        return new(connection, model);
    }

    public override ulong? TransactionId => transactionId;

    public override async Task BeginAsync()
    {
        transactionId = null;
        transaction = await connection.BeginTransactionAsync();   // sends nothing yet: BEGIN goes with the first statement
    }

    public override async Task CommitAsync()
    {
        await using (var batch = inserts ?? new NpgsqlBatch(connection, transaction))
        {
            // After a row that failed the server passes over the rest of a batch: what did not all go in is not committed.
            batch.BatchCommands.Add(new NpgsqlBatchCommand("COMMIT"));
            await batch.ExecuteNonQueryAsync();
        }

        inserts = null;
        await transaction!.DisposeAsync();
        transaction = null;
    }

    public override PortalDbContext Context()
    {
        var context = new PostgresPortalDbContext(new DbContextOptionsBuilder<PostgresPortalDbContext>().UseNpgsql(connection).Options);
        context.Database.UseTransaction(transaction);
        return context;
    }

    public override async Task<IReadOnlyList<long>> TakeMessageIdsAsync(int count)
    {
        if (ids.Count < count)
        {
            await using var command = new NpgsqlCommand("""SELECT nextval(pg_get_serial_sequence('"Message"', 'Id')) FROM generate_series(1, $1)""", connection, transaction) { Parameters = { new() { Value = Math.Max(count, IdBlock) } } };
            await using var reader = await command.ExecuteReaderAsync();
            ids.Clear();   // so that what is given is ascending also across blocks
            while (await reader.ReadAsync()) ids.Enqueue(reader.GetInt64(0));
        }

        return [.. Enumerable.Range(0, count).Select(_ => ids.Dequeue())];
    }

    public override async Task<IReadOnlyList<bool>> AddUseAsync(IReadOnlyList<(Guid MailboxId, long Bytes, long Items)> uses) => (await CountAsync(uses, [])).Mailboxes;

    public override async Task<IReadOnlyList<(long Uid, long ModSeq)?>> TakeUidsAsync(IReadOnlyList<(long FolderId, int Count, int Unseen)> folders) => (await CountAsync([], folders)).Folders;

    public override async Task<Counted> CountAsync(IReadOnlyList<(Guid MailboxId, long Bytes, long Items)> uses, IReadOnlyList<(long FolderId, int Count, int Unseen)> folders)
    {
        await using var batch = new NpgsqlBatch(connection, transaction);
        if (transactionId is null) batch.BatchCommands.Add(new NpgsqlBatchCommand("SELECT pg_current_xact_id()"));
        var counts = uses.Select(u => Command(AddUseSql, u.Bytes, u.Items, u.MailboxId)).ToList();
        foreach (var command in counts.Concat(folders.Select(f => Command(TakeUidsSql, f.Count, f.Unseen, f.FolderId)))) batch.BatchCommands.Add(command);
        var places = new List<(long, long)?>(folders.Count);
        if (batch.BatchCommands.Count == 0) return new([], places);

        await using (var reader = await batch.ExecuteReaderAsync())
        {
            // Results are those of statements that return rows; the use rows' are none.
            if (transactionId is null) transactionId = await ReadIdAsync(reader);
            for (; places.Count < folders.Count; await reader.NextResultAsync()) places.Add(await reader.ReadAsync() ? (reader.GetInt64(0), reader.GetInt64(1)) : null);
        }

        return new(counts.ConvertAll(c => c.RecordsAffected == 1), places);
    }

    public override Task InsertAsync(MailRows rows)
    {
        inserts = new NpgsqlBatch(connection, transaction);
        messages.AddTo(inserts, rows.Messages);
        contents.AddTo(inserts, rows.Contents);
        items.AddTo(inserts, rows.Items);
        entries.AddTo(inserts, rows.Entries);
        quarantined.AddTo(inserts, rows.Quarantined);
        traces.AddTo(inserts, rows.Traces);
        events.AddTo(inserts, rows.Events);
        recipients.AddTo(inserts, rows.Recipients);
        return Task.CompletedTask;
    }

    public override async ValueTask DisposeAsync()
    {
        if (inserts is not null) await inserts.DisposeAsync();
        if (transaction is not null) await transaction.DisposeAsync();
        await connection.DisposeAsync();
    }

    private static async Task<ulong> ReadIdAsync(NpgsqlDataReader reader)
    {
        await reader.ReadAsync();
        var id = reader.GetFieldValue<ulong>(0);
        await reader.NextResultAsync();
        return id;
    }

    private static NpgsqlBatchCommand Command(string sql, params ReadOnlySpan<object> values)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var value in values) command.Parameters.Add(new NpgsqlParameter { Value = value });
        return command;
    }

    /// <summary>The rows of one table as one statement: a parameter a column, an array of a value a row.</summary>
    private sealed class Insert
    {
        private readonly RowMap map;
        private readonly string sql;
        private readonly Type[] elements;
        private readonly NpgsqlDbType[] types;

        public Insert(RowMap map)
        {
            this.map = map;
            var places = string.Join(", ", Enumerable.Range(1, map.Columns.Count).Select(i => string.Create(CultureInfo.InvariantCulture, $"${i}")));
            sql = $"INSERT INTO \"{map.Table}\" ({string.Join(", ", map.Columns.Select(c => $"\"{c.Name}\""))}) SELECT * FROM unnest({places})";
            elements = [.. map.Columns.Select(c => Nullable(c.Mapping.Converter?.ProviderClrType ?? c.Mapping.ClrType))];
            using var command = new NpgsqlCommand();
            types = [.. map.Columns.Select(c => NpgsqlDbType.Array | ((NpgsqlParameter)c.Mapping.CreateParameter(command, "p", null, true)).NpgsqlDbType)];
        }

        public void AddTo<T>(NpgsqlBatch batch, List<T> rows)
            where T : class
        {
            if (rows.Count == 0) return;
            var command = new NpgsqlBatchCommand(sql);
            for (var i = 0; i < types.Length; i++)
            {
                var values = Array.CreateInstance(elements[i], rows.Count);
                for (var row = 0; row < rows.Count; row++) values.SetValue(map.Columns[i].ValueOf(rows[row]), row);
                command.Parameters.Add(new NpgsqlParameter { Value = values, NpgsqlDbType = types[i] });
            }

            batch.BatchCommands.Add(command);
        }

        private static Type Nullable(Type type) => type.IsValueType && System.Nullable.GetUnderlyingType(type) is null ? typeof(Nullable<>).MakeGenericType(type) : type;
    }
}
