using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Portal.Core.Data;

/// <summary>What changed, so that caches and lists follow.</summary>
public enum Change
{
    /// <summary>Domains, addresses, mailboxes, accounts, roles.</summary>
    Directory,
    Routes,
    Settings,

    /// <summary>Entries came, went or moved. A hint only: mail does not raise its counter.</summary>
    Queue,

    /// <summary>New trace rows. A hint only.</summary>
    Trace,
    Audit,

    /// <summary>Items of a mailbox. A hint only; Folder.HighestModSeq is the truth.</summary>
    Mail,

    /// <summary>Pending <see cref="Jobs.Work"/>, and mails to owners that are still to be written.</summary>
    Work,

    /// <summary>Sessions of the portal that were ended.</summary>
    Sessions,

    /// <summary>Senders allowed or blocked.</summary>
    Lists,

    /// <summary>Mail came into quarantine or left it. A hint: mail does not raise its counter.</summary>
    Quarantine,

    /// <summary>Keys that sign mail came, went or changed their state; a domain came or went.</summary>
    SigningKeys,
}

/// <summary>How often something has changed: raised in the transaction of the change; the truth behind every hint (DESIGN §7).</summary>
public sealed class ChangeCounter
{
    public Change Area { get; init; }

    public long Value { get; set; }
}

/// <summary>Which programs may open this database.</summary>
public sealed class SchemaVersion
{
    public int Id { get; init; }

    public int Version { get; set; }

    /// <summary>Oldest program version that can read it.</summary>
    public int LeastReader { get; set; }

    /// <summary>Oldest program version that can write it.</summary>
    public int LeastWriter { get; set; }
}

internal sealed class ChangeCounterConfiguration : IEntityTypeConfiguration<ChangeCounter>, IEntityTypeConfiguration<SchemaVersion>
{
    public void Configure(EntityTypeBuilder<ChangeCounter> counter)
    {
        counter.HasKey(c => c.Area);
        counter.Property(c => c.Area).ValueGeneratedNever();
        counter.HasData(Enum.GetValues<Change>().Select(area => new ChangeCounter { Area = area }));
    }

    public void Configure(EntityTypeBuilder<SchemaVersion> version)
    {
        version.Property(v => v.Id).ValueGeneratedNever();
        version.HasData(new SchemaVersion { Id = 1, Version = 1, LeastReader = 1, LeastWriter = 1 });
    }
}
