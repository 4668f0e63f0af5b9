using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;
using Portal.Core.Messages;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Data;

/// <summary>Deleting a row asks each table that refers to it: with no index for that the table is read whole, inside the write gate.</summary>
public sealed class ForeignKeyTests
{
    private const int Items = 100_000;

    [Theory, BothDatabases]
    public async Task Every_foreign_key_has_an_index_that_its_check_can_use(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);

        var without = await database.ReadAsync(db => Task.FromResult(db.Model.GetEntityTypes().SelectMany(t => t.GetForeignKeys()).Where(k => !HasIndex(k)).Select(k => k.ToString()).ToList()));

        Assert.Empty(without);
    }

    /// <summary>Told from SQLite's steps: reading the items whole takes 700,000.</summary>
    [Fact]
    public async Task Deleting_a_mailbox_costs_the_same_with_a_hundred_thousand_items_of_others()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Sqlite);
        await database.AddDomainAsync();
        await database.AddMailboxAsync("anna@portal.test");
        await FillAsync(database, DatabaseKind.Sqlite);
        await database.AddMailboxAsync("bert@portal.test");
        var bert = await database.ReadAsync(db => db.Mailboxes.Where(m => m.PrimaryAddress == "bert@portal.test").Select(m => m.Id).SingleAsync());
        await database.Get<MailRemover>().ClearMailboxAsync(bert, CancellationToken.None);

        using var turn = await database.Gate.EnterAsync(CancellationToken.None);
        var steps = await database.ReadAsync(async db =>
        {
            await db.Addresses.Where(a => a.MailboxId == bert).ExecuteDeleteAsync();
            await db.Database.OpenConnectionAsync();
            await using var delete = (SqliteCommand)db.Database.GetDbConnection().CreateCommand();
            delete.CommandText = "DELETE FROM \"Mailbox\" WHERE \"PrimaryAddress\" = 'bert@portal.test'";
            return SqlRecorder.Steps(delete);
        });

        Assert.False(await database.ReadAsync(db => db.Mailboxes.AnyAsync(m => m.Id == bert)));
        Assert.InRange(steps, 1, 5_000);
    }

    /// <summary>Its folders keep a mailbox, and its items keep the folders.</summary>
    [Theory, BothDatabases]
    public async Task A_mailbox_that_holds_items_cannot_go(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.AddDomainAsync();
        await database.AddMailboxAsync("anna@portal.test");
        await FillAsync(database, kind, items: 1);

        using var turn = await database.Gate.EnterAsync(CancellationToken.None);
        await database.ReadAsync(db => db.Addresses.ExecuteDeleteAsync());
        await Assert.ThrowsAnyAsync<Exception>(() => database.ReadAsync(db => db.Mailboxes.ExecuteDeleteAsync()));
        await Assert.ThrowsAnyAsync<Exception>(() => database.ReadAsync(db => db.Folders.ExecuteDeleteAsync()));

        Assert.Equal((1, 1), await database.ReadAsync(async db => (await db.Mailboxes.CountAsync(), await db.MailItems.CountAsync())));
    }

    [Fact]
    public async Task The_key_from_items_to_mailboxes_is_off_and_the_others_stand()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Sqlite);

        Assert.Equal(["Folder", "Message"], await database.ReadAsync(db => db.Database.SqlQueryRaw<string>("SELECT \"table\" AS \"Value\" FROM pragma_foreign_key_list('MailItem') ORDER BY 1").ToListAsync()));
        Assert.Equal(["ok"], await database.ReadAsync(db => db.Database.SqlQueryRaw<string>("SELECT integrity_check AS \"Value\" FROM pragma_integrity_check").ToListAsync()));
    }

    private static bool HasIndex(IForeignKey key)
    {
        var columns = key.Properties.ToHashSet();
        var keys = key.DeclaringEntityType.GetKeys().Select(k => k.Properties);
        var indexes = key.DeclaringEntityType.GetIndexes().Where(i => IsWhole(i, key)).Select(i => i.Properties);
        return keys.Concat(indexes).Any(p => p.Count >= columns.Count && p.Take(columns.Count).All(columns.Contains));
    }

    /// <summary>An index of only some rows serves when those left out have no value there.</summary>
    private static bool IsWhole(IIndex index, IForeignKey key) =>
        index.GetFilter() is not { } filter || (key.Properties is [var only] && filter == $"\"{only.Name}\" IS NOT NULL");

    private static async Task FillAsync(TestDatabase database, DatabaseKind kind, int items = Items)
    {
        var message = new Message { QueueId = Guid.CreateVersion7(), ReceivedAt = database.Clock.GetUtcNow(), ReversePath = "" };
        await database.WriteAsync(db => db.Messages.Add(message));
        var (numbers, at) = kind == DatabaseKind.Sqlite
            ? ($"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {items})", "0")
            : ($"WITH n AS (SELECT i FROM generate_series(1, {items}) AS g(i))", "now()");
        using var turn = await database.Gate.EnterAsync(CancellationToken.None);
        await database.ReadAsync(db => db.Database.ExecuteSqlRawAsync($"""
            {numbers} INSERT INTO "MailItem" ("MailboxId", "FolderId", "MessageId", "Uid", "ModSeq", "Flags", "InternalDate", "InternalDateOffsetMinutes", "SavedAt", "SizeBytes")
            SELECT f."MailboxId", f."Id", {message.Id}, i, 1, 0, {at}, 0, {at}, 100 FROM n JOIN "Folder" f ON f."Id" = (SELECT MIN("Id") FROM "Folder")
            """));
    }
}
