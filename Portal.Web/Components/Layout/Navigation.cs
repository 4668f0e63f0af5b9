using MudBlazor;
using Portal.Core.Permissions;

namespace Portal.Web.Components.Layout;

/// <summary>The parts of the portal, in the order in which one is chosen as start page.</summary>
public enum Area
{
    Admin,
    Helpdesk,
    Reports,
    Mail,
    Account,
}

/// <summary>One page of the menu and the palette.</summary>
/// <param name="Group">Suffix of the key "NavGroup_…"; null for what stands above the groups.</param>
/// <param name="Key">Suffix of the key "Nav_…" in Resources/Shell.resx.</param>
/// <param name="Requires">Who sees it: a holder of any of these; empty for everybody signed in.</param>
public sealed record NavigationEntry(Area Area, string? Group, string Key, string Href, string Icon, params Capability[] Requires)
{
    /// <summary>Whether a capability held in one domain is not enough.</summary>
    public bool Everywhere { get; init; }

    public bool IsFor(Actor actor) => Requires.Length == 0 || Requires.Any(Everywhere ? actor.MayEverywhere : actor.May);
}

/// <summary>
/// The one table of pages: menu, area switch, breadcrumb, start page and palette read it. To add a page: a line here, "Nav_Key" in
/// Resources/Shell.resx; a test checks that the page and both words exist.
/// </summary>
public static class Navigation
{
    public static readonly IReadOnlyList<NavigationEntry> Entries =
    [
        new(Area.Admin, null, "Overview", "/admin", Icons.Material.Outlined.SpaceDashboard, Capability.ManageDomains, Capability.ManageMailboxes, Capability.ViewQueue),
        new(Area.Admin, "Recipients", "Mailboxes", "/admin/mailboxes", Icons.Material.Outlined.Inbox, Capability.ManageMailboxes),
        new(Area.Admin, "Recipients", "Aliases", "/admin/aliases", Icons.Material.Outlined.AlternateEmail, Capability.ManageAliases),
        new(Area.Admin, "MailFlow", "Trace", "/admin/trace", Icons.Material.Outlined.Timeline, Capability.ViewTrace),
        new(Area.Admin, "MailFlow", "Queue", "/admin/queue", Icons.Material.Outlined.HourglassEmpty, Capability.ViewQueue),
        new(Area.Admin, "MailFlow", "Routes", "/admin/routes", Icons.Material.Outlined.AltRoute, Capability.ManageRoutes),
        new(Area.Admin, "MailFlow", "Connections", "/admin/connections", Icons.Material.Outlined.SettingsInputComponent, Capability.ManageSettings) { Everywhere = true },
        new(Area.Admin, "Domains", "Domains", "/admin/domains", Icons.Material.Outlined.Language, Capability.ManageDomains),
        new(Area.Admin, "Domains", "Certificates", "/admin/certificates", Icons.Material.Outlined.WorkspacePremium, Capability.ManageSettings) { Everywhere = true },
        new(Area.Admin, "Protection", "Quarantine", "/admin/quarantine", Icons.Material.Outlined.Shield, Capability.ViewQuarantine),
        new(Area.Admin, "Protection", "Lists", "/admin/lists", Icons.Material.Outlined.Rule, Capability.ManageLists),
        new(Area.Admin, "Access", "Accounts", "/admin/accounts", Icons.Material.Outlined.ManageAccounts, Capability.ManageRoles),
        new(Area.Admin, "Access", "Roles", "/admin/roles", Icons.Material.Outlined.Badge, Capability.ManageRoles) { Everywhere = true },
        new(Area.Admin, "Monitor", "Logs", "/admin/logs", Icons.Material.Outlined.Article, Capability.ViewLogs),
        new(Area.Admin, "Monitor", "Audit", "/admin/audit", Icons.Material.Outlined.FactCheck, Capability.ManageSettings),
        new(Area.Admin, "System", "About", "/admin/about", Icons.Material.Outlined.Info, Capability.ManageSettings),
        new(Area.Helpdesk, null, "FindPerson", "/helpdesk", Icons.Material.Outlined.PersonSearch, Capability.ResetPasswords),
        new(Area.Reports, null, "ReportsAudit", "/reports/audit", Icons.Material.Outlined.FactCheck, Capability.ViewAudit),
        new(Area.Mail, null, "Mail", "/mail", Icons.Material.Outlined.Mail, Capability.UseOwnMail),
        new(Area.Account, null, "Profile", "/account", Icons.Material.Outlined.Person),
        new(Area.Account, null, "Security", "/account/security", Icons.Material.Outlined.Shield),
    ];

    /// <summary>What this actor may open, in menu order.</summary>
    public static IEnumerable<NavigationEntry> For(Actor actor) => Entries.Where(e => e.IsFor(actor));

    /// <summary>The areas this actor may enter, in order; "My account" is reached by the user menu.</summary>
    public static IEnumerable<Area> AreasOf(Actor actor) => For(actor).Select(e => e.Area).Where(a => a != Area.Account).Distinct();

    /// <summary>Where this actor begins.</summary>
    public static string StartOf(Actor actor) => For(actor).First().Href;

    public static string HomeOf(Area area, Actor actor) => For(actor).First(e => e.Area == area).Href;

    /// <summary>The area a path belongs to.</summary>
    public static Area AreaOf(string path) => path.TrimStart('/').Split('/')[0] switch
    {
        "helpdesk" => Area.Helpdesk,
        "reports" => Area.Reports,
        "mail" => Area.Mail,
        "account" => Area.Account,
        _ => Area.Admin,
    };

    /// <summary>The entry whose page holds this path: the longest address that begins it.</summary>
    public static NavigationEntry? EntryOf(string path) =>
        Entries.Where(e => path == e.Href || path.StartsWith(e.Href + "/", StringComparison.Ordinal)).MaxBy(e => e.Href.Length);
}
