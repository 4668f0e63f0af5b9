using Microsoft.EntityFrameworkCore;
using Portal.Core.Domains;

namespace Portal.Tests.Fixtures;

public class FixtureTests
{
    [Theory, BothDatabases]
    public async Task A_fresh_database_holds_what_is_written_and_no_other_does(DatabaseKind kind)
    {
        await using var one = await TestDatabase.CreateAsync(kind);
        await using var other = await TestDatabase.CreateAsync(kind);

        await one.WriteAsync(db => db.Domains.Add(new Domain { Name = "portal.test", DisplayName = "portal.test", CreatedAt = one.Clock.GetUtcNow() }));

        var domain = Assert.Single(await one.ReadAsync(db => db.Domains.ToListAsync()));
        Assert.Equal(("portal.test", TestDatabase.Start), (domain.Name, domain.CreatedAt));
        Assert.Empty(await other.ReadAsync(db => db.Domains.ToListAsync()));
    }

    [Fact]
    public async Task A_postgres_of_ones_own_goes_away_and_comes_back()
    {
        await using var server = await PostgresServer.StartAsync(isDurable: false);
        var name = await server.CreateDatabaseAsync();

        await server.StopAsync();
        await Assert.ThrowsAnyAsync<Npgsql.NpgsqlException>(() => server.CreateDatabaseAsync());
        await server.ComeBackAsync();

        await server.DropDatabaseAsync(name);
    }
}
