using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using Portal.Core.Data;

namespace Portal.Tests.Core.Data;

public class DatabaseErrorsTests
{
    private static readonly NpgsqlException Lost = new("refused");

    public static TheoryData<Exception> Outages =>
    [
        Lost,
        new DbUpdateException("saving", Lost),
        new InvalidOperationException("likely transient", new DbUpdateException("saving", Lost)),
        new SqliteException("database or disk is full", 13),
        new IOException("No space left on device"),
        Postgres(PostgresErrorCodes.ReadOnlySqlTransaction),
        Postgres(PostgresErrorCodes.AdminShutdown),
    ];

    public static TheoryData<Exception> Faults =>
    [
        new InvalidOperationException("a fault of ours"),
        new DbUpdateException("saving", new SqliteException("constraint failed", 19)),
        Postgres(PostgresErrorCodes.UniqueViolation),
        Postgres(PostgresErrorCodes.StringDataRightTruncation),
    ];

    [Theory]
    [MemberData(nameof(Outages), DisableDiscoveryEnumeration = true)]
    public void What_is_away_or_full_is_an_outage_however_deep(Exception error) => Assert.True(error.IsOutage());

    [Theory]
    [MemberData(nameof(Faults), DisableDiscoveryEnumeration = true)]
    public void What_would_fail_again_is_none(Exception error) => Assert.False(error.IsOutage());

    private static PostgresException Postgres(string state) => new("said", "ERROR", "ERROR", state);
}
