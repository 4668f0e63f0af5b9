using System.Globalization;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;
using Portal.Core.Data;
using Portal.Core.Quarantine;
using Portal.Core.Queue;
using Portal.Core.Trace;

namespace Portal.Core.Messages;

/// <summary>SQLite: in process, so a prepared statement a row is the fastest there is.</summary>
internal sealed class SqliteMailLane : MailLane
{
    private readonly SqliteConnection connection;
    private readonly SqliteCommand addUse;
    private readonly SqliteCommand takeUids;
    private readonly SqliteInsert messages, contents, items, entries, quarantined, traces, events, recipients;
    private SqliteTransaction? transaction;

    public SqliteMailLane(string databaseFile, IModel model)
    {
        connection = new SqliteConnection(SqliteSetup.ConnectionString(databaseFile) + ";Pooling=False");
        connection.Open();
        SqliteSetup.Apply(connection);
        addUse = Prepare("""UPDATE "MailboxUse" SET "Bytes" = "Bytes" + $bytes, "Items" = "Items" + $items WHERE "MailboxId" = $id""", "$bytes", "$items", "$id");
        takeUids = Prepare(string.Format(CultureInfo.InvariantCulture, FolderCounters.AddSql, "$count", "$unseen", "$id"), "$count", "$unseen", "$id");
        messages = new(connection, RowMap.Of<Message>(model));
        contents = new(connection, RowMap.Of<Content>(model));
        items = new(connection, RowMap.Of<MailItem>(model, withKey: false));
        entries = new(connection, RowMap.Of<QueueEntry>(model, withKey: false));
        quarantined = new(connection, RowMap.Of<QuarantineItem>(model, withKey: false));
        traces = new(connection, RowMap.Of<MessageTrace>(model));
        events = new(connection, RowMap.Of<TraceEvent>(model));
        recipients = new(connection, RowMap.Of<TraceRecipient>(model));
    }

    public override Task BeginAsync()
    {
        transaction = connection.BeginTransaction(deferred: false);
        return Task.CompletedTask;
    }

    public override Task CommitAsync()
    {
        transaction!.Commit();
        transaction.Dispose();
        transaction = null;
        return Task.CompletedTask;
    }

    public override PortalDbContext Context()
    {
        var context = new SqlitePortalDbContext(new DbContextOptionsBuilder<SqlitePortalDbContext>().UseSqlite(connection).Options);
        context.Database.UseTransaction(transaction);
        return context;
    }

    public override Task<IReadOnlyList<long>> TakeMessageIdsAsync(int count)
    {
        // The write lock is ours since BEGIN IMMEDIATE, and AUTOINCREMENT never gives an id twice.
        using var last = Command("""SELECT COALESCE(MAX("seq"), 0) FROM "sqlite_sequence" WHERE "name" = 'Message'""");
        last.Transaction = transaction;
        var first = (long)last.ExecuteScalar()! + 1;
        return Task.FromResult<IReadOnlyList<long>>([.. Enumerable.Range(0, count).Select(i => first + i)]);
    }

    public override Task<IReadOnlyList<bool>> AddUseAsync(IReadOnlyList<(Guid MailboxId, long Bytes, long Items)> uses)
    {
        addUse.Transaction = transaction;
        var found = new bool[uses.Count];
        for (var i = 0; i < found.Length; i++)
        {
            (addUse.Parameters[0].Value, addUse.Parameters[1].Value, addUse.Parameters[2].Value) = (uses[i].Bytes, uses[i].Items, uses[i].MailboxId.ToByteArray(true));
            found[i] = addUse.ExecuteNonQuery() == 1;
        }

        return Task.FromResult<IReadOnlyList<bool>>(found);
    }

    public override Task<IReadOnlyList<(long Uid, long ModSeq)?>> TakeUidsAsync(IReadOnlyList<(long FolderId, int Count, int Unseen)> folders)
    {
        takeUids.Transaction = transaction;
        var places = new (long, long)?[folders.Count];
        for (var i = 0; i < places.Length; i++)
        {
            (takeUids.Parameters[0].Value, takeUids.Parameters[1].Value, takeUids.Parameters[2].Value) = (folders[i].Count, folders[i].Unseen, folders[i].FolderId);
            using var reader = takeUids.ExecuteReader();
            if (reader.Read()) places[i] = (reader.GetInt64(0), reader.GetInt64(1));
        }

        return Task.FromResult<IReadOnlyList<(long, long)?>>(places);
    }

    public override Task InsertAsync(MailRows rows)
    {
        messages.Run(rows.Messages);
        contents.Run(rows.Contents);
        items.Run(rows.Items);
        entries.Run(rows.Entries);
        quarantined.Run(rows.Quarantined);
        traces.Run(rows.Traces);
        events.Run(rows.Events);
        recipients.Run(rows.Recipients);
        return Task.CompletedTask;
    }

    public override ValueTask DisposeAsync()
    {
        foreach (var insert in new[] { messages, contents, items, entries, quarantined, traces, events, recipients }) insert.Dispose();
        transaction?.Dispose();
        return connection.DisposeAsync();
    }

    private SqliteCommand Command(string sql)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        return command;
    }

    private SqliteCommand Prepare(string sql, params ReadOnlySpan<string> names)
    {
        var command = Command(sql);
        foreach (var name in names) command.Parameters.Add(new SqliteParameter { ParameterName = name, Value = DBNull.Value });
        return command;
    }
}
