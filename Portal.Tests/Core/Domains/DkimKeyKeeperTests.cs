using Microsoft.EntityFrameworkCore;
using Portal.Core.Domains;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Domains;

/// <summary>The job that lets keys sign, retires them and begins rotations.</summary>
public sealed class DkimKeyKeeperTests
{
    private static readonly TimeSpan TenMinutes = TimeSpan.FromMinutes(10);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, BothDatabases]
    public async Task A_pair_signs_when_the_DNS_has_both_records_and_not_before(DatabaseKind kind)
    {
        await using var bed = await DkimBed.CreateAsync(kind);
        var keys = (await bed.SetAsync()).Keys;
        await bed.RoundAsync();
        Assert.Equal("Waiting Waiting", await bed.StatesAsync());

        bed.Dns.Publish(keys[0]);
        await bed.RoundAfterAsync(TenMinutes);
        Assert.Equal("Waiting Waiting", await bed.StatesAsync());
        bed.Dns.Publish(keys[1]);
        await bed.RoundAfterAsync(TenMinutes);

        Assert.Equal("Active Active", await bed.StatesAsync());
        Assert.All((await bed.SetAsync()).Keys, k => Assert.Equal((TestDatabase.Start + (2 * TenMinutes), KeyRecordState.Found), (k.ActivatedAt, k.LastFound)));
        var entry = await bed.Database.ReadAsync(db => db.Audit.SingleAsync(a => a.Action == "domain.dkim.activate", Cancel));
        Assert.Equal((ActorKind.System, Channel.Job, bed.DomainId), (entry.ActorKind, entry.Channel, entry.DomainId));
    }

    [Theory, BothDatabases]
    public async Task A_DNS_that_does_not_answer_changes_nothing(DatabaseKind kind)
    {
        await using var bed = await DkimBed.CreateAsync(kind);
        var keys = (await bed.SetAsync()).Keys;
        bed.Dns.Publish(keys[0]);
        await bed.RoundAsync();
        var seen = (await bed.SetAsync()).Keys.Single(k => k.PublishedAt is not null);

        bed.Dns.Publish(keys);
        bed.Dns.IsAway = true;
        await bed.RoundAfterAsync(TenMinutes);

        Assert.Equal("Waiting Waiting", await bed.StatesAsync());
        var now = (await bed.SetAsync()).Keys.Single(k => k.Id == seen.Id);
        Assert.Equal((seen.PublishedAt, KeyRecordState.Failed), (now.PublishedAt, now.LastFound));
        bed.Dns.IsAway = false;
        await bed.RoundAfterAsync(TenMinutes);
        Assert.Equal("Active Active", await bed.StatesAsync());
    }

    [Theory, BothDatabases]
    public async Task A_record_that_went_again_does_not_count(DatabaseKind kind)
    {
        await using var bed = await DkimBed.CreateAsync(kind);
        var keys = (await bed.SetAsync()).Keys;
        bed.Dns.Publish(keys[0]);
        await bed.RoundAsync();

        bed.Dns.Publish(keys[1]).Set(KeyRecordState.Missing, keys[0]);
        await bed.RoundAfterAsync(TenMinutes);

        Assert.Equal("Waiting Waiting", await bed.StatesAsync());
        Assert.Null((await bed.SetAsync()).Keys.Single(k => k.Id == keys[0].Id).PublishedAt);
    }

    [Theory, BothDatabases]
    public async Task Old_keys_sign_until_the_new_ones_are_found_then_stay_published_a_week_and_lose_their_secret(DatabaseKind kind)
    {
        await using var bed = await DkimBed.CreateActiveAsync(kind);
        var signing = bed.Database.Get<DkimKeys>();
        await bed.Service.RotateAsync(DkimBed.Administrator, bed.DomainId, Cancel);
        await bed.RoundAsync();
        Assert.Equal(["r202611a", "e202611a"], (await signing.ForAsync(DkimBed.Name, Cancel)).Select(k => k.Selector));

        await bed.PublishAsync();
        await bed.RoundAfterAsync(TenMinutes);
        Assert.Equal("Retiring Retiring Active Active", await bed.StatesAsync());
        Assert.Equal(["r202611b", "e202611b"], (await signing.ForAsync(DkimBed.Name, Cancel)).Select(k => k.Selector));
        Assert.All((await bed.SetAsync()).In(DkimKeyState.Retiring), k => Assert.Equal(TestDatabase.Start + TenMinutes + TimeSpan.FromDays(7), k.RetireAt));

        await bed.RoundAfterAsync(TimeSpan.FromDays(7) - TenMinutes);
        Assert.Equal("Retiring Retiring Active Active", await bed.StatesAsync());
        await bed.RoundAfterAsync(TenMinutes);
        Assert.Equal("Retired Retired Active Active", await bed.StatesAsync());
        Assert.True(await bed.Database.ReadAsync(db => db.DkimKeys.AllAsync(k => k.State == DkimKeyState.Retired ? k.PrivateKey == null : k.PrivateKey != null, Cancel)));
        var entry = await bed.Database.ReadAsync(db => db.Audit.OrderBy(a => a.Id).LastAsync(Cancel));
        Assert.Equal(("domain.dkim.retire", ActorKind.System, """{"selectors":["r202611a","e202611a"]}"""), (entry.Action, entry.ActorKind, entry.Before));
    }

    [Theory, BothDatabases]
    public async Task A_record_is_looked_for_each_round_of_the_first_day_and_each_hour_later(DatabaseKind kind)
    {
        await using var bed = await DkimBed.CreateAsync(kind);
        await bed.RoundAsync();
        await bed.RoundAfterAsync(TenMinutes);
        Assert.Equal(4, bed.Dns.Asked.Count);

        await bed.RoundAfterAsync(TimeSpan.FromDays(1));
        for (var i = 0; i < 5; i++) await bed.RoundAfterAsync(TenMinutes);
        Assert.Equal(6, bed.Dns.Asked.Count);
        await bed.RoundAfterAsync(TenMinutes);

        Assert.Equal(8, bed.Dns.Asked.Count);
    }

    [Theory, BothDatabases]
    public async Task Keys_that_were_given_up_while_the_DNS_was_asked_do_not_sign(DatabaseKind kind)
    {
        await using var bed = await DkimBed.CreateAsync(kind);
        await bed.PublishAsync();
        bed.Dns.Meanwhile = async () => await bed.Service.CancelAsync(DkimBed.Administrator, bed.DomainId, Cancel);

        await bed.RoundAsync();

        Assert.Equal("Retired Retired", await bed.StatesAsync());
    }

    [Theory, BothDatabases]
    public async Task Rotations_that_are_due_begin_once_by_themselves(DatabaseKind kind)
    {
        await using var bed = await DkimBed.CreateActiveAsync(kind);
        await bed.Service.SetRotationAsync(DkimBed.Administrator, bed.DomainId, 0, 3, Cancel);
        await bed.RoundAfterAsync(TimeSpan.FromDays(91));   // 24 November to 23 February
        Assert.Equal("Active Active", await bed.StatesAsync());

        await bed.RoundAfterAsync(TimeSpan.FromDays(1));
        await bed.RoundAfterAsync(TimeSpan.FromDays(1));

        Assert.Equal("Active Active Waiting Waiting", await bed.StatesAsync());
        Assert.Equal(["r202702a", "e202702a"], (await bed.SetAsync()).In(DkimKeyState.Waiting).Select(k => k.Selector));
        Assert.Equal(ActorKind.System, await bed.Database.ReadAsync(db => db.Audit.Where(a => a.Action == "domain.dkim.rotate").Select(a => a.ActorKind).SingleAsync(Cancel)));
        await bed.PublishAsync();
        await bed.RoundAfterAsync(TimeSpan.FromDays(1));
        Assert.Equal("Retiring Retiring Active Active", await bed.StatesAsync());
    }

    [Theory, BothDatabases]
    public async Task All_domains_that_wait_have_their_turn_in_one_round(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.WriteAsync(db =>
        {
            foreach (var number in Enumerable.Range(0, 45))
            {
                var domain = new Domain { Name = $"d{number}.test", DisplayName = $"d{number}.test", CreatedAt = TestDatabase.Start };
                db.Domains.Add(domain);
                foreach (var algorithm in Enum.GetValues<SigningAlgorithm>())
                    db.DkimKeys.Add(new() { DomainId = domain.Id, Selector = $"s{algorithm}", Algorithm = algorithm, PublicKey = "MII=", CreatedAt = TestDatabase.Start, NextCheckAt = TestDatabase.Start });
            }
        });

        await database.Part<DkimKeyKeeper>().RunAsync(Cancel);

        Assert.Equal(90, database.Get<FakeKeyRecords>().Asked.Distinct().Count());
        Assert.Equal(90, database.Get<FakeKeyRecords>().Asked.Count);
    }
}
