using Microsoft.Extensions.Localization;
using MudBlazor;
using Portal.Core.Accounts;
using Portal.Core.Permissions;
using Portal.Web.Resources;

namespace Portal.Web.Components.Layout;

/// <summary>One thing the palette offers.</summary>
/// <param name="Group">Suffix of the key "Palette_…".</param>
/// <param name="Note">Second, quieter text; null for none.</param>
public sealed record PaletteItem(string Group, string Icon, string Text, string? Note, string Href);

/// <summary>What the palette answers, by kind, filtered by what the actor may see; at most eight of a kind.</summary>
public sealed class PaletteItems(DirectorySearch directory, IStringLocalizer<Shell> words)
{
    private const int PerKind = 8;

    /// <param name="text">As typed; "@" asks for people only, "#" for messages, "&gt;" for actions.</param>
    public async Task<IReadOnlyList<PaletteItem>> FindAsync(Actor actor, string text, CancellationToken cancel)
    {
        var typed = text.Trim();
        var (prefix, wanted) = typed is ['@' or '#' or '>', ..] ? (typed[0], typed[1..].Trim()) : (' ', typed);
        List<PaletteItem> found = [];
        if (prefix is ' ') found.AddRange(Pages(actor, wanted));
        if (prefix is ' ' or '@' && wanted.Length > 0) found.AddRange(await PeopleAsync(actor, wanted, cancel));
        if (prefix is ' ' or '@' && wanted.Length > 0) found.AddRange(await AliasesAsync(actor, wanted, cancel));
        if (prefix is ' ' && wanted.Length > 0) found.AddRange(await DomainsAsync(actor, wanted, cancel));
        if (prefix is ' ' or '>') found.AddRange(await ActionsAsync(actor, wanted, prefix == '>', cancel));
        if (prefix is ' ' or '#' && wanted.Length > 0) found.AddRange(Messages(actor, wanted));   // last: it always offers to search, and Enter takes the first
        return found;
    }

    private IEnumerable<PaletteItem> Pages(Actor actor, string wanted) =>
        from entry in Navigation.For(actor)
        let title = words[$"Nav_{entry.Key}"].Value
        let area = words[$"Area_{entry.Area}"].Value
        where Holds(title, wanted) || (wanted.Length > 0 && Holds(area, wanted))
        orderby title.StartsWith(wanted, StringComparison.CurrentCultureIgnoreCase) ? 0 : 1
        select new PaletteItem("Pages", entry.Icon, title, area, entry.Href);

    private async Task<IEnumerable<PaletteItem>> PeopleAsync(Actor actor, string wanted, CancellationToken cancel) =>
        from mailbox in await directory.MailboxesAsync(actor, wanted, PerKind, cancel)
        select new PaletteItem("People", Icons.Material.Outlined.Person, mailbox.Name, mailbox.Address, HrefOf(actor, mailbox));

    // Whoever may change an alias goes to it; helpdesk to the person whose name it is.
    private async Task<IEnumerable<PaletteItem>> AliasesAsync(Actor actor, string wanted, CancellationToken cancel) =>
        from alias in await directory.AliasesAsync(actor, wanted, PerKind, cancel)
        where alias.Mailbox is not null || actor.May(Capability.ManageAliases)
        select new PaletteItem("Aliases", Icons.Material.Outlined.AlternateEmail, alias.Address, alias.Mailbox,
            actor.May(Capability.ManageAliases) ? $"/admin/aliases?open={alias.Id}" : $"/helpdesk?q={Uri.EscapeDataString(alias.Address)}");

    private async Task<IEnumerable<PaletteItem>> DomainsAsync(Actor actor, string wanted, CancellationToken cancel) =>
        from domain in await directory.DomainsAsync(actor, wanted, PerKind, cancel)
        select new PaletteItem("Domains", Icons.Material.Outlined.Language, domain.Name, null, $"/admin/domains/{domain.Id}");

    private IEnumerable<PaletteItem> Messages(Actor actor, string wanted)
    {
        if (!actor.May(Capability.ViewTrace)) yield break;
        if (Guid.TryParse(wanted, out var queueId)) yield return new("Messages", Icons.Material.Outlined.Mail, words["PaletteMessage"], queueId.ToString("N"), $"/admin/trace/{queueId:N}");
        yield return new("Messages", Icons.Material.Outlined.Timeline, words["PaletteTrace", wanted], null, $"/admin/trace?q={Uri.EscapeDataString(wanted)}");
    }

    private async Task<IEnumerable<PaletteItem>> ActionsAsync(Actor actor, string wanted, bool all, CancellationToken cancel)
    {
        List<PaletteItem> actions = [];
        if (all || wanted.Length > 0)
        {
            Offer("CreateMailbox", Icons.Material.Outlined.PersonAdd, "/admin/mailboxes?new=true", actor.May(Capability.ManageMailboxes));
            Offer("CreateAlias", Icons.Material.Outlined.AlternateEmail, "/admin/aliases?new=alias", actor.May(Capability.ManageAliases));
            Offer("AddDomain", Icons.Material.Outlined.Language, "/admin/domains?new=true", actor.MayEverywhere(Capability.ManageDomains));
            Offer("AddRoute", Icons.Material.Outlined.AltRoute, "/admin/routes?route=new", actor.MayEverywhere(Capability.ManageRoutes));
            Offer("AllowOrBlock", Icons.Material.Outlined.Rule, "/admin/lists?entry=new", actor.May(Capability.ManageLists));
            Offer("WriteMessage", Icons.Material.Outlined.Edit, "/mail?compose=new", actor.May(Capability.UseOwnMail));
            Offer("RecoverMail", Icons.Material.Outlined.RestoreFromTrash, "/mail/recover", actor.May(Capability.UseOwnMail));
            Offer("FindPerson", Icons.Material.Outlined.PersonSearch, "/helpdesk", actor.May(Capability.ResetPasswords));
            Offer("ChangePassword", Icons.Material.Outlined.Key, "/account/password");
            Offer("SignOutEverywhere", Icons.Material.Outlined.Logout, "/account/security");
        }

        if (actor.May(Capability.ResetPasswords))
        {
            foreach (var (key, icon) in new[] { ("ResetPassword", Icons.Material.Outlined.LockReset), ("Unlock", Icons.Material.Outlined.LockOpen) }) actions.AddRange(await OfPeopleAsync(actor, key, icon, wanted, all, cancel));
        }

        return actions;

        void Offer(string key, string icon, string href, bool isFor = true)
        {
            var title = words[$"Action_{key}"].Value;
            if (isFor && Holds(title, wanted)) actions.Add(new("Actions", icon, title, null, href));
        }
    }

    /// <summary>An act with the person it is for: "reset password anna", or the name alone where only actions are asked for.</summary>
    private async Task<IEnumerable<PaletteItem>> OfPeopleAsync(Actor actor, string key, string icon, string wanted, bool all, CancellationToken cancel)
    {
        var act = words[$"Action_{key}"].Value;
        var who = wanted.StartsWith(act, StringComparison.CurrentCultureIgnoreCase) ? wanted[act.Length..].Trim() : all ? wanted : "";
        if (who.Length == 0) return [];
        return from mailbox in await directory.MailboxesAsync(actor, who, PerKind, cancel)
               select new PaletteItem("Actions", icon, words[$"Action_{key}Of", mailbox.Name], mailbox.Address, HrefOf(actor, mailbox, "?tab=sign-in"));
    }

    // Whoever may manage a mailbox goes to it; helpdesk goes to the person's card.
    private static string HrefOf(Actor actor, FoundMailbox mailbox, string tab = "") =>
        actor.May(Capability.ManageMailboxes) ? $"/admin/mailboxes/{mailbox.Id}{tab}" : $"/helpdesk?q={Uri.EscapeDataString(mailbox.Address)}";

    private static bool Holds(string title, string wanted) => wanted.Length == 0 || title.Contains(wanted, StringComparison.CurrentCultureIgnoreCase);
}
