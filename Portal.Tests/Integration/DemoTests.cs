using System.Net;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Accounts;
using Portal.Core.Alerts;
using Portal.Core.Permissions;
using Portal.Core.Queue;
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
}
