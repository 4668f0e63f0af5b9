using System.Data.Common;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Portal.Core.Data;

/// <summary>What a failed call to the database means, alike for both providers: it said no, the last word in a race between two writers; or it is away.</summary>
public static class DatabaseErrors
{
    // https://www.sqlite.org/rescode.html: SQLITE_CONSTRAINT_UNIQUE, _PRIMARYKEY, _FOREIGNKEY, _TRIGGER.
    private const int SqliteUnique = 2067;
    private const int SqlitePrimaryKey = 1555;
    private const int SqliteForeignKey = 787;
    private const int SqliteTrigger = 1811;

    /// <summary>
    /// Whether the database or the disk is away, full or locked: no fault of what was asked, and only this is worth waiting for. However
    /// deep: Entity Framework wraps what it takes for transient in an <see cref="InvalidOperationException"/>.
    /// </summary>
    public static bool IsOutage(this Exception error)
    {
        for (var e = error; e is not null; e = e.InnerException)
            if (IsAway(e)) return true;
        return false;
    }

    /// <summary>Another row already has this unique value.</summary>
    public static bool IsDuplicate(this DbUpdateException error) => error.InnerException switch
    {
        SqliteException { SqliteExtendedErrorCode: SqliteUnique or SqlitePrimaryKey } => true,
        PostgresException { SqlState: PostgresErrorCodes.UniqueViolation } => true,
        _ => false,
    };

    /// <summary>A row refers to what is gone, or is still referred to.</summary>
    public static bool IsReferenced(this DbUpdateException error) => error.InnerException is DbException inner && IsReferenced(inner);

    /// <inheritdoc cref="IsReferenced(DbUpdateException)"/>
    public static bool IsReferenced(this DbException error) => error switch
    {
        SqliteException { SqliteExtendedErrorCode: SqliteForeignKey } => true,
        // ON DELETE RESTRICT, which SQLite carries out by a trigger of its own: SQLITE_CONSTRAINT_TRIGGER.
        SqliteException { SqliteExtendedErrorCode: SqliteTrigger } => true,
        PostgresException { SqlState: PostgresErrorCodes.ForeignKeyViolation } => true,
        // PostgreSQL 18 and later tell a restricted delete apart (23001).
        PostgresException { SqlState: PostgresErrorCodes.RestrictViolation } => true,
        _ => false,
    };

    private static bool IsAway(Exception error) => error switch
    {
        // 25006 is a server that only reads while another takes over.
        PostgresException postgres => postgres.IsTransient || postgres.SqlState == PostgresErrorCodes.ReadOnlySqlTransaction || postgres.SqlState[..2] is "08" or "53" or "57",
        NpgsqlException => true,
        SqliteException sqlite => sqlite.SqliteErrorCode is 5 or 6 or 10 or 13 or 14,   // BUSY, LOCKED, IOERR, FULL, CANTOPEN
        IOException or TimeoutException => true,
        _ => false,
    };
}
