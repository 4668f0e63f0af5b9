using Microsoft.EntityFrameworkCore;
using Portal.Core.Accounts;
using Portal.Core.Audit;
using Portal.Core.Data;
using Portal.Core.Domains;
using Portal.Core.Mailboxes;
using Portal.Core.Messages;
using Portal.Core.Permissions;
using Portal.Core.Recipients;
using Portal.Core.Trace;
using Portal.Web.Hosting;

namespace Portal.Web.Cli.Demo;

/// <summary>One way in, for each role.</summary>
internal sealed record DemoSignIn(Role Role, string Address, string? Password);

/// <summary>Fills an empty system with a believable organisation: people, names, a day of mail; everything marked as demo.</summary>
internal sealed class DemoSeeder(CommandHost host)
{
    private const string OwnDomain = "northlight.example";

    private static readonly (string LocalPart, Role Role)[] WithPassword = [("julia.hartmann", Role.Helpdesk), ("george.hill", Role.Auditor), ("sophie.keller", Role.User)];

    private static readonly (string LocalPart, string[] Targets)[] Forwarders =
    [
        ("info", ["emma.fischer", "tang.meiling"]), ("sales", ["sophie.keller", "zhang.lei", "daniel.okafor"]), ("support", ["martin.berg", "jiang.hong"]),
        ("jobs", ["emma.fischer", "robert.king"]), ("invoices", ["laura.bianchi", "zheng.lihua"]), ("press", ["isabel.moreno", "agency@press-desk.example"]), ("it", ["felix.wagner", "deng.kai"]),
    ];

    private static readonly (string LocalPart, string Mailbox)[] OtherNames = [("m.vogt", "marianne.vogt"), ("weiming.chen", "chen.weiming"), ("dpo", "robert.king"), ("security", "felix.wagner")];

    private readonly DateTimeOffset now = TimeProvider.System.GetUtcNow();

    private DbContextSource Databases => new(host.Get<IDbContextFactory<PortalDbContext>>(), host.Get<WriteGate>());

    /// <summary>Refuses a system that holds a message, or a mailbox beside the first administrator's.</summary>
    public async Task<(IReadOnlyList<DemoSignIn> SignIns, int Messages)> SeedAsync(CancellationToken cancel)
    {
        await DemandEmptyAsync(cancel);
        var administrator = await AdministratorAsync(cancel);
        var domain = await DomainAsync(cancel);
        var signIns = new List<DemoSignIn> { administrator };
        var mailboxes = new Dictionary<string, Guid>(StringComparer.Ordinal);
        foreach (var person in DemoScript.People) mailboxes[person.LocalPart] = await AddPersonAsync(person, domain, signIns, cancel);
        await AddNamesAsync(domain, mailboxes, cancel);

        var writer = await host.StartAsync<MailWriter>(cancel);
        var traffic = new DemoTraffic(host.Get<ContentSpoolFactory>(), writer, mailboxes, domain.Name, now);
        var sent = await traffic.SendAsync(DemoScript.Letters(), cancel);
        var attempts = await traffic.DeferAsync(cancel);
        await AddTroublesAsync(domain, attempts, cancel);
        return (signIns, sent);
    }

    private async Task DemandEmptyAsync(CancellationToken cancel)
    {
        var isFilled = await Databases.ReadAsync(async db => await db.Messages.AnyAsync(cancel) || await db.Mailboxes.Take(2).CountAsync(cancel) > 1, cancel);
        if (isFilled) throw new StartRefused(CliText.Say("DemoNotEmpty"));
    }

    /// <summary>The administrator there is, whose password is theirs; or one of our own.</summary>
    private async Task<DemoSignIn> AdministratorAsync(CancellationToken cancel)
    {
        var setup = host.Get<SetupService>();
        if (await setup.IsSetUpAsync(cancel))
            return new DemoSignIn(Role.Administrator, await Databases.ReadAsync(db => db.Mailboxes.Select(m => m.PrimaryAddress).FirstAsync(cancel), cancel), null);

        var password = PasswordRules.Generate();
        (await setup.SetUpAsync(CommandHost.Actor, new SetupRequest(null, "Northlight Instruments 北辰仪器", OwnDomain, $"admin@{OwnDomain}", "Alex Norden", password), cancel)).OrRefuse();
        return new DemoSignIn(Role.Administrator, $"admin@{OwnDomain}", password);
    }

    /// <summary>The administrator's domain; where a name of the demo is taken in it, or it is another domain's alias or takes no mail, one of the demo's own.</summary>
    private async Task<Domain> DomainAsync(CancellationToken cancel)
    {
        var names = DemoScript.People.Select(p => p.LocalPart).Concat(Forwarders.Select(f => f.LocalPart)).Concat(OtherNames.Select(n => n.LocalPart)).ToList();
        var theirs = await Databases.ReadAsync(db => db.Mailboxes.Join(db.Domains, m => m.DomainId, d => d.Id, (m, d) => d.Name).FirstAsync(cancel), cancel);
        for (var (name, number) = (theirs, 1); ; name = number == 1 ? OwnDomain : $"northlight{number}.example", number++)
        {
            var domain = await Databases.ReadAsync(db => db.Domains.AsNoTracking().SingleOrDefaultAsync(d => d.Name == name, cancel), cancel);
            if (domain is null) return await AddDomainAsync(name, cancel);
            if (domain is { AliasOfId: null, IsDisabled: false } && !await Databases.ReadAsync(db => db.Addresses.AnyAsync(a => a.DomainId == domain.Id && names.Contains(a.LocalPart), cancel), cancel)) return domain;
        }
    }

    private async Task<Domain> AddDomainAsync(string name, CancellationToken cancel)
    {
        var domain = new Domain { Name = name, DisplayName = name, CreatedAt = now, IsDemo = true };
        await Databases.WriteAsync(db =>
        {
            db.Domains.Add(domain);
            db.Raise(Change.Directory);
            return Task.CompletedTask;
        }, cancel);
        return domain;
    }

    private async Task<Guid> AddPersonAsync(DemoPerson person, Domain domain, List<DemoSignIn> signIns, CancellationToken cancel)
    {
        var address = $"{person.LocalPart}@{domain.Name}";
        Role? role = WithPassword.Where(w => w.LocalPart == person.LocalPart).Select(w => (Role?)w.Role).SingleOrDefault();
        var hasPassword = role is not null;
        var wanted = new NewMailbox(address, person.Name, hasPassword ? FirstCredential.Password : FirstCredential.None)
        {
            IsDemo = true,
            QuotaBytes = person.Department == "Management" ? 5L << 30 : 2L << 30,
            Roles = role is Role.Helpdesk or Role.Auditor ? [role.Value] : [],
        };
        var made = (await host.Get<MailboxService>().CreateAsync(CommandHost.Actor, wanted, cancel)).OrRefuse();
        if (hasPassword) signIns.Add(new DemoSignIn(role!.Value, address, made.Credential.Password));
        return made.MailboxId;
    }

    private async Task AddNamesAsync(Domain domain, Dictionary<string, Guid> mailboxes, CancellationToken cancel)
    {
        var aliases = host.Get<AliasService>();
        var made = new List<Guid>();
        foreach (var (localPart, targets) in Forwarders)
        {
            var whole = targets.Select(t => t.Contains('@', StringComparison.Ordinal) ? t : $"{t}@{domain.Name}").ToList();
            made.Add((await aliases.CreateAsync(CommandHost.Actor, new AliasContent { DomainId = domain.Id, LocalPart = localPart, Targets = whole }, cancel)).OrRefuse());
        }

        foreach (var (localPart, mailbox) in OtherNames)
            made.Add((await aliases.CreateAsync(CommandHost.Actor, new AliasContent { DomainId = domain.Id, LocalPart = localPart, MailboxId = mailboxes[mailbox] }, cancel)).OrRefuse());

        await Databases.WriteAsync(async db =>
        {
            var addresses = db.Addresses.Where(a => made.Contains(a.Id));
            await addresses.ExecuteUpdateAsync(a => a.SetProperty(x => x.IsDemo, true), cancel);
            await db.Forwarders.Where(f => addresses.Any(a => a.ForwarderId == f.Id)).ExecuteUpdateAsync(f => f.SetProperty(x => x.IsDemo, true), cancel);
        }, cancel);
    }

    private Task AddTroublesAsync(Domain domain, IReadOnlyList<TraceEvent> attempts, CancellationToken cancel) => Databases.WriteAsync(db =>
    {
        db.TraceEvents.AddRange(attempts);
        var minutes = 20;
        foreach (var refusal in DemoTroubles.Refused.SelectMany(r => Enumerable.Repeat(r, r.Times)))
        {
            var (trace, session, recipient) = DemoTroubles.Rows(refusal, domain.Name, now.AddMinutes(-minutes));
            db.Traces.Add(trace);
            db.TraceEvents.Add(session);
            db.TraceRecipients.Add(recipient);
            minutes += 43;
        }

        db.Audit.Add(AuditEntry.Change(CommandHost.Actor, now, "system.demo", domain.Name, null, new { mailboxes = DemoScript.People.Count + 1 }, domain.Id));
        db.Raise(Change.Audit);
        db.Raise(Change.Directory);
        return Task.CompletedTask;
    }, cancel);

    /// <summary>Short contexts of the command's own.</summary>
    private sealed record DbContextSource(IDbContextFactory<PortalDbContext> Databases, WriteGate Gate)
    {
        public async Task<T> ReadAsync<T>(Func<PortalDbContext, Task<T>> read, CancellationToken cancel)
        {
            await using var db = await Databases.CreateDbContextAsync(cancel);
            return await read(db);
        }

        public async Task WriteAsync(Func<PortalDbContext, Task> write, CancellationToken cancel)
        {
            using var turn = await Gate.EnterAsync(cancel);
            await using var db = await Databases.CreateDbContextAsync(cancel);
            await write(db);
            await db.SaveChangesAsync(cancel);
        }
    }
}
