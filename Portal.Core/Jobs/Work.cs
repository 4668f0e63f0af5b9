using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Portal.Core.Jobs;

public enum WorkState
{
    Pending,
    Running,
    Done,
    Failed,

    /// <summary>Ended by a person before it was done; what its turns did stays done.</summary>
    Cancelled,
}

/// <summary>Work over more than 500 rows: decided in one transaction, carried out in turns by a job, resumable (DESIGN §5).</summary>
public sealed class Work
{
    public long Id { get; init; }

    /// <summary>Names the runner, such as "queue.bulk".</summary>
    public required string Kind { get; init; }

    /// <summary>JSON input of the runner.</summary>
    public required string Input { get; init; }

    /// <summary>Where the next turn begins; meaning is the runner's.</summary>
    public string? Cursor { get; set; }

    public WorkState State { get; set; }

    public long DoneRows { get; set; }

    /// <summary>Rows in all when it began; an estimate.</summary>
    public long TotalRows { get; set; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? EndedAt { get; set; }

    /// <summary>What stopped it; null unless failed.</summary>
    public string? Error { get; set; }

    /// <summary>The rows that were left alone and why (<see cref="WorkResults"/>), for kinds that tell; null when none was.</summary>
    public string? Results { get; set; }

    /// <summary>Who decided it.</summary>
    public required string ActorName { get; init; }
}

/// <summary>A running process instance; its claims live while it beats (DESIGN §4).</summary>
public sealed class Node
{
    public Guid Id { get; init; } = Guid.CreateVersion7();

    public required string HostName { get; init; }

    public DateTimeOffset StartedAt { get; init; }

    public DateTimeOffset HeartbeatAt { get; set; }
}

/// <summary>The right to run a job, with a number that only grows.</summary>
public sealed class JobLease
{
    public required string Job { get; init; }

    public Guid? Owner { get; set; }

    public DateTimeOffset Until { get; set; }

    public long Fence { get; set; }

    public DateTimeOffset? LastRunAt { get; set; }
}

/// <summary>A value people change that belongs to no other table.</summary>
public sealed class Setting
{
    public required string Key { get; init; }

    public required string Value { get; set; }
}

internal sealed class JobsConfiguration : IEntityTypeConfiguration<Work>, IEntityTypeConfiguration<Node>, IEntityTypeConfiguration<JobLease>, IEntityTypeConfiguration<Setting>
{
    public void Configure(EntityTypeBuilder<Work> work)
    {
        work.Property(w => w.Kind).HasMaxLength(100);
        work.Property(w => w.ActorName).HasMaxLength(320);
        work.HasIndex(w => new { w.State, w.Id });
        work.HasIndex(w => w.EndedAt);
    }

    public void Configure(EntityTypeBuilder<Node> node)
    {
        node.Property(n => n.Id).ValueGeneratedNever();
        node.Property(n => n.HostName).HasMaxLength(255);
    }

    public void Configure(EntityTypeBuilder<JobLease> lease)
    {
        lease.HasKey(l => l.Job);
        lease.Property(l => l.Job).HasMaxLength(100);
    }

    public void Configure(EntityTypeBuilder<Setting> setting)
    {
        setting.HasKey(s => s.Key);
        setting.Property(s => s.Key).HasMaxLength(100);
        setting.Property(s => s.Value).IsConcurrencyToken();
    }
}
