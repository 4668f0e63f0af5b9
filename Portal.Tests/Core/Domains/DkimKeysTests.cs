using Microsoft.EntityFrameworkCore;
using Portal.Core.Data;
using Portal.Core.Domains;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Domains;

/// <summary>What the hot path is given to sign with.</summary>
public sealed class DkimKeysTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, BothDatabases]
    public async Task Keys_and_their_absence_are_read_once_until_something_changes(DatabaseKind kind)
    {
        await using var bed = await DkimBed.CreateActiveAsync(kind);
        var keys = bed.Database.Get<DkimKeys>();
        var first = await keys.ForAsync(DkimBed.Name, Cancel);
        Assert.Empty(await keys.ForAsync("elsewhere.example", Cancel));

        using (var recorder = new SqlRecorder(bed.Database))
        {
            Assert.Same(first, await keys.ForAsync(DkimBed.Name, Cancel));
            Assert.Empty(await keys.ForAsync("elsewhere.example", Cancel));
            Assert.Empty(recorder.Commands);
        }

        Assert.Equal([(DkimBed.Name, "r202611a", SigningAlgorithm.RsaSha256), (DkimBed.Name, "e202611a", SigningAlgorithm.Ed25519Sha256)], first.Select(k => (k.Domain, k.Selector, k.Algorithm)));
    }

    [Theory, BothDatabases]
    public async Task What_one_domain_costs_does_not_grow_with_the_others(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.WriteAsync(db =>
        {
            foreach (var number in Enumerable.Range(0, 2_000))
            {
                var domain = new Domain { Name = $"d{number}.test", DisplayName = $"d{number}.test", CreatedAt = TestDatabase.Start };
                db.Domains.Add(domain);
                foreach (var algorithm in Enum.GetValues<SigningAlgorithm>())
                    db.DkimKeys.Add(new() { DomainId = domain.Id, Selector = $"s{algorithm}", Algorithm = algorithm, PublicKey = "MII=", CreatedAt = TestDatabase.Start, State = DkimKeyState.Active });
            }
        });
        await using (var db = await database.Databases.CreateDbContextAsync(Cancel)) await db.Database.ExecuteSqlRawAsync("ANALYZE", Cancel);

        using var recorder = new SqlRecorder(database);
        await database.Get<DkimKeys>().ForAsync("d1234.test", Cancel);

        Assert.InRange(Assert.Single(await recorder.WorkAsync()).Work, 1, kind == DatabaseKind.Sqlite ? 300 : 30);
    }

    [Theory, BothDatabases]
    public async Task Another_node_hears_of_new_keys(DatabaseKind kind)
    {
        await using var bed = await DkimBed.CreateAsync(kind);
        await using var other = bed.Database.AnotherNode();
        Assert.Empty(await other.Get<DkimKeys>().ForAsync(DkimBed.Name, Cancel));
        var before = await CounterAsync();

        await bed.PublishAsync();
        await bed.RoundAsync();

        Assert.True(await CounterAsync() > before);
        other.Feed.Publish(Change.SigningKeys);   // as its link to the database does when the counter has risen
        Assert.Equal(2, (await other.Get<DkimKeys>().ForAsync(DkimBed.Name, Cancel)).Count);

        Task<long> CounterAsync() => bed.Database.ReadAsync(db => Task.FromResult(db.ChangeCounters.Single(c => c.Area == Change.SigningKeys).Value));
    }

    [Theory, BothDatabases]
    public async Task A_domain_that_was_asked_for_before_it_was_added_is_not_remembered_as_absent(DatabaseKind kind)
    {
        await using var bed = await DkimBed.CreateAsync(kind);
        var keys = bed.Database.Get<DkimKeys>();
        Assert.Empty(await keys.ForAsync("new.test", Cancel));

        var id = (await bed.Database.DomainService().CreateAsync(DkimBed.Administrator, "new.test", null, null, Cancel)).Value;
        await bed.Service.ActivateAsync(DkimBed.Administrator, id, Cancel);

        Assert.Equal(2, (await keys.ForAsync("new.test", Cancel)).Count);
    }
}
