using Microsoft.EntityFrameworkCore;
using Portal.Core.Addresses;
using Portal.Core.Audit;
using Portal.Core.Data;
using Portal.Core.Permissions;

namespace Portal.Core.Domains;

/// <summary>What people may do with the domains we take mail for.</summary>
public sealed class DomainService(IDbContextFactory<PortalDbContext> databases, WriteGate gate, SecretBox secrets, TimeProvider clock)
{
    /// <summary>One page of the domains in scope, by name.</summary>
    public async Task<Outcome<Page<DomainRow>>> SearchAsync(Actor actor, DomainQuery query, CancellationToken cancel)
    {
        if (!actor.May(Capability.ViewDirectory)) return new NotPermitted(Capability.ViewDirectory);

        await using var db = await databases.CreateDbContextAsync(cancel);
        var matching = Matching(db, actor, query);
        var ordered = query.Descending ? matching.OrderByDescending(d => d.Name) : matching.OrderBy(d => d.Name);
        return await matching.ToPageAsync(ordered, page => Rows(db, page), query.Skip, query.Take, cancel);
    }

    /// <summary>One domain.</summary>
    public async Task<Outcome<DomainRow>> GetAsync(Actor actor, Guid id, CancellationToken cancel)
    {
        if (!actor.May(Capability.ViewDirectory)) return new NotPermitted(Capability.ViewDirectory);

        await using var db = await databases.CreateDbContextAsync(cancel);
        var row = await Rows(db, db.Domains.AsNoTracking().InScopeOf(actor).Where(d => d.Id == id)).SingleOrDefaultAsync(cancel);
        return row is null ? new NotFound("Domain") : row;
    }

    /// <summary>The domain of that name, in either form.</summary>
    public async Task<Outcome<DomainRow>> FindAsync(Actor actor, string name, CancellationToken cancel)
    {
        if (!actor.May(Capability.ViewDirectory)) return new NotPermitted(Capability.ViewDirectory);
        if (!DomainName.TryParse(name.Trim().TrimEnd('.'), out var parsed)) return new NotFound("Domain");

        await using var db = await databases.CreateDbContextAsync(cancel);
        var row = await Rows(db, db.Domains.AsNoTracking().InScopeOf(actor).Where(d => d.Name == parsed.Value)).SingleOrDefaultAsync(cancel);
        return row is null ? new NotFound("Domain") : row;
    }

    /// <summary>Domains of their own (no aliases) in which the actor holds <paramref name="capability"/>; for pickers.</summary>
    /// <param name="holdsMailboxes">Without those whose mailboxes are all elsewhere.</param>
    public async Task<Outcome<DomainChoice[]>> ChoicesAsync(Actor actor, Capability capability, CancellationToken cancel, bool holdsMailboxes = false)
    {
        if (!actor.May(capability)) return new NotPermitted(capability);

        await using var db = await databases.CreateDbContextAsync(cancel);
        return await db.Domains.AsNoTracking().InScopeOf(actor, capability)
            .Where(d => d.AliasOfId == null && (!holdsMailboxes || d.Kind != DomainKind.Relayed))
            .OrderBy(d => d.Name)
            .Take(Paging.CountLimit)
            .Select(d => new DomainChoice(d.Id, d.Name, d.DisplayName, d.DefaultQuotaBytes))
            .ToArrayAsync(cancel);
    }

    /// <summary>Adds a domain; mail for it is taken within a second. Its first DKIM keys wait for their records to be published.</summary>
    /// <param name="actor">Needs <see cref="Capability.ManageDomains"/> everywhere: a new domain lies in nobody's scope yet.</param>
    /// <param name="name">In either form; stored as A-label (RFC 5890 §2.3.2.1).</param>
    /// <param name="aliasOfId">The domain it is another name of; null for a domain of its own.</param>
    /// <param name="defaultQuotaBytes">Quota a new mailbox starts with; null for none.</param>
    public Task<Outcome<Guid>> CreateAsync(Actor actor, string name, Guid? aliasOfId, long? defaultQuotaBytes, CancellationToken cancel) =>
        CreateAsync(actor, name, aliasOfId, defaultQuotaBytes, Onward.None, cancel);

    /// <inheritdoc cref="CreateAsync(Actor, string, Guid?, long?, CancellationToken)"/>
    /// <param name="onward">Where its mail goes on to; anything but <see cref="DomainKind.Hosted"/> needs <see cref="Capability.ManageRoutes"/> everywhere.</param>
    public async Task<Outcome<Guid>> CreateAsync(Actor actor, string name, Guid? aliasOfId, long? defaultQuotaBytes, Onward onward, CancellationToken cancel)
    {
        if (!actor.MayEverywhere(Capability.ManageDomains)) return new NotPermitted(Capability.ManageDomains);
        if (onward.Kind != DomainKind.Hosted && !actor.MayEverywhere(Capability.ManageRoutes)) return new NotPermitted(Capability.ManageRoutes);
        if (!DomainName.TryParse(name.Trim().TrimEnd('.'), out var parsed) || !parsed.Value.Contains('.', StringComparison.Ordinal))
            return new Invalid("DomainNameInvalid", name.Trim()) { Field = "Name" };
        if (defaultQuotaBytes < 0) return new Invalid("QuotaNegative") { Field = "DefaultQuota" };
        var goesOn = onward.Normalise();
        if (!goesOn.IsDone) return goesOn.Refusal;
        if (aliasOfId is not null && goesOn.Value.Kind != DomainKind.Hosted) return new Invalid("OnwardOfAliasDomain", parsed.Display);

        var pair = await DkimKeyPair.MakeAsync(cancel);   // takes long: before the gate
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        var target = aliasOfId is { } id ? await db.Domains.AsNoTracking().InScopeOf(actor).SingleOrDefaultAsync(d => d.Id == id, cancel) : null;
        if (aliasOfId is not null && target is null) return new NotFound("Domain");
        if (target is { AliasOfId: not null }) return new Invalid("AliasDomainOfAliasDomain", target.DisplayName) { Field = "AliasOf" };
        if (await db.Domains.AnyAsync(d => d.Name == parsed.Value, cancel)) return Taken(parsed);
        if (goesOn.Value.Kind != DomainKind.Hosted && await OnwardService.AreTooManyAsync(db, cancel)) return OnwardService.TooMany;

        var now = clock.GetUtcNow();
        var domain = new Domain { Name = parsed.Value, DisplayName = parsed.Display, AliasOfId = aliasOfId, DefaultQuotaBytes = defaultQuotaBytes, CreatedAt = now };
        domain.Put(goesOn.Value, now);
        db.Domains.Add(domain);
        var keys = DkimKeySteps.AddPair(db, secrets, domain.Id, pair, [], now);
        var after = new { domain.Name, aliasOf = target?.Name, defaultQuotaBytes, selectors = DkimKeySteps.SelectorsOf(keys), onward = domain.Kind == DomainKind.Hosted ? null : OnwardService.Shown(domain.Onward) };
        db.Audit.Add(AuditEntry.Change(actor, now, "domain.create", domain.DisplayName, null, after, domain.Id));
        db.Raise(Change.Directory);
        db.Raise(Change.Routes);   // mail may wait for it already, and one that goes on has a host
        db.Raise(Change.Audit);
        try
        {
            await db.SaveChangesAsync(cancel);
        }
        catch (DbUpdateException e) when (e.IsDuplicate())
        {
            return Taken(parsed);   // two at once: the unique index has decided
        }
        catch (DbUpdateException e) when (e.IsReferenced())
        {
            return new NotFound("Domain");   // the target went meanwhile
        }

        return domain.Id;
    }

    /// <summary>Stops or starts mail for a domain: a disabled one answers 550 5.2.1 to every recipient.</summary>
    public Task<Outcome> SetDisabledAsync(Actor actor, Guid id, bool isDisabled, CancellationToken cancel) =>
        ChangeAsync(actor, id, domain =>
        {
            if (domain.IsDisabled == isDisabled) return null;
            var entry = (isDisabled ? "domain.disable" : "domain.enable", (object)new { domain.IsDisabled }, (object)new { isDisabled });
            domain.IsDisabled = isDisabled;
            return entry;
        }, cancel);

    /// <summary>Sets or lifts the quota new mailboxes start with; those there are keep theirs.</summary>
    /// <param name="version">The version the person saw: a newer one is never overwritten.</param>
    public async Task<Outcome> SetDefaultQuotaAsync(Actor actor, Guid id, int version, long? defaultQuotaBytes, CancellationToken cancel)
    {
        if (defaultQuotaBytes < 0) return new Invalid("QuotaNegative") { Field = "DefaultQuota" };
        return await ChangeAsync(actor, id, domain =>
        {
            if (domain.DefaultQuotaBytes == defaultQuotaBytes) return null;
            var entry = ("domain.quota.set", (object)new { domain.DefaultQuotaBytes }, (object)new { defaultQuotaBytes });
            domain.DefaultQuotaBytes = defaultQuotaBytes;
            return entry;
        }, cancel, version);
    }

    /// <summary>Sets what servers that send to a domain are told of its TLS (RFC 8461); what is served follows within a second, the TXT record is the domain's own to change.</summary>
    /// <param name="version">The version the person saw: a newer one is never overwritten.</param>
    /// <param name="maxAgeDays">How long senders may keep the policy, 1 to <see cref="MtaStsSetting.MaxDays"/>; null for what suits the mode.</param>
    public async Task<Outcome> SetTransportAsync(Actor actor, Guid id, int version, MtaStsMode mode, int? maxAgeDays, CancellationToken cancel)
    {
        if (maxAgeDays is < 1 or > MtaStsSetting.MaxDays) return new Invalid("MtaStsMaxAge", MtaStsSetting.MaxDays) { Field = "MaxAge" };
        return await ChangeAsync(actor, id, domain =>
        {
            var before = new MtaStsSetting(domain.MtaStsMode, domain.MtaStsMaxAgeDays, domain.MtaStsHeldUntil);
            if ((before.Mode, before.MaxAgeDays) == (mode, maxAgeDays)) return null;
            (domain.MtaStsMode, domain.MtaStsMaxAgeDays, domain.MtaStsHeldUntil) = (mode, maxAgeDays, before.HeldUntilFrom(clock.GetUtcNow()));
            return ("domain.transport.set", Shown(before.Mode, before.MaxAgeDays), Shown(mode, maxAgeDays));
        }, cancel, version);

        static object Shown(MtaStsMode mode, int? days) => new { mtaStsMode = mode.ToString(), mtaStsMaxAgeDays = days };
    }

    /// <summary>Removes a domain that holds nothing: no mailbox (also none in its grace), no address, no alias domain, no role, nothing in quarantine, no recipient listed.</summary>
    public async Task<Outcome> DeleteAsync(Actor actor, Guid id, CancellationToken cancel)
    {
        if (!actor.May(Capability.ManageDomains)) return new NotPermitted(Capability.ManageDomains);

        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        var domain = await db.Domains.InScopeOf(actor).SingleOrDefaultAsync(d => d.Id == id, cancel);
        if (domain is null) return new NotFound("Domain");
        if (!actor.May(Capability.ManageDomains, domain.Id)) return new NotPermitted(Capability.ManageDomains);
        if (await HoldsSomethingAsync(db, id, cancel)) return new Conflict("DomainNotEmpty", domain.DisplayName);

        db.Domains.Remove(domain);
        db.Audit.Add(AuditEntry.Change(actor, clock.GetUtcNow(), "domain.delete", domain.DisplayName, new { domain.Name, domain.AliasOfId, domain.DefaultQuotaBytes, domain.IsDisabled }, null, domain.Id));
        db.Raise(Change.Directory);
        db.Raise(Change.Audit);
        db.Raise(Change.Lists);   // its own entries go with it
        db.Raise(Change.SigningKeys);   // and its keys
        db.Raise(Change.Routes);
        try
        {
            return await db.SaveChangeAsync(cancel) is { } stale ? stale : Outcome.Done;
        }
        catch (DbUpdateException e) when (e.IsReferenced())
        {
            return new Conflict("DomainNotEmpty", domain.DisplayName);   // something came in meanwhile
        }
    }

    private static Conflict Taken(DomainName name) => new("DomainTaken", name.Display);

    private static IQueryable<Domain> Matching(PortalDbContext db, Actor actor, DomainQuery query)
    {
        var matching = db.Domains.AsNoTracking().InScopeOf(actor);
        if (query.IsDisabled is { } isDisabled) matching = matching.Where(d => d.IsDisabled == isDisabled);
        if (query.Kind is { } kind) matching = matching.Where(d => d.AliasOfId == null && d.Kind == kind);
        if (query.Text.Trim() is not { Length: > 0 } text) return matching;

        var folded = text.ToLowerInvariant();
        return matching.Where(d => d.Name.Contains(folded) || d.DisplayName.Contains(folded));
    }

    private static IQueryable<DomainRow> Rows(PortalDbContext db, IQueryable<Domain> domains) =>
        from d in domains
        join t in db.Domains on d.AliasOfId ?? d.Id equals t.Id
        select new DomainRow(
            d.Id, d.Name, d.DisplayName, d.AliasOfId, d.AliasOfId == null ? null : t.DisplayName, d.IsDisabled, d.DefaultQuotaBytes,
            new MtaStsSetting(d.MtaStsMode, d.MtaStsMaxAgeDays, d.MtaStsHeldUntil), db.Mailboxes.Count(m => m.DomainId == d.Id), db.Addresses.Count(a => a.DomainId == d.Id && !a.IsPrimary), d.CreatedAt, d.IsDemo, d.Version)
        {
            Onward = new Onward { Kind = t.Kind, Host = t.OnwardHost, Port = t.OnwardPort, Tls = t.OnwardTls, Check = t.RecipientCheck },
        };

    private static async Task<bool> HoldsSomethingAsync(PortalDbContext db, Guid id, CancellationToken cancel) =>
        await db.Mailboxes.AnyAsync(m => m.DomainId == id, cancel)
        || await db.Addresses.AnyAsync(a => a.DomainId == id, cancel)
        || await db.Domains.AnyAsync(d => d.AliasOfId == id, cancel)
        || await db.RoleAssignments.AnyAsync(r => r.DomainId == id, cancel)
        || await db.QuarantineItems.AnyAsync(q => q.DomainId == id, cancel)
        || await db.OnwardRecipients.AnyAsync(r => r.DomainId == id && r.IsListed, cancel);

    private async Task<Outcome> ChangeAsync(Actor actor, Guid id, Func<Domain, (string Action, object Before, object After)?> change, CancellationToken cancel, int? version = null)
    {
        if (!actor.May(Capability.ManageDomains)) return new NotPermitted(Capability.ManageDomains);

        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        var domain = await db.Domains.InScopeOf(actor).SingleOrDefaultAsync(d => d.Id == id, cancel);
        if (domain is null) return new NotFound("Domain");
        if (!actor.May(Capability.ManageDomains, domain.Id)) return new NotPermitted(Capability.ManageDomains);
        if (version is not null && domain.Version != version) return Conflict.ChangedByOthers;
        if (change(domain) is not { } entry) return Outcome.Done;   // it is so already: nothing to tell

        domain.Version++;
        db.Audit.Add(AuditEntry.Change(actor, clock.GetUtcNow(), entry.Action, domain.DisplayName, entry.Before, entry.After, domain.Id));
        db.Raise(Change.Directory);
        db.Raise(Change.Audit);
        return await db.SaveChangeAsync(cancel) is { } stale ? stale : Outcome.Done;
    }
}
