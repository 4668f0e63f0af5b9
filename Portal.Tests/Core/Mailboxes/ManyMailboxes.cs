using Microsoft.EntityFrameworkCore;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Mailboxes;

/// <summary>Seeds mailboxes by the hundred thousand, without passwords, in one statement a table.</summary>
internal static class ManyMailboxes
{
    /// <summary>Adds "p00000@…" and so on: every hundredth is disabled, every thousandth nearly full, every fiftieth shared; each has a name of its own.</summary>
    public static async Task AddManyMailboxesAsync(this TestDatabase database, Guid domainId, string domain, int count)
    {
        var (numbers, id, padded, key, at) = database.Kind == DatabaseKind.Sqlite
            ? ($"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {count - 1})", "randomblob(16)", "printf('%06d', i)", $"x'{Convert.ToHexString(domainId.ToByteArray(true))}'", "0")
            : ($"WITH n AS (SELECT generate_series(0, {count - 1}) AS i)", "gen_random_uuid()", "lpad(i::text, 6, '0')", $"'{domainId}'", "now()");
        var (yes, no) = database.Kind == DatabaseKind.Sqlite ? ("1", "0") : ("true", "false");
        await ExecuteAsync(database,
            $"""
            {numbers}
            INSERT INTO "Mailbox" ("Id", "Kind", "Name", "DomainId", "PrimaryAddress", "State", "StateBeforeDelete", "QuotaOverrideBytes", "CreatedAt", "IsDemo", "Version")
            SELECT {id}, CASE WHEN i % 50 = 0 THEN 1 ELSE 0 END, 'Person ' || {padded}, {key}, 'p' || {padded} || '@{domain}', CASE WHEN i % 100 = 0 THEN 1 ELSE 0 END, 0, 1000, {at}, {no}, 0 FROM n
            """,
            """
            INSERT INTO "MailboxUse" ("MailboxId", "Bytes", "Items")
            SELECT "Id", CASE WHEN "PrimaryAddress" LIKE '%999@%' THEN 950 ELSE 10 END, 1 FROM "Mailbox"
            """,
            $"""
            INSERT INTO "Address" ("Id", "DomainId", "LocalPart", "Display", "MailboxId", "IsPrimary", "IsDemo", "Version")
            SELECT {id}, "DomainId", substr("PrimaryAddress", 1, 7), substr("PrimaryAddress", 1, 7), "Id", {yes}, {no}, 0 FROM "Mailbox"
            """,
            "ANALYZE");
    }

    private static async Task ExecuteAsync(TestDatabase database, params string[] statements)
    {
        using var turn = await database.Gate.EnterAsync(CancellationToken.None);
        await using var db = await database.Databases.CreateDbContextAsync();
        db.Database.SetCommandTimeout(TimeSpan.FromMinutes(2));
        foreach (var statement in statements) await db.Database.ExecuteSqlRawAsync(statement);
    }
}
