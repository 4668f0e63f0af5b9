using System.Collections.ObjectModel;
using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Addresses;
using Portal.Core.Data;
using Portal.Core.Domains;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Core.Quotas;
using Portal.Core.Trace;

namespace Portal.Core.Recipients;

/// <summary>
/// Forward-path → mailboxes and relays, cached for the hot path, correct within a second of a change on every node. What is not found
/// in the cache is asked of the database before anybody hears 550; an outage throws and reads as 451.
/// </summary>
public sealed class RecipientDirectory(IDbContextFactory<PortalDbContext> databases, QuotaWatch quotas, SenderRewriting rewriting, ChangeFeed feed, TimeProvider clock)
{
    private const int MaxDepth = 10;
    private const int MaxReturns = 2;   // our own paths within each other: two of our addresses sent it on
    private readonly ChangeFedCache<string, DomainEntry> domains = new(feed, clock, Change.Directory, 50_000);
    private readonly ChangeFedCache<(Guid Domain, string LocalPart), AddressEntry> addresses = new(feed, clock, Change.Directory, 200_000);
    private readonly ChangeFedCache<(Guid Domain, string LocalPart), string> listed = new(feed, clock, Change.Directory, 50_000);

    /// <summary>Judges one forward-path: exact address, then without +detail, then catch-all, then postmaster.</summary>
    public ValueTask<RecipientResolution> ResolveAsync(MailAddress forwardPath, long declaredSizeBytes, CancellationToken cancel) => FollowAsync(forwardPath, declaredSizeBytes, cancel);

    /// <summary>The same for mail that we have answered for already, or a report of ours: it has room in a full mailbox too (DESIGN §3).</summary>
    public ValueTask<RecipientResolution> ResolveTakenAsync(MailAddress forwardPath, CancellationToken cancel) => FollowAsync(forwardPath, null, cancel);

    /// <summary>Where mail to a bare "postmaster" goes (RFC 5321 §4.5.1): the first administrator's mailbox.</summary>
    /// <param name="declaredSizeBytes">Null where the quota does not count.</param>
    public async ValueTask<RecipientResolution> ResolvePostmasterAsync(long? declaredSizeBytes, CancellationToken cancel) =>
        await addresses.GetAsync((Guid.Empty, "postmaster"), (_, c) => LoadPostmasterAsync(c), cancel) is { Mailbox: { } mailbox }
            ? await JudgeAsync(mailbox, "postmaster", RecipientRules.Postmaster, declaredSizeBytes, cancel)
            : RecipientResolution.Refused(RecipientState.Unknown, RecipientRules.Unknown);

    /// <summary>Whether a domain is one of ours, whoever has its mailboxes.</summary>
    public async ValueTask<bool> IsOursAsync(DomainName domain, CancellationToken cancel) => await FindDomainAsync(domain, cancel) is not null;

    /// <summary>Whether an address is served here by now: mail for it that was queued for another server need not leave.</summary>
    public async ValueTask<bool> IsServedHereAsync(MailAddress forwardPath, CancellationToken cancel)
    {
        if (forwardPath.AddressLiteral is not null || await FindDomainAsync(forwardPath.Domain, cancel) is not { } domain || rewriting.Open(forwardPath) is not null) return false;
        return domain.Kind == DomainKind.Hosted || (await FindAddressAsync(domain, forwardPath, cancel)).Entry is not null;
    }

    /// <param name="declaredSizeBytes">Null where the quota does not count.</param>
    private async ValueTask<RecipientResolution> FollowAsync(MailAddress forwardPath, long? declaredSizeBytes, CancellationToken cancel)
    {
        if (forwardPath.AddressLiteral is not null) return RecipientResolution.Refused(RecipientState.NotLocal, RecipientRules.NotLocal);
        if (await FindDomainAsync(forwardPath.Domain, cancel) is not { } domain) return RecipientResolution.Refused(RecipientState.NotLocal, RecipientRules.NotLocal);
        if (domain.IsDisabled) return RecipientResolution.Refused(RecipientState.Disabled, RecipientRules.DomainDisabled);

        // What comes back to a reverse-path of ours belongs to the sender behind it, before any catch-all.
        if (rewriting.Open(forwardPath) is { } sender) return await ReturnAsync(sender, declaredSizeBytes, cancel) with { DomainId = domain.Id };

        var (found, rule) = await FindAddressAsync(domain, forwardPath, cancel);
        if (found is null) return await GoOnAsync(domain, forwardPath, cancel) with { DomainId = domain.Id };
        var isCatchAll = rule == RecipientRules.CatchAll;
        if (found.Mailbox is { } mailbox) return await JudgeAsync(mailbox, forwardPath.Folded, rule, declaredSizeBytes, cancel) with { IsCatchAll = isCatchAll, DomainId = domain.Id };

        var expansion = new Expansion(declaredSizeBytes);
        await ExpandAsync(found, expansion, 0, cancel);
        return expansion.ToResolution(rule) with { IsCatchAll = isCatchAll, DomainId = domain.Id };
    }

    /// <summary>What is registered nowhere here: unknown, or the other host's.</summary>
    private async ValueTask<RecipientResolution> GoOnAsync(DomainEntry domain, MailAddress address, CancellationToken cancel) => domain switch
    {
        { Kind: DomainKind.Hosted } => RecipientResolution.Refused(RecipientState.Unknown, RecipientRules.Unknown),
        { Check: RecipientCheck.Listed } when !await IsListedAsync(domain, address.FoldedLocalPart, cancel) => RecipientResolution.Refused(RecipientState.Unknown, RecipientRules.Unknown),
        _ => new(RecipientState.GoesOn, RecipientRules.GoesOn, [], [address.ToString()]) { Ask = domain is { Check: RecipientCheck.Asked, Since: { } since } ? new(domain.NamedId, since) : null },
    };

    private async ValueTask<bool> IsListedAsync(DomainEntry domain, string local, CancellationToken cancel)
    {
        if (local == "postmaster") return true;   // RFC 5321 §4.5.1
        if (await listed.GetAsync((domain.Id, local), LoadListedAsync, cancel) is not null) return true;
        var plus = local.IndexOf('+', StringComparison.Ordinal);
        return plus > 0 && await listed.GetAsync((domain.Id, local[..plus]), LoadListedAsync, cancel) is not null;
    }

    /// <summary>To a sender elsewhere; one of our own is resolved like anybody, but for one that hides another.</summary>
    private async ValueTask<RecipientResolution> ReturnAsync(MailAddress sender, long? declaredSizeBytes, CancellationToken cancel)
    {
        for (var opened = 0; opened < MaxReturns && await FindDomainAsync(sender.Domain, cancel) is not null && rewriting.Open(sender) is { } behind; opened++) sender = behind;
        if (await FindDomainAsync(sender.Domain, cancel) is null) return new(RecipientState.Ok, RecipientRules.Returned, [], [sender.ToString()]);   // as it was written: some tell case apart
        if (rewriting.Open(sender) is not null) return RecipientResolution.Refused(RecipientState.Loop, RecipientRules.Loop);
        var found = await FollowAsync(sender, declaredSizeBytes, cancel);
        return found.State == RecipientState.GoesOn ? new(RecipientState.Ok, RecipientRules.Returned, [], found.Relays) : found;   // under the sender's name, not the one that hides it; our own mark proves that there is one
    }

    /// <param name="asked">The address that led to it, folded.</param>
    private async ValueTask<RecipientResolution> JudgeAsync(MailboxEntry mailbox, string asked, string rule, long? declaredSizeBytes, CancellationToken cancel)
    {
        if (mailbox.State != MailboxState.Active)
        {
            var inputs = asked == mailbox.Address ? null : new Dictionary<string, string> { [TraceInputs.Mailbox] = mailbox.Address };
            return RecipientResolution.Refused(RecipientState.Disabled, mailbox.State == MailboxState.Deleted ? RecipientRules.Deleted : RecipientRules.Disabled, inputs);
        }

        var judged = declaredSizeBytes is { } size ? await quotas.JudgeAsync(mailbox.Id, mailbox.QuotaBytes, size, cancel) : default;
        return judged.Verdict switch
        {
            QuotaVerdict.Full => RecipientResolution.Refused(RecipientState.QuotaFull, RecipientRules.QuotaFull, InputsOf(mailbox, judged, declaredSizeBytes)),
            QuotaVerdict.Exceeded => RecipientResolution.Refused(RecipientState.QuotaExceeded, RecipientRules.QuotaExceeded, InputsOf(mailbox, judged, declaredSizeBytes)),
            _ => new(RecipientState.Ok, rule, [new(mailbox.Id, mailbox.Address)], []),
        };
    }

    private static Dictionary<string, string> InputsOf(MailboxEntry mailbox, QuotaJudgement judged, long? declaredSizeBytes)
    {
        var inputs = new Dictionary<string, string>
        {
            [TraceInputs.Mailbox] = mailbox.Address,
            [TraceInputs.UsedBytes] = judged.UsedBytes.ToString(CultureInfo.InvariantCulture),
            [TraceInputs.QuotaBytes] = judged.QuotaBytes.ToString(CultureInfo.InvariantCulture),
        };
        if (judged.FullSince is { } since) inputs[TraceInputs.FullSince] = since.ToString("O", CultureInfo.InvariantCulture);
        if (judged.UsedBytes < judged.QuotaBytes && declaredSizeBytes is { } declared) inputs[TraceInputs.DeclaredBytes] = declared.ToString(CultureInfo.InvariantCulture);
        return inputs;
    }

    private async ValueTask<(AddressEntry? Entry, string Rule)> FindAddressAsync(DomainEntry domain, MailAddress forwardPath, CancellationToken cancel)
    {
        var local = forwardPath.FoldedLocalPart;
        if (await AddressAsync(domain, local, cancel) is { } exact) return (exact, exact.Mailbox is null ? RecipientRules.Forwarder : exact.IsPrimary ? RecipientRules.Mailbox : RecipientRules.Alias);
        var plus = local.IndexOf('+', StringComparison.Ordinal);
        if (plus > 0 && await AddressAsync(domain, local[..plus], cancel) is { } detail) return (detail, RecipientRules.Detail);
        if (domain.Kind != DomainKind.Shared && await AddressAsync(domain, Address.CatchAll, cancel) is { } all) return (all, RecipientRules.CatchAll);
        if (local == "postmaster" && domain.Kind != DomainKind.Relayed && await addresses.GetAsync((Guid.Empty, "postmaster"), (_, c) => LoadPostmasterAsync(c), cancel) is { } postmaster) return (postmaster, RecipientRules.Postmaster);
        return (null, RecipientRules.Unknown);
    }

    /// <summary>Follows a forwarder; local targets are resolved, others become relays.</summary>
    private async Task ExpandAsync(AddressEntry forwarder, Expansion expansion, int depth, CancellationToken cancel)
    {
        if (depth >= MaxDepth || !expansion.Visited.Add(forwarder.ForwarderId!.Value)) return;   // a circle adds nothing new; with no target at all it reads as a loop

        foreach (var target in forwarder.Targets)
        {
            if (!MailAddress.TryParse(target, out var address)) continue;
            if (address.AddressLiteral is not null || await FindDomainAsync(address.Domain, cancel) is not { } domain)
            {
                expansion.Relays.Add(address.Folded);
                continue;
            }

            var (entry, rule) = domain.IsDisabled ? (null, RecipientRules.DomainDisabled) : await FindAddressAsync(domain, address, cancel);
            if (entry is null) expansion.Add(address.Folded, domain.IsDisabled ? RecipientResolution.Refused(RecipientState.Disabled, rule) : await GoOnAsync(domain, address, cancel));
            else if (entry.Mailbox is { } mailbox) expansion.Add(address.Folded, await JudgeAsync(mailbox, address.Folded, rule, expansion.DeclaredSizeBytes, cancel));
            else if (depth + 1 >= MaxDepth) expansion.Add(address.Folded, RecipientResolution.Refused(RecipientState.Loop, RecipientRules.Loop));   // never silently: the trace tells of it
            else await ExpandAsync(entry, expansion, depth + 1, cancel);
        }
    }

    private ValueTask<DomainEntry?> FindDomainAsync(DomainName name, CancellationToken cancel) => domains.GetAsync(name.Value, LoadDomainAsync, cancel);

    /// <summary>The name of a mailbox that was deleted is kept for it; in a shared domain the other host may have it by now.</summary>
    private async ValueTask<AddressEntry?> AddressAsync(DomainEntry domain, string localPart, CancellationToken cancel)
    {
        var found = await addresses.GetAsync((domain.Id, localPart), LoadAddressAsync, cancel);
        return domain.Kind == DomainKind.Shared && found is { Mailbox.State: MailboxState.Deleted } ? null : found;
    }

    private async Task<DomainEntry?> LoadDomainAsync(string name, CancellationToken cancel)
    {
        await using var db = await databases.CreateDbContextAsync(cancel);
        return await (from d in db.Domains.AsNoTracking()
                      where d.Name == name
                      join t in db.Domains on d.AliasOfId ?? d.Id equals t.Id
                      select new DomainEntry(t.Id, d.Id, d.IsDisabled || t.IsDisabled, t.Kind, t.RecipientCheck, t.OnwardSince)).SingleOrDefaultAsync(cancel);
    }

    private async Task<AddressEntry?> LoadAddressAsync((Guid Domain, string LocalPart) key, CancellationToken cancel)
    {
        await using var db = await databases.CreateDbContextAsync(cancel);
        var address = await db.Addresses.AsNoTracking().SingleOrDefaultAsync(a => a.DomainId == key.Domain && a.LocalPart == key.LocalPart, cancel);
        if (address is null) return null;
        if (address.MailboxId is { } mailboxId)
        {
            var mailbox = await db.Mailboxes.AsNoTracking().Where(m => m.Id == mailboxId).Select(m => new MailboxEntry(m.Id, m.PrimaryAddress, m.State, m.QuotaOverrideBytes)).SingleAsync(cancel);
            return new(mailbox, null, [], address.IsPrimary);
        }

        var targets = await db.ForwarderTargets.AsNoTracking().Where(t => t.ForwarderId == address.ForwarderId).OrderBy(t => t.Address).Select(t => t.Address).Take(Forwarder.MaxTargets).ToListAsync(cancel);
        return new(null, address.ForwarderId, targets, false);
    }

    private async Task<string?> LoadListedAsync((Guid Domain, string LocalPart) key, CancellationToken cancel)
    {
        await using var db = await databases.CreateDbContextAsync(cancel);
        return await db.OnwardRecipients.AsNoTracking().Where(r => r.DomainId == key.Domain && r.LocalPart == key.LocalPart && r.IsListed).Select(r => r.LocalPart).SingleOrDefaultAsync(cancel);
    }

    private async Task<AddressEntry?> LoadPostmasterAsync(CancellationToken cancel)
    {
        await using var db = await databases.CreateDbContextAsync(cancel);
        var mailbox = await (from role in db.RoleAssignments.AsNoTracking()
                             where role.Role == Role.Administrator && role.DomainId == null
                             join owned in db.Mailboxes on role.AccountId equals owned.AccountId
                             where owned.State == MailboxState.Active
                             orderby owned.CreatedAt, owned.PrimaryAddress
                             select new MailboxEntry(owned.Id, owned.PrimaryAddress, owned.State, owned.QuotaOverrideBytes)).FirstOrDefaultAsync(cancel);
        return mailbox is null ? null : new(mailbox, null, [], false);
    }

    /// <param name="Id">For an alias domain, the one it stands for.</param>
    /// <param name="NamedId">The domain itself.</param>
    private sealed record DomainEntry(Guid Id, Guid NamedId, bool IsDisabled, DomainKind Kind, RecipientCheck Check, DateTimeOffset? Since);

    private sealed record MailboxEntry(Guid Id, string Address, MailboxState State, long? QuotaBytes);

    private sealed record AddressEntry(MailboxEntry? Mailbox, Guid? ForwarderId, IReadOnlyList<string> Targets, bool IsPrimary);

    /// <summary>What a forwarder comes to. A target that is full for now puts all of it off; else one good target is enough to accept; with none, the mildest refusal counts.</summary>
    private sealed class Expansion(long? declaredSizeBytes)
    {
        private readonly HashSet<LocalTarget> mailboxes = [];
        private readonly Dictionary<string, DroppedTarget> dropped = [];
        private DroppedTarget? refusal;

        public long? DeclaredSizeBytes { get; } = declaredSizeBytes;

        public HashSet<Guid> Visited { get; } = [];

        public HashSet<string> Relays { get; } = [];

        public void Add(string address, RecipientResolution target)
        {
            if (target.State == RecipientState.GoesOn)
            {
                Relays.Add(address);
                return;
            }

            if (target.State == RecipientState.Ok)
            {
                mailboxes.UnionWith(target.Mailboxes);
                return;
            }

            var refused = dropped[address] = new(address, target.State, target.Rule, target.Inputs);
            if (refusal is null || target.State == RecipientState.QuotaFull) refusal = refused;   // a temporary refusal wins: the client may come back
        }

        public RecipientResolution ToResolution(string rule) =>
            refusal is { State: RecipientState.QuotaFull } full ? RefusedBy(full)   // told to come back: else the full one's copy would be lost without a word
            : mailboxes.Count > 0 || Relays.Count > 0 ? new(RecipientState.Ok, rule, [.. mailboxes], [.. Relays]) { Dropped = [.. dropped.Values] }
            : refusal is { } why ? RefusedBy(why)
            : RecipientResolution.Refused(RecipientState.Loop, RecipientRules.Loop);

        private static RecipientResolution RefusedBy(DroppedTarget target) =>
            RecipientResolution.Refused(target.State, target.Rule, new Dictionary<string, string>(target.Inputs ?? ReadOnlyDictionary<string, string>.Empty) { [TraceInputs.ForwardedTo] = target.Address });
    }
}
