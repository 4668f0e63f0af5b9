using Microsoft.EntityFrameworkCore;
using Portal.Core.Addresses;
using Portal.Core.Data;
using Portal.Core.Permissions;

namespace Portal.Core.Trace;

/// <summary>
/// What an actor sees of the trace: everything, or what their domains sent or got. Of mail that strangers sent to several domains
/// they see only their own recipients.
/// </summary>
internal sealed class TraceScope
{
    private static readonly string[] OfMailbox = [TraceInputs.Mailbox, TraceInputs.UsedBytes, TraceInputs.QuotaBytes, TraceInputs.FullSince];
    private readonly HashSet<string>? domains;

    private TraceScope(HashSet<string>? domains) => this.domains = domains;

    /// <summary>The "@domain" terms one of which must be there; null means everything.</summary>
    public IReadOnlyList<string>? Terms => domains is null ? null : [.. domains.Select(d => "@" + d)];

    public static async Task<TraceScope> OfAsync(PortalDbContext db, Actor actor, CancellationToken cancel)
    {
        if (actor.DomainsWith(Capability.ViewTrace) is not { } visible) return new(null);
        // An alias domain is part of the domain it stands for.
        var names = await db.Domains.AsNoTracking().Where(d => visible.Contains(d.Id) || (d.AliasOfId != null && visible.Contains(d.AliasOfId.Value))).Select(d => d.Name).ToListAsync(cancel);
        return new([.. names]);
    }

    /// <summary>The recipients of a message that the actor may see.</summary>
    public IQueryable<TraceRecipient> Of(IQueryable<TraceRecipient> recipients, MessageTrace trace)
    {
        if (domains is null || IsOurs(trace.ReversePath)) return recipients;
        var endings = domains.Select(d => "%@" + d).ToList();
        return recipients.Where(r => endings.Any(ending => EF.Functions.Like(r.Recipient, ending)));
    }

    /// <summary>Whether anything of the message is theirs, <paramref name="recipients"/> being those that <see cref="Of"/> leaves.</summary>
    public bool Sees(MessageTrace trace, int recipients) => domains is null || recipients > 0 || IsOurs(trace.ReversePath);

    public bool Sees(MessageTrace trace, IEnumerable<string> recipients) => domains is null || IsOurs(trace.ReversePath) || recipients.Any(IsOurs);

    public TraceRow Cut(MessageTrace trace, IEnumerable<TraceRecipient> recipients, int count)
    {
        if (domains is null || IsOurs(trace.ReversePath)) return new(trace, [.. recipients.Take(TraceRow.MaxRecipients)], count);
        var ours = recipients.Where(r => IsOurs(r.Recipient)).ToList();
        return new(trace, [.. ours.Take(TraceRow.MaxRecipients)], ours.Count);
    }

    public TraceDetail Cut(TraceDetail detail)
    {
        if (domains is null) return detail;
        var isSender = IsOurs(detail.Trace.ReversePath);
        return detail with
        {
            Events = [.. detail.Events.Select(e => e with { Facts = [.. e.Facts.Where(f => isSender || IsOurs(f)).Select(Cut)] })],
        };
    }

    /// <summary>Leaves out what is told of mailboxes outside their domains: to send there, or to forward there, does not show how full they are.</summary>
    private TraceFact Cut(TraceFact fact)
    {
        var isForeign = fact.Inputs.TryGetValue(TraceInputs.Mailbox, out var mailbox) && !IsOurs(mailbox);
        if (!isForeign && !fact.Inputs.ContainsKey(TraceInputs.LeadsTo)) return fact;
        var inputs = new Dictionary<string, string>(fact.Inputs);
        if (isForeign) foreach (var name in OfMailbox) inputs.Remove(name);
        if (inputs.Remove(TraceInputs.LeadsTo, out var several))
        {
            var ours = string.Join(TraceInputs.Separator, several.Split(TraceInputs.Separator).Where(IsOurs));
            if (ours.Length > 0) inputs[TraceInputs.LeadsTo] = ours;
        }

        return fact with { Inputs = inputs };
    }

    // A fact about somebody else's recipient is theirs to see. What names no address is about the message. Where an address led to says nothing of whose it is.
    private bool IsOurs(TraceFact fact) => fact.Inputs.Where(i => i.Key is not (TraceInputs.Mailbox or TraceInputs.LeadsTo)).Select(i => i.Value)
        .Where(v => v.Contains('@', StringComparison.Ordinal) && MailAddress.TryParse(v, out _)).ToList() is var addresses
        && (addresses.Count == 0 || addresses.Any(IsOurs));

    private bool IsOurs(string? address) => MailAddress.TryParse(address, out var parsed) && domains!.Contains(parsed.Domain.Value);
}
