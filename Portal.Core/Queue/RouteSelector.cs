using System.Collections.Frozen;
using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Addresses;
using Portal.Core.Data;
using Portal.Core.Domains;

namespace Portal.Core.Queue;

/// <summary>Where one recipient's mail goes next.</summary>
/// <param name="RouteKey">What its queue entry waits under.</param>
/// <param name="Route">The smart host; null when MX decides.</param>
public readonly record struct RouteChoice(string RouteKey, Route? Route);

/// <summary>Chooses routes: where mail for a shared or relayed domain of ours goes its domain says, before any route; else sender before recipient domain before all, else the recipient's domain (DESIGN §4). Cached, and right within a second of a change.</summary>
public sealed class RouteSelector : IDisposable
{
    private readonly IDbContextFactory<PortalDbContext> databases;
    private readonly IDisposable subscription;
    private Table? table;
    private int generation;

    public RouteSelector(IDbContextFactory<PortalDbContext> databases, ChangeFeed feed)
    {
        this.databases = databases;
        subscription = feed.Subscribe((area, _) =>
        {
            if (area != Change.Routes) return;
            Interlocked.Increment(ref generation);
            Volatile.Write(ref table, null);
        });
    }

    /// <summary>The key a new queue entry waits under.</summary>
    /// <param name="reversePath">Envelope sender; empty for the null reverse-path, which no sender route matches.</param>
    /// <param name="forwardPath">Recipient, domain in A-label form.</param>
    public async ValueTask<string> RouteKeyForAsync(string reversePath, string forwardPath, CancellationToken cancel) =>
        (await ChooseAsync(reversePath, forwardPath, cancel)).RouteKey;

    /// <inheritdoc cref="RouteKeyForAsync"/>
    /// <summary>The route and its key.</summary>
    public async ValueTask<RouteChoice> ChooseAsync(string reversePath, string forwardPath, CancellationToken cancel)
    {
        var routes = Volatile.Read(ref table) ?? await LoadAsync(cancel);
        var domain = DomainOf(forwardPath);
        if (routes.TryFindOnward(domain, out var onward)) return onward is null ? new(domain, null) : new(KeyOf(onward.Host, onward.Port), onward);
        return routes.Find(reversePath, domain) is { } route ? new(KeyOf(route.Host, route.Port), route) : new(domain, null);
    }

    public void Dispose() => subscription.Dispose();

    /// <summary>Key of a smart host: "host:port".</summary>
    public static string KeyOf(string host, int port) => string.Create(CultureInfo.InvariantCulture, $"{host}:{port}");

    /// <summary>What follows the last @, in lower case: a domain, or a literal in brackets.</summary>
    internal static string DomainOf(string path)
    {
        var domain = path[(path.LastIndexOf('@') + 1)..];
        return DomainName.TryParse(domain, out var name) ? name.Value : domain.ToLowerInvariant();
    }

    private async Task<Table> LoadAsync(CancellationToken cancel)
    {
        var read = Volatile.Read(ref generation);
        await using var db = await databases.CreateDbContextAsync(cancel);
        var loaded = new Table(await db.Routes.AsNoTracking().Where(r => !r.IsDisabled).OrderBy(r => r.Id).Take(RouteService.MaxRoutes).ToListAsync(cancel), await OnwardAsync(db, cancel));

        // A change while we read: use what was read this once, and read again next time.
        if (Volatile.Read(ref generation) == read) Volatile.Write(ref table, loaded);
        if (Volatile.Read(ref generation) != read) Volatile.Write(ref table, null);
        return loaded;
    }

    /// <summary>The hosts that mail for domains of ours goes on to, by domain; null where its MX says it. An alias domain's goes where that of its domain goes.</summary>
    private static async Task<Dictionary<string, Route?>> OnwardAsync(PortalDbContext db, CancellationToken cancel)
    {
        var domains = await db.Domains.AsNoTracking().Where(d => d.Kind != DomainKind.Hosted).OrderBy(d => d.Id).Take(Onward.MaxDomains).ToDictionaryAsync(d => d.Id, cancel);
        if (domains.Count == 0) return [];
        var aliases = await db.Domains.AsNoTracking().Where(d => db.Domains.Any(t => t.Id == d.AliasOfId && t.Kind != DomainKind.Hosted))
            .OrderBy(d => d.Id).Take(Onward.MaxDomains).Select(d => new { d.Name, d.AliasOfId }).ToListAsync(cancel);
        var hosts = domains.Values.ToDictionary(d => d.Name, OnwardOf);
        foreach (var alias in aliases)
            if (domains.TryGetValue(alias.AliasOfId!.Value, out var target)) hosts[alias.Name] = OnwardOf(target);
        return hosts;
    }

    /// <summary>The host of a domain as a route; null where its MX says it.</summary>
    internal static Route? OnwardOf(Domain domain) => domain.OnwardHost is not { } host ? null : new()
    {
        Id = domain.Id,
        Name = domain.DisplayName,
        Match = RouteMatch.RecipientDomain,
        Pattern = domain.Name,
        Host = host,
        Port = domain.OnwardPort,
        Tls = domain.OnwardTls,
        Version = domain.Version,
    };

    private sealed class Table(IReadOnlyList<Route> routes, Dictionary<string, Route?> onward)
    {
        private readonly FrozenDictionary<(RouteMatch Match, string Pattern), Route> byPattern = routes.ToFrozenDictionary(r => (r.Match, r.Pattern));

        public bool TryFindOnward(string recipientDomain, out Route? route) => onward.TryGetValue(recipientDomain, out route);

        public Route? Find(string reversePath, string recipientDomain)
        {
            if (byPattern.Count == 0) return null;
            if (reversePath.Length > 0)
            {
                var sender = MailAddress.TryParse(reversePath, out var address) ? address.Folded : reversePath.ToLowerInvariant();
                if (byPattern.TryGetValue((RouteMatch.Sender, sender), out var bySender)) return bySender;
                if (byPattern.TryGetValue((RouteMatch.Sender, "@" + DomainOf(reversePath)), out bySender)) return bySender;
            }

            return byPattern.GetValueOrDefault((RouteMatch.RecipientDomain, recipientDomain)) ?? byPattern.GetValueOrDefault((RouteMatch.All, ""));
        }
    }
}
