using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Crypto.Signers;
using Portal.Core;
using Portal.Core.Accounts;
using Portal.Core.Domains;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Domains;

public sealed class DkimKeyServiceTests
{
    private static readonly Actor Administrator = DkimBed.Administrator;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, BothDatabases]
    public async Task A_new_domain_and_an_alias_domain_get_a_pair_that_waits(DatabaseKind kind)
    {
        await using var bed = await DkimBed.CreateAsync(kind);
        var alias = (await bed.Database.DomainService().CreateAsync(Administrator, "bücher.example", bed.DomainId, null, Cancel)).Value;

        var own = (await bed.SetAsync()).In(DkimKeyState.Waiting);
        var other = (await bed.Service.ListAsync(Administrator, alias, Cancel)).Value;

        Assert.Equal([("r202611a", SigningAlgorithm.RsaSha256), ("e202611a", SigningAlgorithm.Ed25519Sha256)], own.Select(k => (k.Selector, k.Algorithm)));
        Assert.Equal("r202611a._domainkey.portal.test.", own[0].Record.Name);
        Assert.StartsWith("v=DKIM1; k=rsa; p=MII", own[0].Record.Value, StringComparison.Ordinal);
        Assert.Matches("^v=DKIM1; k=ed25519; p=[A-Za-z0-9+/]{43}=$", own[1].Record.Value);
        Assert.Equal("r202611a._domainkey.xn--bcher-kva.example.", other.In(DkimKeyState.Waiting)[0].Record.Name);
        Assert.Empty((await bed.Database.Get<DkimKeys>().ForAsync(DkimBed.Name, Cancel)));
        Assert.Equal(["domain.create portal.test", "domain.create bücher.example"], await bed.Database.AuditedActionsAsync());
    }

    [Theory, BothDatabases]
    public async Task The_first_domain_gets_its_pair_when_the_system_is_set_up(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);

        var made = await database.Get<SetupService>().SetUpAsync(Actor.Operator(), new(null, "Example", "portal.test", "ada@portal.test", null, "correct horse battery staple"), Cancel);

        Assert.True(made.IsDone, made.Refusal?.Key);
        Assert.Equal(["e202611a", "r202611a"], await database.ReadAsync(db => db.DkimKeys.Where(k => k.State == DkimKeyState.Waiting).OrderBy(k => k.Selector).Select(k => k.Selector).ToListAsync(Cancel)));
    }

    [Theory, BothDatabases]
    public async Task What_a_private_key_signs_its_record_verifies(DatabaseKind kind)
    {
        await using var bed = await DkimBed.CreateActiveAsync(kind);
        var set = (await bed.SetAsync()).In(DkimKeyState.Active);
        var keys = await bed.Database.Get<DkimKeys>().ForAsync(DkimBed.Name, Cancel);
        byte[] text = [1, 2, 3];

        using var rsa = RSA.Create();
        rsa.ImportPkcs8PrivateKey(keys[0].PrivateKey, out _);
        using var shown = RSA.Create();
        shown.ImportSubjectPublicKeyInfo(PublicOf(set[0]), out _);
        Assert.Equal(2048, shown.KeySize);
        Assert.True(shown.VerifyData(text, rsa.SignData(text, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
        Assert.Equal(32, keys[1].PrivateKey.Length);
        var signer = new Ed25519Signer();
        signer.Init(true, new Ed25519PrivateKeyParameters(keys[1].PrivateKey));
        signer.BlockUpdate(text);
        var verifier = new Ed25519Signer();
        verifier.Init(false, new Ed25519PublicKeyParameters(PublicOf(set[1])));
        verifier.BlockUpdate(text);
        Assert.True(verifier.VerifySignature(signer.GenerateSignature()));

        static byte[] PublicOf(DkimKeyRow key) => Convert.FromBase64String(key.Record.Value.Split("p=")[1]);
    }

    [Theory, BothDatabases]
    public async Task A_rotation_makes_a_new_pair_is_refused_while_one_is_under_way_and_can_be_given_up(DatabaseKind kind)
    {
        await using var bed = await DkimBed.CreateAsync(kind);
        Assert.Equal("DkimRotationUnderWay", await bed.RefusedAsync(s => s.RotateAsync(Administrator, bed.DomainId, Cancel)));
        Assert.Equal("DkimStarted", await bed.RefusedAsync(s => s.StartAsync(Administrator, bed.DomainId, Cancel)));
        await bed.PublishAsync();
        await bed.RoundAsync();

        Assert.Null(await bed.RefusedAsync(s => s.RotateAsync(Administrator, bed.DomainId, Cancel)));
        Assert.Equal("DkimRotationUnderWay", await bed.RefusedAsync(s => s.RotateAsync(Administrator, bed.DomainId, Cancel)));
        Assert.Equal(["r202611b", "e202611b"], (await bed.SetAsync()).In(DkimKeyState.Waiting).Select(k => k.Selector));
        Assert.Null(await bed.RefusedAsync(s => s.CancelAsync(Administrator, bed.DomainId, Cancel)));
        Assert.Equal("DkimNoneWaiting", await bed.RefusedAsync(s => s.CancelAsync(Administrator, bed.DomainId, Cancel)));

        Assert.Equal("Active Active Retired Retired", await bed.StatesAsync());
        Assert.Equal(2, await bed.Database.ReadAsync(db => db.DkimKeys.CountAsync(k => k.PrivateKey == null, Cancel)));
        await bed.Service.RotateAsync(Administrator, bed.DomainId, Cancel);
        Assert.Equal(["r202611c", "e202611c"], (await bed.SetAsync()).In(DkimKeyState.Waiting).Select(k => k.Selector));
        Assert.Equal(["domain.create portal.test", "domain.dkim.activate portal.test", "domain.dkim.rotate portal.test", "domain.dkim.cancel portal.test", "domain.dkim.rotate portal.test"], await bed.Database.AuditedActionsAsync());
    }

    [Theory, BothDatabases]
    public async Task Of_many_who_rotate_at_once_exactly_one_does(DatabaseKind kind)
    {
        await using var bed = await DkimBed.CreateActiveAsync(kind);

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Task.Run(() => bed.Service.RotateAsync(Administrator, bed.DomainId, Cancel), Cancel)));

        Assert.Single(outcomes, o => o.IsDone);
        Assert.All(outcomes.Where(o => !o.IsDone), o => Assert.Equal("DkimRotationUnderWay", o.Refusal!.Key));
        Assert.Equal(2, (await bed.SetAsync()).In(DkimKeyState.Waiting).Count);
    }

    [Theory, BothDatabases]
    public async Task A_domain_without_keys_is_given_some_and_only_then(DatabaseKind kind)
    {
        await using var bed = await DkimBed.CreateAsync(kind);
        var old = (await bed.Database.SeedDomainAsync("old.test")).Id;
        Assert.Empty((await bed.Service.ListAsync(Administrator, old, Cancel)).Value.Keys);
        Assert.Equal("DkimNotStarted", await bed.RefusedAsync(s => s.RotateAsync(Administrator, old, Cancel)));

        Assert.Null(await bed.RefusedAsync(s => s.StartAsync(Administrator, old, Cancel)));

        Assert.Equal(2, (await bed.Service.ListAsync(Administrator, old, Cancel)).Value.In(DkimKeyState.Waiting).Count);
        Assert.Equal("domain.dkim.start old.test", (await bed.Database.AuditedActionsAsync())[^1]);
    }

    [Theory, BothDatabases]
    public async Task Who_knows_better_lets_keys_sign_unseen_and_says_why(DatabaseKind kind)
    {
        await using var bed = await DkimBed.CreateAsync(kind);

        Assert.Null(await bed.RefusedAsync(s => s.ActivateAsync(Administrator.Because("only the outer DNS has it"), bed.DomainId, Cancel)));

        Assert.Equal("Active Active", await bed.StatesAsync());
        Assert.Equal(2, (await bed.Database.Get<DkimKeys>().ForAsync(DkimBed.Name, Cancel)).Count);
        var entry = await bed.Database.ReadAsync(db => db.Audit.SingleAsync(a => a.Action == "domain.dkim.activate", Cancel));
        Assert.Equal(("administrator@portal.test", "only the outer DNS has it", null, """{"selectors":["r202611a","e202611a"]}"""), (entry.ActorName, entry.Reason, entry.Before, entry.After));
        Assert.Equal("DkimNoneWaiting", await bed.RefusedAsync(s => s.ActivateAsync(Administrator, bed.DomainId, Cancel)));
    }

    [Theory, BothDatabases]
    public async Task Check_now_says_what_the_DNS_has_and_lets_found_keys_sign_in_the_name_of_who_asked(DatabaseKind kind)
    {
        await using var bed = await DkimBed.CreateAsync(kind);
        var (rsa, ed25519) = ((await bed.SetAsync()).Keys.Single(k => k.Selector[0] == 'r'), (await bed.SetAsync()).Keys.Single(k => k.Selector[0] == 'e'));
        bed.Dns.Publish(rsa).Set(KeyRecordState.Different, ed25519);

        Assert.Null(await bed.RefusedAsync(s => s.CheckAsync(Administrator, bed.DomainId, Cancel)));
        Assert.Equal([KeyRecordState.Found, KeyRecordState.Different], (await bed.SetAsync()).In(DkimKeyState.Waiting).Select(k => k.LastFound));
        Assert.Equal([TestDatabase.Start, null], (await bed.SetAsync()).In(DkimKeyState.Waiting).Select(k => k.PublishedAt));

        bed.Dns.Publish(ed25519);
        Assert.Null(await bed.RefusedAsync(s => s.CheckAsync(Administrator, bed.DomainId, Cancel)));
        Assert.Equal("Active Active", await bed.StatesAsync());
        Assert.Equal("administrator@portal.test", await bed.Database.ReadAsync(db => db.Audit.Where(a => a.Action == "domain.dkim.activate").Select(a => a.ActorName).SingleAsync(Cancel)));

        bed.Dns.Set(KeyRecordState.Missing, rsa);
        Assert.Null(await bed.RefusedAsync(s => s.CheckAsync(Administrator, bed.DomainId, Cancel)));
        Assert.Equal([KeyRecordState.Missing, KeyRecordState.Found], (await bed.SetAsync()).In(DkimKeyState.Active).Select(k => k.LastFound));   // told, but it goes on
    }

    [Theory, BothDatabases]
    public async Task Only_a_retired_key_is_removed(DatabaseKind kind)
    {
        await using var bed = await DkimBed.CreateAsync(kind);
        var key = (await bed.SetAsync()).Keys[0];
        Assert.Equal("DkimNotRetired", await bed.RefusedAsync(s => s.RemoveAsync(Administrator, bed.DomainId, key.Id, Cancel)));
        await bed.Service.CancelAsync(Administrator, bed.DomainId, Cancel);

        Assert.Null(await bed.RefusedAsync(s => s.RemoveAsync(Administrator, bed.DomainId, key.Id, Cancel)));
        Assert.Equal("NotFoundDkimKey", await bed.RefusedAsync(s => s.RemoveAsync(Administrator, bed.DomainId, key.Id, Cancel)));
        Assert.Equal("Retired", await bed.StatesAsync());
    }

    [Theory, BothDatabases]
    public async Task How_often_keys_change_is_one_of_a_few_and_never_overwrites_another_hand(DatabaseKind kind)
    {
        await using var bed = await DkimBed.CreateActiveAsync(kind);

        Assert.Equal("DkimRotation", await bed.RefusedAsync(s => s.SetRotationAsync(Administrator, bed.DomainId, 0, 5, Cancel)));
        Assert.Null(await bed.RefusedAsync(s => s.SetRotationAsync(Administrator, bed.DomainId, 0, 6, Cancel)));
        Assert.Equal("ChangedByOthers", await bed.RefusedAsync(s => s.SetRotationAsync(Administrator, bed.DomainId, 0, null, Cancel)));

        var set = await bed.SetAsync();
        Assert.Equal((6, TestDatabase.Start.AddMonths(6), 1), (set.RotateEveryMonths, set.NextRotationAt, set.Version));
    }

    [Theory, BothDatabases]
    public async Task Outside_the_scope_reads_as_not_found(DatabaseKind kind)
    {
        await using var bed = await DkimBed.CreateAsync(kind);
        var other = Organisation.With(Role.Administrator, (await bed.Database.SeedDomainAsync("other.test")).Id);

        foreach (var act in Acts(bed, other)) Assert.Equal("NotFoundDomain", (await act.Value()).Refusal?.Key);
        Assert.True((await bed.Service.ListAsync(Organisation.With(Role.Administrator, bed.DomainId), bed.DomainId, Cancel)).IsDone);
    }

    [Theory, BothDatabases]
    public async Task The_keys_go_with_their_domain(DatabaseKind kind)
    {
        await using var bed = await DkimBed.CreateActiveAsync(kind);
        Assert.Equal(2, (await bed.Database.Get<DkimKeys>().ForAsync(DkimBed.Name, Cancel)).Count);

        Assert.True((await bed.Database.DomainService().DeleteAsync(Administrator, bed.DomainId, Cancel)).IsDone);

        Assert.Equal(0, await bed.Database.ReadAsync(db => db.DkimKeys.CountAsync(Cancel)));
        Assert.Empty(await bed.Database.Get<DkimKeys>().ForAsync(DkimBed.Name, Cancel));
    }

    [Theory]
    [BothDatabases(Role.User, "")]
    [BothDatabases(Role.Auditor, "")]
    [BothDatabases(Role.Helpdesk, "")]
    [BothDatabases(Role.Administrator, "ListAsync StartAsync CheckAsync ActivateAsync RotateAsync CancelAsync RemoveAsync SetRotationAsync")]
    public async Task Permissions(DatabaseKind kind, Role role, string allowed)
    {
        await using var bed = await DkimBed.CreateAsync(kind);
        await bed.Service.CancelAsync(Administrator, bed.DomainId, Cancel);   // so that they can be started and one removed

        await PermissionMatrix.CheckAsync<DkimKeyService>(Acts(bed, Organisation.With(role)), allowed);
    }

    /// <summary>Each method, in an order in which all can be done.</summary>
    private static Dictionary<string, Func<Task<Outcome>>> Acts(DkimBed bed, Actor actor) => new()
    {
        ["ListAsync"] = async () => await bed.Service.ListAsync(actor, bed.DomainId, Cancel),
        ["StartAsync"] = () => bed.Service.StartAsync(actor, bed.DomainId, Cancel),
        ["CheckAsync"] = () => bed.Service.CheckAsync(actor, bed.DomainId, Cancel),
        ["ActivateAsync"] = () => bed.Service.ActivateAsync(actor, bed.DomainId, Cancel),
        ["RotateAsync"] = () => bed.Service.RotateAsync(actor, bed.DomainId, Cancel),
        ["CancelAsync"] = () => bed.Service.CancelAsync(actor, bed.DomainId, Cancel),
        ["RemoveAsync"] = async () => await bed.Service.RemoveAsync(actor, bed.DomainId, (await bed.SetAsync()).Keys.MaxBy(k => k.State)!.Id, Cancel),
        ["SetRotationAsync"] = () => bed.Service.SetRotationAsync(actor, bed.DomainId, 0, 12, Cancel),
    };
}
