using Microsoft.Data.Sqlite;
using Npgsql;

namespace Portal.Core.Queue;

/// <summary>Tells a database that is away from one that says no: only the first is worth waiting for.</summary>
public static class Outage
{
    // Entity Framework wraps what it takes for transient in an InvalidOperationException: the cause is somewhere inside.
    public static bool IsOutage(this Exception error)
    {
        for (var e = error; e is not null; e = e.InnerException)
            if (IsAway(e)) return true;
        return false;
    }

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
