using System.Text.Json;
using Portal.Core;
using Portal.Core.Addresses;
using Portal.Core.Audit;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Core.Recipients;

namespace Portal.Web.Admin.Audit;

/// <summary>The way back from what was done to an alias: a new one goes, a deleted one comes back, a changed one leads where it led.</summary>
public sealed class AliasUndo(AliasService aliases, MailboxListService mailboxes)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    /// <summary>The way back; null when there is none now.</summary>
    public async Task<Undoing?> FindAsync(Actor actor, AuditEntry entry, CancellationToken cancel)
    {
        if (entry.DomainId is not { } domainId) return null;
        var now = await NowAsync(actor, domainId, entry.Target, cancel);
        var (before, after) = (Read(entry.Before), Read(entry.After));
        switch (entry.Action)
        {
            case "alias.create" or "alias.restore" when now is not null && after is not null && after.Is(now):
                return async (who, stop) => await aliases.DeleteAsync(who, now.Id, stop);
            case "alias.change" when now is not null && before is not null && after is not null && after.Is(now) && await MailboxAsync(actor, before, cancel) is { IsThere: true } led:
                return (who, stop) => aliases.SetTargetAsync(who, now.Id, now.Version, led.Id, before.Targets ?? [], stop);
            case "alias.delete" when now is null && before is not null && await MailboxAsync(actor, before, cancel) is { IsThere: true } led:
                var content = new AliasContent { DomainId = domainId, LocalPart = LocalPartOf(entry.Target), MailboxId = led.Id, Targets = before.Targets ?? [] };
                return async (who, stop) => await aliases.RestoreAsync(who, content, stop);
            default:
                return null;
        }
    }

    /// <summary>The alias as it is; null when there is none of that name.</summary>
    private async Task<AliasDetail?> NowAsync(Actor actor, Guid domainId, string target, CancellationToken cancel)
    {
        var local = LocalPartOf(target);
        var query = new AliasQuery { DomainId = domainId, Text = local.Length == 0 ? "" : target, CatchAllOnly = local.Length == 0, Take = Paging.MaxTake };
        var found = await aliases.SearchAsync(actor, query, cancel);
        if (!found.IsDone || found.Value.Rows.FirstOrDefault(r => MailAddress.Fold(r.LocalPart) == local) is not { } row) return null;
        return await aliases.GetAsync(actor, row.Id, cancel) is { IsDone: true } detail ? detail.Value : null;
    }

    /// <summary>The mailbox an alias was another name of: none for a forwarder; not there when it has gone.</summary>
    private async Task<(bool IsThere, Guid? Id)> MailboxAsync(Actor actor, Said said, CancellationToken cancel)
    {
        if (said.Mailbox is not { } address) return (true, null);
        var found = await mailboxes.SearchAsync(actor, new MailboxQuery { Text = address }, cancel);
        return found.IsDone && found.Value.Rows.FirstOrDefault(r => r.Address == address) is { } row ? (true, row.Id) : (false, null);
    }

    // "*@domain" is the catch-all.
    private static string LocalPartOf(string target) => target[..target.LastIndexOf('@')] is var local && local != "*" ? local : "";

    private static Said? Read(string? json) => json is null ? null : JsonSerializer.Deserialize<Said>(json, Json);

    /// <summary>Where an alias leads, as the audit tells it.</summary>
    private sealed record Said(string? Mailbox, IReadOnlyList<string>? Targets)
    {
        public bool Is(AliasDetail now) => Mailbox is null ? now.Mailbox is null && (Targets ?? []).ToHashSet().SetEquals(now.Targets) : Mailbox == now.Mailbox;
    }
}
