using Microsoft.EntityFrameworkCore;
using Portal.Core.Audit;
using Portal.Core.Messages;

namespace Portal.Core.Quarantine;

/// <summary>Which items are meant; every part given must match.</summary>
public sealed record QuarantineFilter
{
    public static readonly QuarantineFilter All = new();

    /// <summary>Part of a recipient or of the envelope sender, or a whole queue id.</summary>
    public string? Text { get; init; }

    /// <summary>Only what this rule put here.</summary>
    public string? Rule { get; init; }

    /// <summary>Only what is for this domain's recipients.</summary>
    public Guid? DomainId { get; init; }

    internal IQueryable<QuarantineItem> Apply(IQueryable<QuarantineItem> items)
    {
        if (Rule is { } rule) items = items.Where(i => i.Rule == rule);
        if (DomainId is { } domainId) items = items.Where(i => i.DomainId == domainId);
        if (Text?.Trim() is not { Length: > 0 } text) return items;
        if (Guid.TryParse(text, out var queueId)) return items.Where(i => i.QueueId == queueId);
        var part = text.ToLowerInvariant();
#pragma warning disable CA1304, CA1311, CA1862   // translated to SQL
        return items.Where(i => i.ForwardPath.ToLower().Contains(part) || i.ReversePath.ToLower().Contains(part));
#pragma warning restore CA1304, CA1311, CA1862
    }
}

/// <summary>What a list of items is sorted by; where more than <see cref="Paging.CountLimit"/> match, every other order becomes the age.</summary>
public enum QuarantineSort
{
    Age,
    Recipient,
    Sender,
    Size,
}

/// <summary>The items an act is for: named ones, or all that match a filter when it is decided.</summary>
public sealed record QuarantineSelection
{
    private QuarantineSelection()
    {
    }

    /// <summary>Items by id; null when a filter says it.</summary>
    public IReadOnlyList<long>? Ids { get; private init; }

    public QuarantineFilter Filter { get; private init; } = QuarantineFilter.All;

    public static QuarantineSelection Of(params IReadOnlyList<long> ids) => new() { Ids = ids };

    public static QuarantineSelection Matching(QuarantineFilter filter) => new() { Filter = filter };

    internal IQueryable<QuarantineItem> Apply(IQueryable<QuarantineItem> items) => Ids is { } ids ? items.Where(i => ids.Contains(i.Id)) : Filter.Apply(items);

    /// <summary>What the audit says it was for.</summary>
    internal string Describe() => AuditTarget.Of(Ids, ("text", Filter.Text), ("rule", Filter.Rule), ("domain", Filter.DomainId));
}

/// <summary>What can be done with quarantined mail.</summary>
public enum QuarantineAct
{
    /// <summary>Deliver it, as if it had never been kept back.</summary>
    Release,

    /// <summary>Delete it; nobody is told.</summary>
    Delete,
}

/// <summary>What became of an act.</summary>
/// <param name="Rows">Items done at once.</param>
/// <param name="WorkId">The work that carries it out when there were more than <see cref="QuarantineService.MaxRowsAtOnce"/>; null when it is all done.</param>
public sealed record QuarantineActResult(int Rows, long? WorkId);

/// <summary>An item in a list: the envelope and why, no content.</summary>
/// <param name="From">Author as the header names it; null when there is none.</param>
public sealed record QuarantineRow(long Id, Guid QueueId, string ReversePath, string? From, string ForwardPath, Guid? DomainId, string Rule, bool IsRefused, DateTimeOffset At, DateTimeOffset ExpiresAt, long SizeBytes);

/// <summary>An item opened: headers and text made safe. What it shows is text, never markup.</summary>
/// <param name="Header">The header fields as they came, decoded leniently; cut at <see cref="QuarantineService.MaxHeaderChars"/>.</param>
/// <param name="Text">The text, or what a reader sees of the HTML; null when there is none or the message can't be taken apart.</param>
/// <param name="IsCut">Whether header or text goes on.</param>
/// <param name="IsReadable">False when the message is too deep, has too many parts or is broken.</param>
public sealed record QuarantineView(QuarantineRow Row, string Subject, IReadOnlyList<MailPerson> From, string Header, string? Text, bool IsCut, bool IsReadable, IReadOnlyList<MailPart> Attachments);
