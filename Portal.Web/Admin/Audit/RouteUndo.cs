using System.Text.Json;
using Portal.Core.Addresses;
using Portal.Core.Audit;
using Portal.Core.Permissions;
using Portal.Core.Queue;

namespace Portal.Web.Admin.Audit;

/// <summary>The way back from what was done to a route. A password is never in the audit: where it is gone, there is none.</summary>
public sealed class RouteUndo(RouteService routes)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    /// <summary>The way back; null when there is none now.</summary>
    public async Task<Undoing?> FindAsync(Actor actor, AuditEntry entry, CancellationToken cancel)
    {
        var found = await routes.ListAsync(actor, cancel);
        if (!found.IsDone || found.Value.FirstOrDefault(r => r.Name == entry.Target) is not { } row) return null;

        return entry.Action switch
        {
            "route.disable" when row.IsDisabled => (who, stop) => routes.SetDisabledAsync(who, row.Id, false, stop),
            "route.enable" when !row.IsDisabled => (who, stop) => routes.SetDisabledAsync(who, row.Id, true, stop),
            "route.update" => OfUpdate(entry, row),
            _ => null,
        };
    }

    private Undoing? OfUpdate(AuditEntry entry, RouteView row)
    {
        var (before, after) = (Read(entry.Before), Read(entry.After));
        if (before is null || after is null || after != Said.Of(row)) return null;
        if (before.HasPassword && (!after.HasPassword || before.Host != after.Host || before.Port != after.Port)) return null;   // a stored password goes to no host it was not given for

        var draft = new RouteDraft
        {
            Name = before.Name,
            Match = Enum.Parse<RouteMatch>(before.Match),
            Pattern = before.Pattern,
            Host = before.Host,
            Port = before.Port,
            Tls = Enum.Parse<RouteTls>(before.Tls),
            UserName = before.UserName,
            Password = before.HasPassword ? null : "",
        };
        return (who, stop) => routes.UpdateAsync(who, row.Id, draft, row.Version, stop);
    }

    private static Said? Read(string? json) => json is null ? null : JsonSerializer.Deserialize<Said>(json, Json);

    /// <summary>A route as the audit tells it.</summary>
    private sealed record Said(string Name, string Match, string Pattern, string Host, int Port, string Tls, string? UserName, bool HasPassword)
    {
        public static Said Of(RouteView row) => new(row.Name, row.Match.ToString(), row.Pattern, row.Host, row.Port, row.Tls.ToString(), row.UserName, row.HasPassword);
    }
}
