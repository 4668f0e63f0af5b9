using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;
using Npgsql;
using NpgsqlTypes;
using Portal.Core.Data;
using Portal.Core.Queue;
using Portal.Core.Trace;

namespace Portal.Core.Messages;

/// <summary>PostgreSQL: what counts is round trips, so counters go as one pipelined batch and rows by binary COPY.</summary>
internal sealed class PostgresMailLane : MailLane
{
    private readonly NpgsqlConnection connection;
    private readonly Copy messages, contents, items, entries, traces, events, recipients;
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
        var connection = new NpgsqlConnection(connectionString);
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
        await using var command = new NpgsqlCommand("""SELECT nextval(pg_get_serial_sequence('"Message"', 'Id')) FROM generate_series(1, $1)""", connection, transaction) { Parameters = { new() { Value = count } } };
        await using var reader = await command.ExecuteReaderAsync();
        var ids = new List<long>(count);
        while (await reader.ReadAsync()) ids.Add(reader.GetInt64(0));
        return ids;
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
        await messages.RunAsync(connection, rows.Messages);
        await contents.RunAsync(connection, rows.Contents);
        await items.RunAsync(connection, rows.Items);
        await entries.RunAsync(connection, rows.Entries);
        await traces.RunAsync(connection, rows.Traces);
        await events.RunAsync(connection, rows.Events);
        await recipients.RunAsync(connection, rows.Recipients);
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

    /// <summary>A binary COPY into one table.</summary>
    private sealed class Copy
    {
        private readonly RowMap map;
        private readonly string sql;
        private readonly NpgsqlDbType[] types;

        public Copy(RowMap map)
        {
            this.map = map;
            sql = $"COPY \"{map.Table}\" ({string.Join(", ", map.Columns.Select(c => $"\"{c.Name}\""))}) FROM STDIN (FORMAT BINARY)";
            using var command = new NpgsqlCommand();
            types = [.. map.Columns.Select(c => ((NpgsqlParameter)c.Mapping.CreateParameter(command, "p", null, true)).NpgsqlDbType)];
        }

        public async Task RunAsync<T>(NpgsqlConnection connection, List<T> rows)
            where T : class
        {
            if (rows.Count == 0) return;
            await using var import = await connection.BeginBinaryImportAsync(sql);
            foreach (var row in rows)
            {
                await import.StartRowAsync();
                for (var i = 0; i < types.Length; i++)
                {
                    if (map.Columns[i].ValueOf(row) is { } value) await import.WriteAsync(value, types[i]);
                    else await import.WriteNullAsync();
                }
            }

            await import.CompleteAsync();
        }
    }
}
