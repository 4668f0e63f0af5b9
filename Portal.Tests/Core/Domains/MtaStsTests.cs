using Microsoft.EntityFrameworkCore;
using Portal.Core;
using Portal.Core.Data;
using Portal.Core.Domains;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;
using static Portal.Tests.Core.Organisation;

namespace Portal.Tests.Core.Domains;

/// <summary>What servers that send to a domain are told of its TLS: set by people, held by senders, taken back with time.</summary>
public sealed class MtaStsTests
{
    private const string Host = "mx.portal.test";

    private static readonly Actor Administrator = With(Role.Administrator);

    private static readonly DateTimeOffset Now = TestDatabase.Start;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(MtaStsMode.Testing, null, "version: STSv1\r\nmode: testing\r\nmx: mx.portal.test\r\nmax_age: 86400\r\n")]
    [InlineData(MtaStsMode.Enforce, null, "version: STSv1\r\nmode: enforce\r\nmx: mx.portal.test\r\nmax_age: 604800\r\n")]
    [InlineData(MtaStsMode.Enforce, 365, "version: STSv1\r\nmode: enforce\r\nmx: mx.portal.test\r\nmax_age: 31536000\r\n")]
    [InlineData(MtaStsMode.None, 30, "version: STSv1\r\nmode: none\r\nmax_age: 86400\r\n")]
    public void A_policy_is_written_as_senders_read_it(MtaStsMode mode, int? days, string text) =>
        Assert.Equal(text, new MtaStsSetting(mode, days, Now.AddDays(1)).PolicyAt(Now, Host)!.Text);

    [Fact]
    public void Its_id_is_another_exactly_when_its_text_is()
    {
        MtaStsPolicy[] policies = [new(MtaStsMode.Testing, 1, Host), new(MtaStsMode.Enforce, 1, Host), new(MtaStsMode.Testing, 2, Host), new(MtaStsMode.Testing, 1, "mx2.portal.test"), new(MtaStsMode.None, 1, Host)];

        Assert.All(policies, p => Assert.Matches("^[a-z0-9]{32}$", p.Id));
        Assert.Equal(policies.Length, policies.Select(p => p.Id).Distinct().Count());
        Assert.Equal(policies[0].Id, new MtaStsPolicy(MtaStsMode.Testing, 1, Host).Id);
        Assert.Equal(policies[4].Id, new MtaStsPolicy(MtaStsMode.None, 1, "elsewhere.test").Id);
        Assert.Equal($"v=STSv1; id={policies[0].Id}", policies[0].Record);
    }

    [Theory, BothDatabases]
    public async Task A_domain_tests_until_somebody_sets_another_mode_which_is_audited_and_raises_the_directory(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var id = (await database.DomainService().CreateAsync(Administrator, "portal.test", null, null, Cancel)).Value;
        var heard = new List<Change>();
        using var ear = database.Feed.Subscribe((change, _) => heard.Add(change));
        Assert.Equal(new MtaStsSetting(MtaStsMode.Testing, null, null), await SettingAsync(database, id));

        var set = await database.DomainService().SetTransportAsync(Administrator, id, 0, MtaStsMode.Enforce, 30, Cancel);
        var same = await database.DomainService().SetTransportAsync(Administrator, id, 1, MtaStsMode.Enforce, 30, Cancel);

        Assert.True(set.IsDone && same.IsDone);
        Assert.Equal(new MtaStsSetting(MtaStsMode.Enforce, 30, Now + TimeSpan.FromDays(1) + MtaStsSetting.CacheFor), await SettingAsync(database, id));
        var entry = await database.ReadAsync(db => db.Audit.SingleAsync(a => a.Action == "domain.transport.set", Cancel));
        Assert.Equal(("portal.test", id, """{"mtaStsMode":"Testing","mtaStsMaxAgeDays":null}""", """{"mtaStsMode":"Enforce","mtaStsMaxAgeDays":30}"""), (entry.Target, entry.DomainId, entry.Before, entry.After));
        Assert.Equal([Change.Directory, Change.Audit], heard);
    }

    [Theory]
    [BothDatabases(0)]
    [BothDatabases(-1)]
    [BothDatabases(366)]
    [BothDatabases(int.MaxValue)]
    public async Task Days_that_no_sender_would_keep_are_refused_at_their_field_and_leave_no_trace(DatabaseKind kind, int days)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.SeedDomainAsync();

        var refusal = Assert.IsType<Invalid>((await database.DomainService().SetTransportAsync(Administrator, domain.Id, 0, MtaStsMode.Enforce, days, Cancel)).Refusal);

        Assert.Equal(("MtaStsMaxAge", "MaxAge"), (refusal.Key, refusal.Field));
        Assert.Empty(await database.AuditedActionsAsync());
        Assert.Equal(MtaStsMode.Testing, (await SettingAsync(database, domain.Id)).Mode);
    }

    [Theory, BothDatabases]
    public async Task What_others_changed_or_stands_out_of_scope_is_left_alone(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var (mine, other) = (await database.SeedDomainAsync("mine.test"), await database.SeedDomainAsync("other.test"));
        var scoped = With(Role.Administrator, mine.Id);
        var service = database.DomainService();

        Assert.Equal("NotFoundDomain", (await service.SetTransportAsync(scoped, other.Id, 0, MtaStsMode.None, null, Cancel)).Refusal?.Key);
        Assert.True((await service.SetTransportAsync(scoped, mine.Id, 0, MtaStsMode.None, null, Cancel)).IsDone);
        Assert.True(Assert.IsType<Conflict>((await service.SetTransportAsync(scoped, mine.Id, 0, MtaStsMode.Enforce, null, Cancel)).Refusal).IsStale);
        Assert.Equal(["domain.transport.set mine.test"], await database.AuditedActionsAsync());
    }

    [Theory, BothDatabases]
    public async Task A_policy_that_is_taken_back_is_served_as_none_until_the_longest_one_given_out_has_run_out(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var id = (await database.SeedDomainAsync()).Id;
        var service = database.DomainService();
        await service.SetTransportAsync(Administrator, id, 0, MtaStsMode.Enforce, 30, Cancel);
        database.Clock.Advance(TimeSpan.FromDays(10));
        await service.SetTransportAsync(Administrator, id, 1, MtaStsMode.Enforce, 2, Cancel);
        database.Clock.Advance(TimeSpan.FromDays(1));
        await service.SetTransportAsync(Administrator, id, 2, MtaStsMode.None, null, Cancel);

        var end = Now + TimeSpan.FromDays(40) + MtaStsSetting.CacheFor;   // who fetched the one of 30 days last
        var setting = await SettingAsync(database, id);

        Assert.Equal(end, setting.HeldUntil);
        Assert.Equal(MtaStsMode.None, setting.PolicyAt(end - TimeSpan.FromSeconds(1), Host)?.Mode);
        Assert.Null(setting.PolicyAt(end, Host));
        await service.SetTransportAsync(Administrator, id, 3, MtaStsMode.None, 5, Cancel);
        Assert.Equal(end, (await SettingAsync(database, id)).HeldUntil);   // a policy that says "none" holds nobody
        await service.SetTransportAsync(Administrator, id, 4, MtaStsMode.Testing, null, Cancel);
        Assert.Equal(MtaStsMode.Testing, (await SettingAsync(database, id)).PolicyAt(end, Host)?.Mode);
    }

    [Theory, BothDatabases]
    public async Task Names_that_strangers_ask_for_cost_no_query_and_a_change_is_seen_at_once(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var id = (await database.DomainService().CreateAsync(Administrator, "bücher.example", null, null, Cancel)).Value;
        var settings = database.Get<MtaStsSettings>();
        using var sql = new SqlRecorder(database);

        for (var i = 0; i < 100; i++) Assert.Null(await settings.FindAsync($"d{i}.example", Cancel));
        Assert.Equal(MtaStsMode.Testing, (await settings.FindAsync("xn--bcher-kva.example", Cancel))?.Mode);
        Assert.Single(sql.Commands);

        await database.DomainService().SetTransportAsync(Administrator, id, 0, MtaStsMode.Enforce, null, Cancel);
        var read = sql.Commands.Count;
        var found = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(async () => await settings.FindAsync("xn--bcher-kva.example", Cancel), Cancel)));
        Assert.All(found, f => Assert.Equal(MtaStsMode.Enforce, f?.Mode));
        Assert.Equal(read + 1, sql.Commands.Count);
    }

    [Theory, BothDatabases]
    public async Task A_domain_that_takes_no_mail_or_never_had_a_policy_says_nothing(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var (own, off) = (await database.SeedDomainAsync("own.test"), await database.SeedDomainAsync("off.test"));
        await database.SeedDomainAsync("alias.test", own.Id);
        await database.SeedDomainAsync("alias-of-off.test", off.Id);
        await database.WriteAsync(db => db.Domains.Add(new() { Name = "never.test", DisplayName = "never.test", MtaStsMode = MtaStsMode.None }));
        await database.DomainService().SetDisabledAsync(Administrator, off.Id, true, Cancel);
        var settings = database.Get<MtaStsSettings>();

        foreach (var name in new[] { "own.test", "alias.test" }) Assert.NotNull(await settings.FindAsync(name, Cancel));
        foreach (var name in new[] { "off.test", "alias-of-off.test", "never.test", "OWN.test", "" }) Assert.Null(await settings.FindAsync(name, Cancel));
        await database.DomainService().SetDisabledAsync(Administrator, off.Id, false, Cancel);
        foreach (var name in new[] { "off.test", "alias-of-off.test" }) Assert.NotNull(await settings.FindAsync(name, Cancel));
    }

    private static async Task<MtaStsSetting> SettingAsync(TestDatabase database, Guid id) => (await database.DomainService().GetAsync(Administrator, id, Cancel)).Value.MtaSts;
}
