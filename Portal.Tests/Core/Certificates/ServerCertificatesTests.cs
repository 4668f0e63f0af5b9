using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Portal.Core;
using Portal.Core.Alerts;
using Portal.Core.Certificates;
using Portal.Core.Data;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Certificates;

/// <summary>Files that come, go and are late; certificates that run out; what log, banner and page say of it.</summary>
public sealed class ServerCertificatesTests : IDisposable
{
    private const string Name = "mail.example.org";
    private readonly TestAuthority authority = new();
    private readonly FakeTimeProvider clock = new(DateTimeOffset.UtcNow);
    private readonly RecordingLogger<ServerCertificates> log = new(LogLevel.Information);
    private readonly string data = TestFolder.Create();
    private readonly SystemNotices notices;
    private readonly List<ServerCertificates> made = [];

    public ServerCertificatesTests()
    {
        notices = new SystemNotices(clock, NullLogger<SystemNotices>.Instance);
        Directory.CreateDirectory(Folder);
    }

    private string Folder => Path.Combine(data, "certificates");

    public void Dispose()
    {
        foreach (var one in made) one.Dispose();
        authority.Dispose();
    }

    [Fact]
    public void Everything_in_the_folder_is_read_in_whatever_layout_and_shown_for_its_names()
    {
        authority.Issue("pair.example.org").WritePair(Folder, "pair");
        var crt = authority.Issue("crt.example.org");
        Write("crt.crt", crt.Chain);
        Write("crt.key", crt.Key);
        var one = authority.Issue("one.example.org");
        Write("one.pem", one.Chain + one.Key);
        File.WriteAllBytes(Path.Combine(Folder, "p.pfx"), authority.Issue("pfx.example.org").Pfx("secret"));
        Write("p.pass", "secret\n");
        var certbot = authority.Issue("certbot.example.org");
        foreach (var (name, text) in new[] { ("fullchain.pem", certbot.Chain), ("privkey.pem", certbot.Key), ("cert.pem", certbot.Chain), ("chain.pem", authority.IntermediatePem), ("README", "") }) Write($"certbot/{name}", text);
        var flat = authority.Issue("flat.example.org");
        foreach (var (name, text) in new[] { ("fullchain.pem", flat.Chain), ("privkey.pem", flat.Key), ("cert.pem", flat.Chain), ("chain.pem", authority.IntermediatePem) }) Write(name, text);
        var elsewhere = TestFolder.Create();
        authority.Issue("elsewhere.example.org").WritePair(elsewhere, "x");
        var certificates = Make(new() { Certificates = [new() { File = Path.Combine(elsewhere, "x.pem"), Key = Path.Combine(elsewhere, "x.key") }] });

        foreach (var host in new[] { "pair", "crt", "one", "pfx", "certbot", "flat", "elsewhere" }) Assert.Equal($"CN={host}.example.org", Shown(certificates, $"{host}.example.org"));
        Assert.Empty(notices.Current);
        Assert.True(certificates.IsSelfSigned);   // for whoever asks for no name
        Assert.True(certificates.IsGoodFor("pair.example.org"));
        Assert.False(certificates.IsGoodFor("unknown.example.org"));
        Assert.Equal("CN=mx.portal.test", Shown(certificates, null));
    }

    [Fact]
    public void Without_a_default_the_one_of_the_host_name_is_it()
    {
        authority.Issue("mx.portal.test").WritePair(Folder, "mx");
        var certificates = Make(new());

        Assert.False(certificates.IsSelfSigned);
        Assert.Equal(CertificateProblem.None, certificates.Problem);
        Assert.Equal("CN=mx.portal.test", Shown(certificates, "unknown.example.org"));
        Assert.False(File.Exists(Path.Combine(data, "self-signed.pem")));
    }

    [Theory]
    [InlineData("certificate first")]
    [InlineData("key first")]
    [InlineData("half written")]
    [InlineData("taken away between")]
    [InlineData("links that change")]
    public async Task A_pair_whose_other_half_is_late_keeps_the_old_one_in_use_and_says_so_only_when_it_lasts(string order)
    {
        var (old, renewed) = (authority.Issue(Name, 20), authority.Issue(Name, 90));
        if (order == "links that change")
        {
            Write("archive/1.pem", old.Chain);
            Write("archive/1.key", old.Key);
            Write("archive/2.pem", renewed.Chain);
            Write("archive/2.key", renewed.Key);
            Link("mail.pem", "archive/1.pem");
            Link("mail.key", "archive/1.key");
        }
        else
        {
            old.WritePair(Folder, "mail");
        }

        var certificates = Make(new());
        switch (order)
        {
            case "certificate first": Write("mail.pem", renewed.Chain); break;
            case "key first": Write("mail.key", renewed.Key); break;
            case "half written": Write("mail.pem", renewed.Chain[..200]); break;
            case "taken away between": File.Delete(Path.Combine(Folder, "mail.pem")); break;
            default: Link("mail.pem", "archive/2.pem"); break;
        }

        Look(certificates, seconds: 5);
        Assert.Equal(old.Certificate.Thumbprint, certificates.Choose(Name, clock.GetUtcNow()).Certificate.Thumbprint);
        Assert.Empty(notices.Current);
        Assert.Null(Assert.Single(await RowsAsync(certificates), r => r.Origin == CertificateOrigin.Folder).Trouble);

        if (order == "links that change") Link("mail.key", "archive/2.key");
        else renewed.WritePair(Folder, "mail");
        Look(certificates, seconds: 5);
        Assert.Equal(renewed.Certificate.Thumbprint, certificates.Choose(Name, clock.GetUtcNow()).Certificate.Thumbprint);
        Assert.DoesNotContain(log.Lines, l => l.Contains("can't be", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_stays_wrong_for_a_minute_is_told_once_and_the_old_one_stays_in_use()
    {
        var old = authority.Issue(Name, 90);
        old.WritePair(Folder, "mail");
        var certificates = Make(new());
        Write("mail.pem", authority.Issue(Name, 90).Chain);

        for (var i = 0; i < 30; i++) Look(certificates, seconds: 5);

        Assert.Equal(old.Certificate.Thumbprint, certificates.Choose(Name, clock.GetUtcNow()).Certificate.Thumbprint);
        Assert.Equal("CertificateTrouble", Assert.Single(notices.Current).Key);
        Assert.Single(log.Lines, l => l.Contains("can't be renewed: KeyDoesNotFit", StringComparison.Ordinal) && l.Contains("mail.key", StringComparison.Ordinal));
        var row = Assert.Single(await RowsAsync(certificates), r => r.Origin == CertificateOrigin.Folder);
        Assert.Equal(CertificateFault.KeyDoesNotFit, row.Trouble?.Fault);
        Assert.Equal(old.Certificate.GetCertHashString(System.Security.Cryptography.HashAlgorithmName.SHA256), row.Facts?.Fingerprint);

        old.WritePair(Folder, "mail");
        Look(certificates, seconds: 5);
        Assert.Empty(notices.Current);
    }

    [Fact]
    public async Task What_comes_later_is_shown_and_what_goes_away_is_forgotten_after_a_minute()
    {
        var certificates = Make(new());
        Assert.Equal("CN=mx.portal.test", Shown(certificates, Name));

        authority.Issue(Name).WritePair(Folder, "mail");
        Look(certificates, seconds: 5);
        Assert.Equal($"CN={Name}", Shown(certificates, Name));

        foreach (var file in Directory.GetFiles(Folder)) File.Delete(file);
        Look(certificates, seconds: 5);
        Assert.Equal($"CN={Name}", Shown(certificates, Name));   // whoever replaces them takes them away for a moment too

        Look(certificates, seconds: 60);
        Assert.Equal("CN=mx.portal.test", Shown(certificates, Name));
        Assert.Equal(CertificateOrigin.SelfSigned, Assert.Single(await RowsAsync(certificates)).Origin);
        Assert.Empty(notices.Current);
        Assert.Contains(log.Lines, l => l.Contains("is no longer shown", StringComparison.Ordinal));
    }

    [Fact]
    public void One_whose_key_still_lies_there_or_whose_folder_is_away_is_not_forgotten()
    {
        authority.Issue(Name).WritePair(Folder, "mail");
        var certificates = Make(new());
        File.Delete(Path.Combine(Folder, "mail.pem"));
        for (var i = 0; i < 20; i++) Look(certificates, seconds: 5);
        Assert.Equal($"CN={Name}", Shown(certificates, Name));

        Directory.Move(Folder, Folder + ".away");
        for (var i = 0; i < 20; i++) Look(certificates, seconds: 5);
        Assert.Equal($"CN={Name}", Shown(certificates, Name));
    }

    [Fact]
    public void The_self_signed_one_needs_no_disk()
    {
        Directory.CreateDirectory(Path.Combine(data, "self-signed.pem"));   // nothing can be written there

        var certificates = Make(new());

        Assert.Equal("CN=mx.portal.test", Shown(certificates, null));
        Assert.Contains(log.Lines, l => l.Contains("can't be kept", StringComparison.Ordinal));
        Assert.Equal(["certificates", "self-signed.pem"], Directory.GetFileSystemEntries(data).Select(e => Path.GetFileName(e)).Order());
    }

    [Fact]
    public void A_setting_that_is_empty_is_one_that_is_not_there()
    {
        var certificates = Make(new() { Certificate = "", Key = " ", PasswordFile = "", Folder = "", AcmeWebRoot = "" });

        Assert.Equal(("CN=mx.portal.test", CertificateProblem.None), (Shown(certificates, null), certificates.Problem));
        Assert.Equal(Path.Combine(data, "acme"), new TlsOptions { AcmeWebRoot = "" }.AcmeWebRootIn(data));
    }

    [Fact]
    public async Task A_default_that_is_lost_while_the_program_runs_stays_in_use()
    {
        authority.Issue(Name).WritePair(data, "own");
        var certificates = Make(new() { Certificate = Path.Combine(data, "own.pem"), Key = Path.Combine(data, "own.key") });
        File.Delete(Path.Combine(data, "own.pem"));

        for (var i = 0; i < 20; i++) Look(certificates, seconds: 5);

        Assert.Equal($"CN={Name}", Shown(certificates, null));
        Assert.Equal((CertificateProblem.None, false), (certificates.Problem, certificates.IsSelfSigned));
        Assert.Equal("CertificateTrouble", Assert.Single(notices.Current).Key);
        Assert.Equal(CertificateFault.FileMissing, Assert.Single(await RowsAsync(certificates)).Trouble?.Fault);
    }

    [Fact]
    public async Task The_folder_itself_may_be_missing_or_hold_ten_thousand_files()
    {
        var missing = Make(new() { Folder = Path.Combine(data, "nowhere") });
        Assert.Equal(CertificateFault.FolderMissing, Assert.Single(await RowsAsync(missing), r => r.Origin == CertificateOrigin.Folder).Trouble?.Fault);

        var many = TestFolder.Create();
        for (var i = 0; i < 10_000; i++) await File.WriteAllTextAsync(Path.Combine(many, $"{i}.pem"), "x", TestContext.Current.CancellationToken);
        var full = Make(new() { Folder = many });
        var rows = await RowsAsync(full);
        Assert.Single(rows, r => r.Trouble?.Fault == CertificateFault.FolderTooFull);
        Assert.Equal(CertificateFolder.MaxEntries + 2, rows.Count);   // those looked at, the folder, the self-signed one
        Assert.Equal("CN=mx.portal.test", Shown(full, Name));
    }

    [Fact]
    public void The_end_is_told_of_at_30_14_7_and_1_days_once_each_and_administrators_see_it_from_14_on()
    {
        authority.Issue(Name, 40).WritePair(Folder, "mail");
        authority.Issue("good.example.org", 400).WritePair(Folder, "good");
        var certificates = Make(new());
        var told = new List<int>();
        var shown = new List<int>();

        for (var hours = 0; hours < 41 * 24; hours += 6)
        {
            var before = log.Lines.Count;
            Look(certificates, seconds: 6 * 60 * 60);
            Look(certificates, seconds: 5);
            var left = (int)Math.Ceiling(40 - (hours + 6) / 24.0);
            if (log.Lines.Count > before) told.Add(left);
            if (notices.Current.Any(n => n.Key == "CertificateEnds" && n.Needs == Capability.ManageSettings && Equals(n.Arguments[0], Name))) shown.Add(left);
        }

        Assert.Equal([30, 14, 7, 1, 0], told.Select(d => Math.Max(d, 0)));
        Assert.Equal(Enumerable.Range(1, 14).Reverse(), shown.Distinct());
        Assert.Equal("CertificateEnded", Assert.Single(notices.Current).Key);
        Assert.Single(log.Lines, l => l.Contains("has expired", StringComparison.Ordinal));
        Assert.Equal($"CN={Name}", Shown(certificates, Name));   // nothing better is there

        authority.Issue(Name, 90, now: clock.GetUtcNow()).WritePair(Folder, "mail");
        Look(certificates, seconds: 5);
        Assert.Empty(notices.Current);
    }

    [Fact]
    public void A_pair_that_another_has_replaced_for_all_its_names_frightens_nobody()
    {
        authority.Issue(Name, -3).WritePair(Folder, "old");
        authority.Issue(Name, 90).WritePair(Folder, "renewed");
        _ = Make(new());

        Assert.Empty(notices.Current);
        Assert.DoesNotContain(log.Lines, l => l.Contains("expired", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(41.0, null)]
    [InlineData(30.01, null)]
    [InlineData(30.0, 30)]
    [InlineData(14.01, 30)]
    [InlineData(14.0, 14)]
    [InlineData(7.0, 7)]
    [InlineData(1.01, 7)]
    [InlineData(1.0, 1)]
    [InlineData(0.01, 1)]
    [InlineData(0.0, 0)]
    [InlineData(-5.0, 0)]
    public void The_threshold_that_was_reached_last_counts(double daysLeft, int? wanted) =>
        Assert.Equal(wanted, CertificateFacts.Reached(clock.GetUtcNow().AddDays(daysLeft), clock.GetUtcNow()));

    [Fact]
    public async Task Only_who_manages_the_settings_of_everything_sees_the_list()
    {
        var service = new CertificateService(Make(new()), clock);
        var domain = Actor.ForAccount(Guid.NewGuid(), "d@example.org", [new(Role.Administrator, new Scope(Guid.NewGuid()))], Channel.Portal, null);

        foreach (var actor in new[] { domain, Actor.Visitor(null) })
        {
            Assert.IsType<NotPermitted>((await service.ListAsync(actor, CancellationToken.None)).Refusal);
            Assert.IsType<NotPermitted>((await service.LookAgainAsync(actor, CancellationToken.None)).Refusal);
        }

        Assert.True((await service.LookAgainAsync(Actor.Operator(), CancellationToken.None)).IsDone);
    }

    private ServerCertificates Make(TlsOptions options)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new("Portal:HostName", "mx.portal.test")]).Build();
        var certificates = new ServerCertificates(Options.Create(options), Options.Create(new StorageOptions { DataFolder = data }), configuration, notices, clock, log);
        made.Add(certificates);
        return certificates;
    }

    private void Look(ServerCertificates certificates, int seconds)
    {
        clock.Advance(TimeSpan.FromSeconds(seconds));
        certificates.Look();
    }

    private async Task<IReadOnlyList<CertificateRow>> RowsAsync(ServerCertificates certificates) =>
        (await new CertificateService(certificates, clock).ListAsync(Actor.Operator(), CancellationToken.None)).Value;

    private string Shown(ServerCertificates certificates, string? name) => certificates.Choose(name, clock.GetUtcNow()).Certificate.Subject;

    private void Write(string name, string text)
    {
        var file = Path.Combine(Folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
    }

    private void Link(string name, string target)
    {
        var link = Path.Combine(Folder, name);
        File.Delete(link);
        File.CreateSymbolicLink(link, target);
    }
}
