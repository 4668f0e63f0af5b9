using Portal.Core;
using Portal.Core.Domains;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Domains;

/// <summary>A domain with its keys, and a DNS that the test fills.</summary>
internal sealed class DkimBed(TestDatabase database, Guid domainId) : IAsyncDisposable
{
    public const string Name = "portal.test";

    public static readonly Actor Administrator = Organisation.With(Role.Administrator);

    public TestDatabase Database => database;

    public Guid DomainId => domainId;

    public DkimKeyService Service => database.Get<DkimKeyService>();

    public FakeKeyRecords Dns => database.Get<FakeKeyRecords>();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static async Task<DkimBed> CreateAsync(DatabaseKind kind)
    {
        var database = await TestDatabase.CreateAsync(kind);
        return new(database, (await database.DomainService().CreateAsync(Administrator, Name, null, null, Cancel)).Value);
    }

    /// <summary>The same with a pair that signs.</summary>
    public static async Task<DkimBed> CreateActiveAsync(DatabaseKind kind)
    {
        var bed = await CreateAsync(kind);
        await bed.PublishAsync();
        await bed.RoundAsync();
        Assert.Equal("Active Active", await bed.StatesAsync());
        return bed;
    }

    public async Task<DkimKeySet> SetAsync() => (await Service.ListAsync(Administrator, domainId, Cancel)).Value;

    /// <summary>The states of all keys, the oldest first.</summary>
    public async Task<string> StatesAsync() => string.Join(' ', (await SetAsync()).Keys.OrderBy(k => k.Selector[1..], StringComparer.Ordinal).ThenBy(k => k.Algorithm).Select(k => k.State));

    /// <summary>The DNS gets the records of what waits.</summary>
    public async Task PublishAsync() => Dns.Publish((await SetAsync()).In(DkimKeyState.Waiting));

    public Task RoundAsync() => database.Part<DkimKeyKeeper>().RunAsync(Cancel);

    public async Task RoundAfterAsync(TimeSpan time)
    {
        database.Clock.Advance(time);
        await RoundAsync();
    }

    public async Task<string?> RefusedAsync(Func<DkimKeyService, Task<Outcome>> act) => (await act(Service)).Refusal?.Key;

    public ValueTask DisposeAsync() => database.DisposeAsync();
}
