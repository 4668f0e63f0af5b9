using System.Reflection;
using Xunit.Sdk;
using Xunit.v3;

namespace Portal.Tests.Fixtures;

/// <summary>The two databases everything runs on.</summary>
public enum DatabaseKind
{
    Sqlite,
    Postgres,
}

/// <summary>
/// Runs a theory once on each database: <c>[Theory, BothDatabases] public async Task X(DatabaseKind kind)</c>. With values, a row of them on
/// each: <c>[Theory] [BothDatabases(Role.User, "")] [BothDatabases(…)] public async Task X(DatabaseKind kind, Role role, string allowed)</c>.
/// </summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public sealed class BothDatabasesAttribute(params object?[] values) : DataAttribute
{
    public IReadOnlyList<object?> Values => values;

    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker) =>
        new([new TheoryDataRow([DatabaseKind.Sqlite, .. values]), new TheoryDataRow([DatabaseKind.Postgres, .. values])]);

    public override bool SupportsDiscoveryEnumeration() => true;
}
