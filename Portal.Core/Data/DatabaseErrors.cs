using System.Data.Common;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Portal.Core.Data;

/// <summary>What the database said no to, alike for both providers: the last word in a race between two writers.</summary>
public static class DatabaseErrors
{
    // https://www.sqlite.org/rescode.html: SQLITE_CONSTRAINT_UNIQUE, _PRIMARYKEY, _FOREIGNKEY, _TRIGGER.
    private const int SqliteUnique = 2067;
    private const int SqlitePrimaryKey = 1555;
    private const int SqliteForeignKey = 787;
    private const int SqliteTrigger = 1811;

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
}
