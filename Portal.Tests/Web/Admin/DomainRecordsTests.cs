using System.Globalization;
using Bunit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using MudBlazor.Services;
using Portal.Core.Domains;
using Portal.Smtp.Dns;
using Portal.Tests.Smtp.Dns;
using Portal.Web.Admin.Domains;
using Portal.Web.Components.Shared;
using Portal.Web.Hosting;

namespace Portal.Tests.Web.Admin;

/// <summary>The DNS tab of a domain: what should be published, and what the DNS answers.</summary>
public sealed class DomainRecordsTests : BunitContext, IAsyncLifetime
{
    private static readonly DomainRow Domain = new(Guid.CreateVersion7(), "xn--bcher-kva.example", "bücher.example", null, null, false, null, new(MtaStsMode.Testing, null, null), 0, 0, DateTimeOffset.UnixEpoch, false, 0);
    private readonly FakeDns dns = new();
    private readonly FakeTimeProvider clock = new();

    public DomainRecordsTests()
    {
        CultureInfo.CurrentCulture = CultureInfo.CurrentUICulture = CultureInfo.GetCultureInfo("en");
        JSInterop.Mode = JSRuntimeMode.Loose;
        Services.AddMudServices();
        Services.AddLocalization();
        Services.AddSingleton<TimeProvider>(clock);
        Services.AddSingleton(Options.Create(new HostingOptions { HostName = "mx.portal.test" }));
        Services.AddSingleton<IMailDns>(dns);
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    ValueTask IAsyncDisposable.DisposeAsync() => base.DisposeAsync();

    [Fact]
    public void What_is_published_as_it_should_be_is_the_same_and_counted()
    {
        PublishAll();

        var page = Render();

        Assert.Equal(Enumerable.Repeat(Word(Status.Published), 6), Chips(page));
        Assert.Equal("6 of 6 records are published as they should be.", page.Find(".notice.green").TextContent);
        Assert.Equal(["xn--bcher-kva.example.", "xn--bcher-kva.example.", "_dmarc.xn--bcher-kva.example.", "_mta-sts.xn--bcher-kva.example.", "mta-sts.xn--bcher-kva.example.", "_smtp._tls.xn--bcher-kva.example."],
            page.FindAll(".facts-group").Select(g => g.QuerySelector("bdi")!.TextContent));
    }

    [Fact]
    public void Another_record_is_different_and_shown_with_the_reason_and_none_is_missing()
    {
        PublishAll();
        dns.Mx(Domain.Name, (10, "mx.portal.test"), (20, "backup.example.net")).Text($"_dmarc.{Domain.Name}", "v=DMARC1; p=none").Text($"_smtp._tls.{Domain.Name}");

        var page = Render();

        Assert.Equal([Word(Status.Different), Word(Status.Published), Word(Status.Different), Word(Status.Published), Word(Status.Published), Word(Status.Missing)], Chips(page));
        Assert.Equal("3 of 6 records are published as they should be.", page.Find(".notice.blue").TextContent);
        foreach (var said in new[] { "20 backup.example.net.", "Mail for the domain goes to backup.example.net.", "v=DMARC1; p=none", "p=none asks for nothing.", "The DNS has no such record." })
            Assert.Contains(said, page.Find(".stack").TextContent, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_SPF_records_are_different_though_one_be_right()
    {
        dns.Mx(Domain.Name, (10, "mx.portal.test")).Text(Domain.Name, "v=spf1 mx -all", "v=spf1 include:_spf.example.net ~all");

        Assert.Equal([Word(Status.Published), Word(Status.Different)], Chips(Render()).Take(2));
    }

    [Fact]
    public void A_name_that_is_not_there_is_missing_and_a_DNS_that_fails_could_not_be_asked_until_it_answers()
    {
        Assert.Equal(Enumerable.Repeat(Word(Status.Missing), 6), Chips(Render()));

        foreach (var label in new[] { "", "_dmarc.", "_mta-sts.", "mta-sts.", "_smtp._tls." }) dns.Fail(label + Domain.Name);
        var page = Render();
        Assert.Equal(Enumerable.Repeat(Word(Status.NotAsked), 6), Chips(page));
        Assert.Equal("0 of 6 records are published as they should be.", page.Find(".notice.blue").TextContent);

        PublishAll();
        page.Find("button.mud-button-root").Click();
        page.WaitForAssertion(() => Assert.Equal(Enumerable.Repeat(Word(Status.Published), 6), Chips(page)));
    }

    [Fact]
    public void The_page_stands_before_a_DNS_that_is_silent_and_stops_waiting_for_it()
    {
        Services.AddSingleton<IMailDns>(new SilentDns());

        var page = Render();

        Assert.Contains("v=spf1", page.Markup, StringComparison.Ordinal);
        Assert.Empty(Chips(page));
        Assert.StartsWith("Asking DNS", page.Find(".notice.blue").TextContent, StringComparison.Ordinal);
        clock.Advance(TimeSpan.FromSeconds(5));
        page.WaitForAssertion(() => Assert.Equal(Enumerable.Repeat(Word(Status.NotAsked), 6), Chips(page)));
    }

    [Fact]
    public void Keys_that_are_not_retired_have_a_record_that_is_looked_for_too()
    {
        PublishAll();
        DkimKeyRow[] keys = [Key("r1", SigningAlgorithm.RsaSha256), Key("e1", SigningAlgorithm.Ed25519Sha256), Key("r0", SigningAlgorithm.RsaSha256, DkimKeyState.Retired)];
        dns.Text("r1._domainkey.xn--bcher-kva.example", "v=DKIM1;p=MIIB");

        var page = Render<DomainRecords>(p => p.Add(r => r.Domain, Domain).Add(r => r.Keys, keys));
        Assert.Equal([Word(Status.Published), Word(Status.Published), Word(Status.Published), Word(Status.Missing)], Chips(page).Take(4));
        Assert.Equal("7 of 8 records are published as they should be.", page.Find(".notice.blue").TextContent);
        Assert.DoesNotContain("r0._domainkey", page.Markup, StringComparison.Ordinal);

        page.Render(p => p.Add(r => r.Keys, [Key("r2", SigningAlgorithm.RsaSha256)]));
        page.WaitForAssertion(() => Assert.Equal([Word(Status.Published), Word(Status.Published), Word(Status.Missing), Word(Status.Published)], Chips(page).Take(4)));

        static DkimKeyRow Key(string selector, SigningAlgorithm algorithm, DkimKeyState state = DkimKeyState.Active) =>
            new(Guid.NewGuid(), selector, algorithm, state, DkimRecord.Of(Domain.Name, selector, algorithm, "MIIB"), DateTimeOffset.UnixEpoch, null, null, null, null, null);
    }

    [Fact]
    public void A_policy_that_is_changed_has_a_record_that_is_looked_for_anew_and_one_that_is_gone_has_none()
    {
        PublishAll();
        var page = Render();

        page.Render(p => p.Add(r => r.Domain, Domain with { MtaSts = new(MtaStsMode.Enforce, null, null) }));
        page.WaitForAssertion(() => Assert.Equal([Word(Status.Published), Word(Status.Different), Word(Status.Published)], Chips(page).Skip(2).Take(3)));
        Assert.Contains("Its id is not that of the policy served now", page.Markup, StringComparison.Ordinal);

        page.Render(p => p.Add(r => r.Domain, Domain with { MtaSts = new(MtaStsMode.None, null, null) }));
        page.WaitForAssertion(() => Assert.Equal("4 of 4 records are published as they should be.", page.Find(".notice.green").TextContent));
    }

    private void PublishAll() => dns
        .Mx(Domain.Name, (20, "MX.portal.test"))
        .Text(Domain.Name, "google-site-verification=x", "v=spf1  mx -all")
        .Text($"_dmarc.{Domain.Name}", "v=DMARC1; p=reject")
        .Text($"_mta-sts.{Domain.Name}", new MtaStsPolicy(MtaStsMode.Testing, 1, "mx.portal.test").Record)
        .Host("mx.portal.test", "192.0.2.1")
        .Host($"mta-sts.{Domain.Name}", "192.0.2.1")
        .Text($"_smtp._tls.{Domain.Name}", "v=TLSRPTv1; rua=mailto:tls@example.org");

    private static string Word(Status status) => status switch { Status.Published => "As it should be", Status.Different => "Different", Status.Missing => "Missing", _ => "Could not be asked" };

    private static List<string> Chips(IRenderedComponent<DomainRecords> page) => [.. page.FindAll(".chip").Select(c => c.TextContent.Trim())];

    private IRenderedComponent<DomainRecords> Render() => Render<DomainRecords>(p => p.Add(r => r.Domain, Domain));
}
