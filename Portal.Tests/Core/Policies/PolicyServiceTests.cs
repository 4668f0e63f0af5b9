using Portal.Core;
using Portal.Core.Permissions;
using Portal.Core.Policies;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Policies;

/// <summary>A policy of the whole system: as shipped until somebody changes it, then what they saved, on every node at once.</summary>
public sealed class PolicyServiceTests
{
    private static readonly Actor Admin = Organisation.With(Role.Administrator);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, BothDatabases]
    public async Task A_change_counts_at_once_and_is_audited(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var (service, current) = (database.Get<PolicyService<SenderPolicy>>(), database.Get<CurrentPolicy<SenderPolicy>>());
        Assert.Equal(new SenderPolicy(), await current.GetAsync(Cancel));

        var wanted = new SenderPolicy { OnSpfFail = SenderTreatment.Junk, Overrides = [new(" Bücher.example. ", SenderTreatment.Accept)], TrustedSealers = ["list.example", "LIST.example"] };
        Assert.True((await service.SaveAsync(Admin, wanted, Cancel)).IsDone);

        var now = await current.GetAsync(Cancel);
        Assert.Equal((SenderTreatment.Junk, 1), (now.OnSpfFail, now.Version));
        Assert.Equal([new DmarcOverride("xn--bcher-kva.example", SenderTreatment.Accept)], now.Overrides);
        Assert.Equal(["list.example"], now.TrustedSealers);
        Assert.Equal(now, (await service.GetAsync(Admin, Cancel)).Value);
        Assert.Equal(["policy.senders.set policy.senders"], await database.AuditedActionsAsync());

        Assert.True((await service.SaveAsync(Admin, now, Cancel)).IsDone);   // nothing differs: nothing to tell
        Assert.Single(await database.AuditedActionsAsync());
    }

    [Theory, BothDatabases]
    public async Task Of_two_who_change_it_at_once_one_hears_of_the_other(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var service = database.Get<PolicyService<SenderPolicy>>();
        SenderPolicy[] wanted = [new() { FollowsDmarc = false }, new() { OnSpfFail = SenderTreatment.Junk }];

        var outcomes = await Task.WhenAll(wanted.Select(w => Task.Run(() => service.SaveAsync(Admin, w, Cancel), Cancel)));

        Assert.Equal([null, "ChangedByOthers"], outcomes.Select(o => o.Refusal?.Key).Order());
        Assert.Equal("ChangedByOthers", (await service.SaveAsync(Admin, new SenderPolicy { FollowsDmarc = false }, Cancel)).Refusal?.Key);
    }

    [Theory, BothDatabases]
    public async Task Who_may_not_is_refused_and_what_is_no_domain_too(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var service = database.Get<PolicyService<SenderPolicy>>();
        foreach (var actor in new[] { Organisation.With(Role.Helpdesk), Organisation.With(Role.Auditor), Organisation.With(Role.User), Organisation.With(Role.Administrator, Guid.NewGuid()), Actor.Visitor(null) })
        {
            Assert.IsType<NotPermitted>((await service.GetAsync(actor, Cancel)).Refusal);
            Assert.IsType<NotPermitted>((await service.SaveAsync(actor, new SenderPolicy(), Cancel)).Refusal);
        }

        foreach (var bad in new[] { "", "com", "a b.example", "[192.0.2.1]" })
        {
            Assert.Equal(("DomainNameInvalid", "TrustedSealers"), await RefusedAsync(new() { TrustedSealers = [bad] }));
            Assert.Equal(("DomainNameInvalid", "Overrides"), await RefusedAsync(new() { Overrides = [new(bad, SenderTreatment.Junk)] }));
        }

        Assert.Equal(("PolicyTooManyDomains", "TrustedSealers"), await RefusedAsync(new() { TrustedSealers = [.. Enumerable.Range(0, 501).Select(i => $"d{i}.example")] }));
        Assert.Empty(await database.AuditedActionsAsync());

        async Task<(string?, string?)> RefusedAsync(SenderPolicy policy) => (await service.SaveAsync(Admin, policy, Cancel)).Refusal is { } refusal ? (refusal.Key, refusal.Field) : default;
    }

    [Fact]
    public void The_most_exact_exception_counts()
    {
        var policy = new SenderPolicy { Overrides = [new("example.org", SenderTreatment.Junk), new("news.example.org", SenderTreatment.Accept)] };
        Assert.Equal(SenderTreatment.Junk, policy.OverrideFor("example.org")?.Treatment);
        Assert.Equal(SenderTreatment.Junk, policy.OverrideFor("a.example.org")?.Treatment);
        Assert.Equal(SenderTreatment.Accept, policy.OverrideFor("a.news.example.org")?.Treatment);
        Assert.Null(policy.OverrideFor("notexample.org"));
    }
}
