using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Addresses;
using Portal.Core.Data;
using Portal.Core.Domains;

namespace Portal.Core.Recipients;

/// <summary>
/// Knows, before mail is taken for a domain whose mailboxes are elsewhere, whether the host there takes it, so that nothing is bounced later
/// to a forged sender. A yes is kept in the database: while the host is down we still take mail for whom it had. A no is kept for
/// minutes, silence for seconds.
/// </summary>
public sealed class RecipientVerifier(IDbContextFactory<PortalDbContext> databases, WriteGate gate, IRecipientProbe probe, TimeProvider clock)
{
    /// <summary>A yes younger than this is not asked again.</summary>
    public static readonly TimeSpan FreshFor = TimeSpan.FromDays(1);

    /// <summary>A yes counts for so long while the host is silent.</summary>
    public static readonly TimeSpan BelievedFor = TimeSpan.FromDays(31);

    /// <summary>A host that takes any name is asked for one that nobody has no more often.</summary>
    public static readonly TimeSpan AnyNameEvery = TimeSpan.FromDays(1);

    private const int MaxAtOnce = 5;
    private const int MaxWaiting = 100;
    private const int MaxConfirmed = 100_000;   // for one domain: a host may take names without end
    private const int MaxRemembered = 10_000;
    private static readonly TimeSpan RefusedFor = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan DownFor = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<Question, Lazy<Task<OnwardAnswer>>> asking = [];
    private readonly ConcurrentDictionary<Question, (DateTimeOffset Until, OnwardAnswer Answer)> refused = [];
    private readonly ConcurrentDictionary<(Guid DomainId, DateTimeOffset Since), Host> hosts = [];

    /// <summary>Whether the host takes mail for an address; after 30 s at the latest, and then it is silent.</summary>
    /// <param name="recipient">Whom; registered nowhere here.</param>
    /// <param name="domainId">Its domain, or the one that its alias domain stands for.</param>
    /// <param name="since">When that domain's mail began to go to the host.</param>
    public async Task<OnwardAnswer> VerifyAsync(MailAddress recipient, Guid domainId, DateTimeOffset since, CancellationToken cancel)
    {
        var question = new Question(domainId, since, recipient.Folded);
        var confirmedAt = await ConfirmedAtAsync(domainId, recipient.FoldedLocalPart, since, cancel);
        var now = clock.GetUtcNow();
        if (now - confirmedAt < FreshFor) return OnwardAnswer.Yes;
        if (refused.TryGetValue(question, out var no) && no.Until > now) return no.Answer;

        // All who ask alike wait for one answer; who leaves meanwhile does not take it from the others.
        var asked = asking.GetOrAdd(question, q => new(() => AskAsync(q, recipient)));
        var answer = await asked.Value.WaitAsync(cancel);
        return answer.Verdict == OnwardVerdict.Silent && now - confirmedAt < BelievedFor ? OnwardAnswer.Yes : answer;
    }

    private async Task<OnwardAnswer> AskAsync(Question question, MailAddress recipient)
    {
        try
        {
            var answer = await AskHostAsync(HostOf(question), recipient);
            if (answer.Verdict == OnwardVerdict.Refuses)
            {
                if (refused.Count >= MaxRemembered) refused.Clear();
                refused[question] = (clock.GetUtcNow() + RefusedFor, answer);
            }

            if (answer.Verdict != OnwardVerdict.Silent) await KeepAsync(question, recipient.FoldedLocalPart, answer);
            return answer;
        }
        finally
        {
            asking.TryRemove(question, out _);
        }
    }

    private async Task<OnwardAnswer> AskHostAsync(Host host, MailAddress recipient)
    {
        if (host.Silence is { } silence && silence.Until > clock.GetUtcNow()) return silence.Answer;
        using var patience = new CancellationTokenSource(Patience, clock);
        try
        {
            if (!await host.EnterAsync(patience.Token)) return new(OnwardVerdict.Silent, null);
            try
            {
                if (host.Silence is { } sinceThen && sinceThen.Until > clock.GetUtcNow()) return sinceThen.Answer;
                var now = clock.GetUtcNow();
                var answer = await probe.AskAsync(recipient, alsoAnyName: now - host.AnyNameAt >= AnyNameEvery, patience.Token);
                if (answer.TakesAnyName is { } takesAny) (host.TakesAnyName, host.AnyNameAt) = (takesAny, now);
                host.Silence = answer.IsUnreached ? (clock.GetUtcNow() + DownFor, answer) : null;
                return answer;
            }
            finally
            {
                host.Leave();
            }
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested)
        {
            var answer = new OnwardAnswer(OnwardVerdict.Silent, null) { IsUnreached = true };
            host.Silence = (clock.GetUtcNow() + DownFor, answer);
            return answer;
        }
    }

    private Host HostOf(Question question)
    {
        if (hosts.Count >= MaxRemembered) hosts.Clear();
        return hosts.GetOrAdd((question.DomainId, question.Since), _ => new Host());
    }

    private async Task<DateTimeOffset> ConfirmedAtAsync(Guid domainId, string localPart, DateTimeOffset since, CancellationToken cancel)
    {
        await using var db = await databases.CreateDbContextAsync(cancel);
        var at = await db.OnwardRecipients.AsNoTracking().Where(r => r.DomainId == domainId && r.LocalPart == localPart).Select(r => r.ConfirmedAt).SingleOrDefaultAsync(cancel);
        return at >= since ? at.Value : DateTimeOffset.MinValue;
    }

    /// <summary>Keeps a yes, ends one that is no more. What a host that takes any name says is not worth keeping.</summary>
    private async Task KeepAsync(Question question, string localPart, OnwardAnswer answer)
    {
        var host = HostOf(question);
        using var turn = await gate.EnterAsync(CancellationToken.None);
        await using var db = await databases.CreateDbContextAsync();
        var kept = db.OnwardRecipients.Where(r => r.DomainId == question.DomainId && r.LocalPart == localPart);
        if (answer.Verdict == OnwardVerdict.Refuses)
        {
            await kept.Where(r => r.IsListed).ExecuteUpdateAsync(r => r.SetProperty(x => x.ConfirmedAt, (DateTimeOffset?)null));
            await kept.Where(r => !r.IsListed).ExecuteDeleteAsync();
            return;
        }

        if (host.TakesAnyName || await kept.ExecuteUpdateAsync(r => r.SetProperty(x => x.ConfirmedAt, clock.GetUtcNow())) > 0) return;
        host.Confirmed ??= await db.OnwardRecipients.Where(r => r.DomainId == question.DomainId).Take(MaxConfirmed).CountAsync();
        if (host.Confirmed >= MaxConfirmed) return;
        db.OnwardRecipients.Add(new OnwardRecipient { DomainId = question.DomainId, LocalPart = localPart, ConfirmedAt = clock.GetUtcNow() });
        try
        {
            await db.SaveChangesAsync();
            host.Confirmed++;
        }
        catch (DbUpdateException e) when (e.IsDuplicate() || e.IsReferenced())
        {
            // Another node has written the same, or the domain went meanwhile.
        }
    }

    /// <summary>One question to one host.</summary>
    /// <param name="Recipient">Folded, as it is asked for: the names of an alias domain are other ones.</param>
    private readonly record struct Question(Guid DomainId, DateTimeOffset Since, string Recipient);

    /// <summary>What is remembered of the host of a domain.</summary>
    [SuppressMessage("Design", "CA1001", Justification = "A SemaphoreSlim whose wait handle is never asked for holds nothing to dispose.")]
    private sealed class Host
    {
        private readonly SemaphoreSlim places = new(MaxAtOnce);
        private int waiting;

        public (DateTimeOffset Until, OnwardAnswer Answer)? Silence { get; set; }

        public DateTimeOffset AnyNameAt { get; set; } = DateTimeOffset.MinValue;

        public bool TakesAnyName { get; set; }

        /// <summary>Rows of the domain, about; null before they were counted.</summary>
        public int? Confirmed { get; set; }

        /// <summary>False when too many wait already.</summary>
        public async Task<bool> EnterAsync(CancellationToken cancel)
        {
            try
            {
                if (Interlocked.Increment(ref waiting) > MaxWaiting) return false;
                await places.WaitAsync(cancel);
                return true;
            }
            finally
            {
                Interlocked.Decrement(ref waiting);
            }
        }

        public void Leave() => places.Release();
    }
}
