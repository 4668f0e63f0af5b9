using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Portal.Core.Messages;

/// <summary>What a message asks of the transport.</summary>
[Flags]
public enum MessageNeeds
{
    None = 0,
    EightBit = 1,
    Utf8Headers = 2,

    /// <summary>NUL, lines over 998 octets, or no line break at the end: only chunks (RFC 3030) carry it exactly.</summary>
    Odd = 4,
}

/// <summary>One acceptance: what came in once, however many people got it. Immutable but for what a parser fills in later.</summary>
public sealed class Message
{
    public long Id { get; init; }

    /// <summary>The queue id that people see in the 250, in Received and in the trace; Guid v7 made by the session, unique.</summary>
    public Guid QueueId { get; init; }

    public DateTimeOffset ReceivedAt { get; init; }

    /// <summary>Exact size in octets with the trace fields we put in front.</summary>
    public long SizeBytes { get; init; }

    /// <summary>Envelope sender; empty for the null reverse-path.</summary>
    public required string ReversePath { get; init; }

    /// <summary>Message-ID header without angle brackets; null when it has none.</summary>
    public string? MessageIdHeader { get; init; }

    public string? InReplyTo { get; init; }

    /// <summary>Decoded From as "Name &lt;address&gt;"; null when it has none.</summary>
    public string? HeaderFrom { get; init; }

    public string? HeaderTo { get; init; }

    public string? Subject { get; init; }

    /// <summary>The Date header; null when absent or unreadable.</summary>
    public DateTimeOffset? SentAt { get; init; }

    public MessageNeeds Needs { get; init; }

    /// <summary>Longest line in octets without its CRLF.</summary>
    public int LongestLine { get; init; }

    /// <summary>Start of the text; null until the parser has run.</summary>
    public string? Preview { get; set; }

    public bool HasAttachments { get; set; }

    /// <summary>Version of the parser that filled <see cref="Preview"/>; 0 for none yet.</summary>
    public int ParserVersion { get; set; }
}

/// <summary>The bytes of one message: immutable, never shared between acceptances, deleted only by the sweep (DESIGN §5).</summary>
public sealed class Content
{
    public long MessageId { get; init; }

    /// <summary>Trace fields we prepended (Return-Path, Received); the content as received follows.</summary>
    public required byte[] TraceFields { get; init; }

    /// <summary>SHA-256 of the content as received.</summary>
    public required byte[] Hash { get; init; }

    /// <summary>Octets of the content as received.</summary>
    public long RawBytes { get; init; }

    /// <summary>The content, zstd when <see cref="IsCompressed"/>; null when it is in a blob.</summary>
    public byte[]? Inline { get; init; }

    /// <summary>Key in the blob store, never the hash, never used twice; null when inline.</summary>
    public Guid? BlobKey { get; init; }

    public bool IsCompressed { get; init; }

    /// <summary>When it was stored; the sweep leaves what is younger than 24 h.</summary>
    public DateTimeOffset StoredAt { get; init; }
}

internal sealed class MessageConfiguration : IEntityTypeConfiguration<Message>, IEntityTypeConfiguration<Content>
{
    public void Configure(EntityTypeBuilder<Message> message)
    {
        message.HasIndex(m => m.QueueId).IsUnique();
        message.Property(m => m.ReversePath).HasMaxLength(320);
        message.Property(m => m.MessageIdHeader).HasMaxLength(1000);
        message.Property(m => m.InReplyTo).HasMaxLength(1000);
        message.Property(m => m.HeaderFrom).HasMaxLength(1000);
        message.Property(m => m.HeaderTo).HasMaxLength(2000);
        message.Property(m => m.Subject).HasMaxLength(1000);
        message.Property(m => m.Preview).HasMaxLength(300);
    }

    public void Configure(EntityTypeBuilder<Content> content)
    {
        content.HasKey(c => c.MessageId);
        content.HasOne<Message>().WithOne().HasForeignKey<Content>(c => c.MessageId).OnDelete(DeleteBehavior.Restrict);
        content.Property(c => c.Hash).HasMaxLength(32);
    }
}
