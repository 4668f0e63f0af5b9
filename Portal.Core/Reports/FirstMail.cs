using System.Net;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Addresses;
using Portal.Core.Data;
using Portal.Core.Trace;

namespace Portal.Core.Reports;

/// <summary>
/// Whether mail has ever come from outside, and whether anybody here has ever sent. No index says so: the first and the last of the trace
/// are looked through once, afterwards only what is new, and once seen it stays seen.
/// </summary>
public sealed class FirstMail : IDisposable
{
    private const int LookedAt = 10_000;

    /// <summary>A row may come later than its id, which is made when the message begins; what takes longer is met by the next message or start.</summary>
    private static readonly TimeSpan Overlap = TimeSpan.FromMinutes(5);

    private readonly SemaphoreSlim turn = new(1);
    private bool hasCome, hasSent;
    private DateTimeOffset? lookedTo;
    private Guid? goOn;

    /// <summary>Whether another machine has delivered, and whether somebody here has sent.</summary>
    internal async Task<(bool HasCome, bool HasSent)> LookAsync(PortalDbContext db, CancellationToken cancel)
    {
        await turn.WaitAsync(cancel);
        try
        {
            if (hasCome && hasSent) return (true, true);

            var traces = db.Traces.AsNoTracking();
            if (lookedTo is { } to)
            {
                var lowest = goOn ?? TraceIds.LowestAt(to - Overlap);
                await LookThroughAsync(traces.Where(t => t.QueueId >= lowest).OrderBy(t => t.QueueId), cancel);
            }
            else
            {
                await LookThroughAsync(traces.OrderBy(t => t.QueueId), cancel);
                await LookThroughAsync(traces.OrderByDescending(t => t.QueueId), cancel);
            }

            return (hasCome, hasSent);
        }
        finally
        {
            turn.Release();
        }
    }

    public void Dispose() => turn.Dispose();

    private async Task LookThroughAsync(IQueryable<MessageTrace> traces, CancellationToken cancel)
    {
        var (read, last) = (0, Guid.Empty);
        var rows = traces.Take(LookedAt).Select(t => new { t.QueueId, t.Source, t.Outcome, t.ClientAddress }).AsAsyncEnumerable();
        await foreach (var row in rows.WithCancellation(cancel))
        {
            (read, last) = (read + 1, row.QueueId);
            if (TraceIds.TimeOf(row.QueueId) is var at && (lookedTo is null || at > lookedTo)) lookedTo = at;
            if (row.Outcome != TraceOutcome.Accepted) continue;

            // A scanner in the office says nothing about whether the world gets through.
            hasSent |= row.Source is TraceSource.Submission or TraceSource.Portal;
            hasCome |= row.Source == TraceSource.Mx && IPAddress.TryParse(row.ClientAddress, out var address) && PublicNetworks.Contains(address);
            if (hasCome && hasSent) return;
        }

        goOn = read == LookedAt ? last : null;   // more has come than one look reads: the next begins where this one ended
    }
}
