using System.Net;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Accounts;
using Portal.Core.Alerts;
using Portal.Core.Domains;
using Portal.Core.Permissions;
using Portal.Core.Queue;
using Portal.Core.Recipients;
using Portal.Core.Trace;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Integration;

/// <summary>The demo fills an empty system once, marked as demo, and gives one way in for each role.</summary>
public class DemoTests
{
    [Theory, BothDatabases]
    public async Task An_empty_system_becomes_an_organisation_with_a_day_of_mail(DatabaseKind kind)
    {
        var settings = PortalHost.FreshSettings(TestFolder.Create(), "127.0.0.1:1");
        if (kind == DatabaseKind.Postgres)
        {
            var postgres = await PostgresServer.SharedAsync();
            settings["Portal:Database:Provider"] = "Postgres";
            settings["Portal:Database:ConnectionString"] = postgres.ConnectionString(await postgres.CreateDatabaseAsync());
        }

        var (status, output, error) = await PortalProcess.RunAsync(settings, null, "demo");
        Assert.True(status == 0, error);
        var second = await PortalProcess.RunAsync(settings, null, "demo");
        Assert.Equal(1, second.Status);
        Assert.Contains("empty systems only", second.Error, StringComparison.Ordinal);

        await using var portal = await PortalHost.StartAsync(new PortalHostWishes { Settings = settings, DataFolder = settings["Portal:DataFolder"] });
        Assert.Null(portal.SetupToken);
        Assert.Contains(portal.Get<SystemNotices>().Current, n => n is { Key: "DemoData", Severity: NoticeSeverity.Information });
        Assert.Equal(50, await portal.ReadAsync(db => db.Mailboxes.CountAsync()));
        Assert.Equal(49, await portal.ReadAsync(db => db.Mailboxes.CountAsync(m => m.IsDemo)));
        Assert.False(await portal.ReadAsync(db => db.Addresses.AnyAsync(a => !a.IsPrimary && !a.IsDemo)));
        Assert.True(await portal.ReadAsync(db => db.Messages.CountAsync()) > 150);
        Assert.False(await portal.ReadAsync(db => db.Traces.AnyAsync(t => !t.IsDemo)));
        Assert.True(await portal.ReadAsync(db => db.Traces.CountAsync(t => t.Outcome == TraceOutcome.Refused)) > 20);
        Assert.True(await portal.ReadAsync(db => db.QueueEntries.Where(e => e.IsDemo).Select(e => e.Cause).Distinct().CountAsync()) >= 6);
        Assert.True(await portal.ReadAsync(db => db.QueueEntries.AnyAsync(e => e.State == QueueState.Held)));
        Assert.True(await portal.ReadAsync(db => db.Messages.AnyAsync(m => m.Subject!.Contains("周四全员大会"))));

        var signIns = output.Trim().Split('\n').Skip(1).Select(line => line.Split(' ')).ToDictionary(words => words[0].TrimEnd(':'), words => (Address: words[1], Password: words[3]));
        Assert.Equal(["Administrator", "Auditor", "Helpdesk", "User"], signIns.Keys.Order());
        foreach (var (role, (address, password)) in signIns)
        {
            var verdict = await portal.Get<AccountAuthenticator>().VerifyAsync(address, password, IPAddress.Loopback, Channel.Portal, CancellationToken.None);
            Assert.Equal(AuthenticationKind.Succeeded, verdict.Kind);
            Assert.Contains(Enum.Parse<Role>(role), verdict.Account!.HeldRoles.Select(r => r.Role));
        }
    }

    [Fact]
    public async Task A_system_with_other_domains_and_taken_names_gets_a_domain_of_the_demos_own()
    {
        var settings = PortalHost.FreshSettings(TestFolder.Create(), "127.0.0.1:1");
        await using (var before = await PortalHost.StartAsync(new PortalHostWishes { Settings = settings }))
        {
            Assert.True((await before.Get<DomainService>().CreateAsync(Actor.Operator(), "second.example", null, null, CancellationToken.None)).IsDone);
            var domain = await before.ReadAsync(db => db.Domains.SingleAsync(d => d.Name == PortalHost.Domain));
            Assert.True((await before.Get<AliasService>().CreateAsync(Actor.Operator(), new AliasContent { DomainId = domain.Id, LocalPart = "info", Targets = ["someone@elsewhere.example"] }, CancellationToken.None)).IsDone);
        }

        var (status, output, error) = await PortalProcess.RunAsync(settings, null, "demo");
        Assert.True(status == 0, error);
        Assert.Contains(PortalHost.AdminAddress, output, StringComparison.Ordinal);

        await using var portal = await PortalHost.StartAsync(new PortalHostWishes { Settings = settings });
        var made = await portal.ReadAsync(db => db.Domains.SingleAsync(d => d.IsDemo));
        Assert.Equal("northlight.example", made.Name);
        Assert.Equal(49, await portal.ReadAsync(db => db.Mailboxes.CountAsync(m => m.IsDemo && m.DomainId == made.Id)));
        Assert.Equal(["admin", "info"], (await portal.ReadAsync(db => db.Addresses.Where(a => !a.IsDemo).Select(a => a.LocalPart).ToListAsync())).Order());
        Assert.Equal(1, await portal.ReadAsync(db => db.Forwarders.CountAsync(f => !f.IsDemo)));
    }
}
