using System.Globalization;
using Portal.Core;
using Portal.Core.Audit;
using Portal.Core.Domains;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;

namespace Portal.Web.Admin.Audit;

/// <summary>The way back from one entry; carried out by the service that would do it anyway, with an entry of its own.</summary>
public delegate Task<Outcome> Undoing(Actor actor, CancellationToken cancel);

/// <summary>
/// Which acts can be undone: those with an opposite, for who may do it, and only while things still are as the act left them. What
/// somebody changed since is never overwritten.
/// </summary>
public sealed class AuditUndo(MailboxListService mailboxes, MailboxService mailboxActs, DomainService domains, RouteUndo routes, AliasUndo aliases, RoleUndo roles)
{
    /// <summary>The way back; null when there is none now.</summary>
    public async Task<Undoing?> FindAsync(Actor actor, AuditEntry entry, CancellationToken cancel)
    {
        if (AuditChange.Of(entry).FirstOrDefault(c => c.IsChanged) is not { } change) return null;
        return entry.Action.Split('.')[0] switch
        {
            "mailbox" => await OfMailboxAsync(actor, entry, change, cancel),
            "domain" when actor.May(Capability.ManageDomains) => await OfDomainAsync(actor, entry, change, cancel),
            "route" when actor.MayEverywhere(Capability.ManageRoutes) => await routes.FindAsync(actor, entry, cancel),
            "alias" when actor.May(Capability.ManageAliases) => await aliases.FindAsync(actor, entry, cancel),
            "account" when actor.MayEverywhere(Capability.ManageRoles) => await roles.FindAsync(actor, entry, cancel),
            _ => null,
        };
    }

    private async Task<Undoing?> OfMailboxAsync(Actor actor, AuditEntry entry, AuditChange change, CancellationToken cancel)
    {
        if (!actor.May(entry.Action == "mailbox.quota.set" ? Capability.SetQuota : Capability.ManageMailboxes)) return null;
        var query = new MailboxQuery { Text = entry.Target, State = entry.Action == "mailbox.delete" ? MailboxState.Deleted : null };
        var found = await mailboxes.SearchAsync(actor, query, cancel);
        if (!found.IsDone || found.Value.Rows.FirstOrDefault(r => r.Address == entry.Target) is not { } row) return null;

        var state = row.State.ToString();
        return entry.Action switch
        {
            "mailbox.delete" when state == change.After => (who, stop) => mailboxActs.RestoreAsync(who, row.Id, stop),
            "mailbox.disable" when state == change.After => (who, stop) => mailboxActs.EnableAsync(who, row.Id, stop),
            "mailbox.enable" when state == change.After && row.AccountId != actor.AccountId => (who, stop) => mailboxActs.DisableAsync(who, row.Id, stop),
            "mailbox.rename" when row.Name == change.After && change.Before is { } name => (who, stop) => mailboxActs.RenameAsync(who, row.Id, row.Version, name, stop),
            "mailbox.quota.set" when row.QuotaBytes == BytesOf(change.After) => (who, stop) => mailboxActs.SetQuotaAsync(who, row.Id, row.Version, BytesOf(change.Before), stop),
            _ => null,
        };
    }

    private async Task<Undoing?> OfDomainAsync(Actor actor, AuditEntry entry, AuditChange change, CancellationToken cancel)
    {
        var found = await domains.SearchAsync(actor, new DomainQuery { Text = entry.Target }, cancel);
        if (!found.IsDone || found.Value.Rows.FirstOrDefault(r => r.DisplayName == entry.Target) is not { } row) return null;

        return entry.Action switch
        {
            "domain.disable" when row.IsDisabled => (who, stop) => domains.SetDisabledAsync(who, row.Id, false, stop),
            "domain.enable" when !row.IsDisabled => (who, stop) => domains.SetDisabledAsync(who, row.Id, true, stop),
            "domain.transport.set" when TransportOf(entry, c => c.After) == (row.MtaSts.Mode, row.MtaSts.MaxAgeDays) && TransportOf(entry, c => c.Before) is { } was =>
                (who, stop) => domains.SetTransportAsync(who, row.Id, row.Version, was.Mode, was.Days, stop),
            "domain.quota.set" when row.DefaultQuotaBytes == BytesOf(change.After) => (who, stop) => domains.SetDefaultQuotaAsync(who, row.Id, row.Version, BytesOf(change.Before), stop),
            _ => null,
        };
    }

    private static (MtaStsMode Mode, int? Days)? TransportOf(AuditEntry entry, Func<AuditChange, string?> side)
    {
        var values = AuditChange.Of(entry).ToDictionary(c => c.Name ?? "", side);
        if (!Enum.TryParse<MtaStsMode>(values.GetValueOrDefault("mtaStsMode"), out var mode)) return null;
        return (mode, int.TryParse(values.GetValueOrDefault("mtaStsMaxAgeDays"), NumberStyles.None, CultureInfo.InvariantCulture, out var days) ? days : null);
    }

    private static long? BytesOf(string? text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes) ? bytes : null;
}
