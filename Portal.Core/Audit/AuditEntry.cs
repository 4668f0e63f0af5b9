using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Portal.Core.Permissions;

namespace Portal.Core.Audit;

/// <summary>Who did what to whom; appended in the transaction of the act, never changed.</summary>
public sealed class AuditEntry
{
    public const int MaxReasonLength = 1_000;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public long Id { get; init; }

    public DateTimeOffset At { get; init; }

    public ActorKind ActorKind { get; init; }

    public Guid? ActorId { get; init; }

    public required string ActorName { get; init; }

    public Channel Channel { get; init; }

    public string? ClientAddress { get; init; }

    /// <summary>Key of the Actions resource, such as "mailbox.quota.set".</summary>
    public required string Action { get; init; }

    /// <summary>Name of what was acted on: an address, a domain, a route.</summary>
    public required string Target { get; init; }

    public Guid? DomainId { get; init; }

    /// <summary>JSON of the values before; null when there were none.</summary>
    public string? Before { get; init; }

    /// <summary>JSON of the values after; null when there are none. Never a secret.</summary>
    public string? After { get; init; }

    /// <summary>Why, in the words of whoever acted; null where none were given.</summary>
    public string? Reason { get; init; }

    public bool IsDemo { get; init; }

    /// <summary>An entry for a change; values are written as JSON.</summary>
    public static AuditEntry Change(Actor actor, DateTimeOffset at, string action, string target, object? before, object? after, Guid? domainId = null) => new()
    {
        At = at,
        ActorKind = actor.Kind,
        ActorId = actor.AccountId,
        ActorName = actor.Name,
        Channel = actor.Channel,
        ClientAddress = actor.Address,
        Action = action,
        Target = target,
        DomainId = domainId,
        Before = before is null ? null : JsonSerializer.Serialize(before, Json),
        After = after is null ? null : JsonSerializer.Serialize(after, Json),
        Reason = actor.Reason,
    };
}

internal sealed class AuditEntryConfiguration : IEntityTypeConfiguration<AuditEntry>
{
    public void Configure(EntityTypeBuilder<AuditEntry> entry)
    {
        entry.Property(e => e.ActorName).HasMaxLength(320);
        entry.Property(e => e.ClientAddress).HasMaxLength(64);
        entry.Property(e => e.Action).HasMaxLength(100);
        entry.Property(e => e.Target).HasMaxLength(400);
        entry.Property(e => e.Reason).HasMaxLength(AuditEntry.MaxReasonLength);
        entry.HasIndex(e => e.At);
        entry.HasIndex(e => new { e.Target, e.Id });
        entry.HasIndex(e => new { e.ActorId, e.Id });
    }
}
