using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;
using Npgsql;
using NpgsqlTypes;
using Portal.Core.Data;
using Portal.Core.Queue;
using Portal.Core.Trace;

namespace Portal.Core.Messages;

/// <summary>
/// PostgreSQL: what counts is round trips. Counters go as one pipelined batch, the rows of all tables as another, message ids come by
/// the block: five round trips a commit. (A COPY a table took two each, sixteen in all: bench/RESULTS.md.)
/// </summary>
internal sealed class PostgresMailLane : MailLane
{
    private const int IdBlock = 256;
    private readonly NpgsqlConnection connection;
    private readonly Queue<long> ids = new();
    private readonly Insert messages, contents, items, entries, traces, events, recipients;
    private NpgsqlTransaction? transaction;

    private PostgresMailLane(NpgsqlConnection connection, IModel model)
    {
        this.connection = connection;
        messages = new(RowMap.Of<Message>(model));
        contents = new(RowMap.Of<Content>(model));
        items = new(RowMap.Of<MailItem>(model, withKey: false));
        entries = new(RowMap.Of<QueueEntry>(model, withKey: false));
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

    public override async Task BeginAsync() => transaction = await connection.BeginTransactionAsync();

    public override async Task CommitAsync()
    {
        await transaction!.CommitAsync();
        await transaction.DisposeAsync();
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

    public override async Task<IReadOnlyList<bool>> AddUseAsync(IReadOnlyList<(Guid MailboxId, long Bytes, long Items)> uses)
    {
        await using var batch = new NpgsqlBatch(connection, transaction);
        foreach (var (mailbox, bytes, count) in uses)
            batch.BatchCommands.Add(Command("""UPDATE "MailboxUse" SET "Bytes" = "Bytes" + $1, "Items" = "Items" + $2 WHERE "MailboxId" = $3""", bytes, count, mailbox));
        await batch.ExecuteNonQueryAsync();
        return [.. batch.BatchCommands.Cast<NpgsqlBatchCommand>().Select(c => c.RecordsAffected == 1)];
    }

    public override async Task<IReadOnlyList<(long Uid, long ModSeq)?>> TakeUidsAsync(IReadOnlyList<(long FolderId, int Count, int Unseen)> folders)
    {
        var sql = string.Format(CultureInfo.InvariantCulture, FolderCounters.AddSql, "$1", "$2", "$3");
        await using var batch = new NpgsqlBatch(connection, transaction);
        foreach (var (folder, count, unseen) in folders) batch.BatchCommands.Add(Command(sql, count, unseen, folder));
        await using var reader = await batch.ExecuteReaderAsync();
        var places = new List<(long, long)?>(folders.Count);
        do places.Add(await reader.ReadAsync() ? (reader.GetInt64(0), reader.GetInt64(1)) : null);
        while (await reader.NextResultAsync());
        return places;
    }

    public override async Task InsertAsync(MailRows rows)
    {
        await using var batch = new NpgsqlBatch(connection, transaction);
        messages.AddTo(batch, rows.Messages);
        contents.AddTo(batch, rows.Contents);
        items.AddTo(batch, rows.Items);
        entries.AddTo(batch, rows.Entries);
        traces.AddTo(batch, rows.Traces);
        events.AddTo(batch, rows.Events);
        recipients.AddTo(batch, rows.Recipients);
        if (batch.BatchCommands.Count > 0) await batch.ExecuteNonQueryAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        if (transaction is not null) await transaction.DisposeAsync();
        await connection.DisposeAsync();
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
