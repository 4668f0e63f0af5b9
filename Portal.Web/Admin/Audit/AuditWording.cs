using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Localization;
using Portal.Core.Audit;
using Portal.Core.Mailboxes;
using Portal.Web.Admin.Accounts;
using Portal.Web.Admin.Domains;
using Portal.Web.Admin.Mailboxes;
using Portal.Web.Admin.Routes;
using Portal.Web.Components;
using Portal.Web.Components.Shared;
using Portal.Web.Resources;

namespace Portal.Web.Admin.Audit;

/// <summary>The values of audit entries as people read them: names, sizes, times, states, lists. What no page knows is shown as it was written.</summary>
public sealed class AuditWording(
    IStringLocalizer<AuditPage> words, IStringLocalizer<Shell> shell, IStringLocalizer<RoutesPage> routes, IStringLocalizer<AccountsPage> accounts, IStringLocalizer<MailboxesPage> mailboxes, IStringLocalizer<Actions> actions,
    IStringLocalizer<DomainsPage> domains, Display display)
{
    /// <summary>What a value is called. Single values have no name: their action says what they are.</summary>
    public string NameOf(AuditEntry entry, AuditChange change)
    {
        var key = change.Name ?? entry.Action switch
        {
            "account.roles.set" => "roles",
            "route.disable" or "route.enable" => "isDisabled",
            _ => null,
        };
        return key is null ? words["Value"] : words[$"Value_{key}"] is { ResourceNotFound: false } known ? known : key;
    }

    /// <summary>One side of a value.</summary>
    /// <param name="json">The whole side of the entry: null where it has none.</param>
    public string TextOf(AuditChange change, string? value, string? json) => value switch
    {
        null when json is not null && change.Name is "quotaBytes" or "defaultQuotaBytes" => words["NoLimit"],
        null when json is not null && change.Name is "mtaStsMaxAgeDays" => domains["MaxAgeOwn"],
        null => words["NoValue"],
        ['[' or '{', ..] when Parsed(value) is { } parsed => TextOf(change.Name, parsed),
        _ => TextOf(change.Name, value),
    };

    private static JsonElement? Parsed(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            return null;   // a text that only begins like one
        }
    }

    private string TextOf(string? name, JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Array when value.GetArrayLength() == 0 => words["NoValue"],
        JsonValueKind.Array => string.Join(words["ListMark"], value.EnumerateArray().Select(v => TextOf(name, v))),
        JsonValueKind.Object => string.Join(words["ListMark"], value.EnumerateObject().Where(IsTold)
            .Select(p => words["NameAndValue", words[$"Value_{p.Name}"] is { ResourceNotFound: false } known ? known.Value : p.Name, TextOf(p.Name, p.Value)].Value)),
        JsonValueKind.String => TextOf(name, value.GetString()!),
        _ => TextOf(name, value.GetRawText()),
    };

    // Of a filter only what it narrows by.
    private static bool IsTold(JsonProperty member) =>
        member.Name is not ("sort" or "descending" or "skip" or "take") && member.Value.ValueKind is not (JsonValueKind.Null or JsonValueKind.False) && member.Value.ToString().Length > 0;

    private string TextOf(string? name, string value) => name switch
    {
        _ when value is "true" => words["Yes"],
        _ when value is "false" => words["No"],
        "quotaBytes" or "defaultQuotaBytes" or "sizeBytes" when long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes) => Quotas.Text(bytes),
        "until" or "deletedAt" when DateTimeOffset.TryParse(value, CultureInfo.InvariantCulture, out var at) => TimeZoneInfo.ConvertTime(at, display.Zone).ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture),
        "state" when Enum.TryParse<MailboxState>(value, out var state) => Known(shell, $"Status_{state}", value),
        "kind" when Enum.TryParse<MailboxKind>(value, out var kind) => Known(mailboxes, $"Kind_{kind}", value),
        "match" => Known(routes, $"Match_{value}", value),
        "tls" => Known(routes, $"Tls_{value}", value),
        "mtaStsMode" => Known(domains, $"Mode_{value}", value),
        "stage" => Known(routes, $"Probe_{value}", value),
        "scheme" => Known(shell, $"Scheme_{value}", value),
        "by" => Known(words, $"By_{value}", value),
        "action" => Known(actions, value, value),
        "language" => Languages.All.Contains(value) ? Languages.NameOf(value) : value,
        null or "roles" => value.Split('@') is [var role, .. var domain] && accounts[$"Role_{role}"] is { ResourceNotFound: false } known ? string.Join('@', [known.Value, .. domain]) : value,
        _ => value,
    };

    private static string Known(IStringLocalizer from, string key, string value) => from[key] is { ResourceNotFound: false } known ? known : value;
}
