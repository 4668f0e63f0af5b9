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

    /// <summary>A host is asked for a name that nobody has once in so long.</summary>
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
    private readonly ConcurrentDictionary<OnwardHost, Host> hosts = [];

    /// <summary>Whether the host takes mail for an address; after a minute at the latest, and then it is silent.</summary>
    /// <param name="recipient">Whom; registered nowhere here.</param>
    public async Task<OnwardAnswer> VerifyAsync(MailAddress recipient, OnwardHost of, CancellationToken cancel)
    {
        var question = new Question(of, recipient.FoldedLocalPart);
        var confirmedAt = await ConfirmedAtAsync(question, cancel);
        var now = clock.GetUtcNow();
        if (now - confirmedAt < FreshFor) return OnwardAnswer.Yes;
        if (refused.TryGetValue(question, out var no) && no.Until > now) return no.Answer;

        // All who ask alike wait for one answer; who leaves meanwhile does not take it from the others.
        var asked = asking.GetOrAdd(question, q => new(() => AskAsync(q, recipient)));
        var answer = await asked.Value.WaitAsync(cancel);
        return answer is { Verdict: OnwardVerdict.Silent, IsLasting: false } && now - confirmedAt < BelievedFor ? OnwardAnswer.Yes : answer;
    }

    private async Task<OnwardAnswer> AskAsync(Question question, MailAddress recipient)
    {
        try
        {
            var (host, began) = (HostOf(question.Host), clock.GetUtcNow());
            var answer = await AskHostAsync(host, recipient);
            if (answer.Verdict == OnwardVerdict.Refuses)
            {
                if (refused.Count >= MaxRemembered) refused.Clear();
                refused[question] = (clock.GetUtcNow() + RefusedFor, answer);
            }

            if (answer.Verdict != OnwardVerdict.Silent) await KeepAsync(question, host, answer, began);
            return answer;
        }
        finally
        {
            asking.TryRemove(question, out _);
        }
    }

    private async Task<OnwardAnswer> AskHostAsync(Host host, MailAddress recipient)
    {
        if (!await host.EnterAsync(Patience, clock)) return new(OnwardVerdict.Silent, null);   // our own crowd says nothing of the host
        try
        {
            if (host.Silence is { } silence && silence.Until > clock.GetUtcNow()) return silence.Answer;
            using var patience = new CancellationTokenSource(Patience, clock);
            var answer = await ReachAsync(host, recipient, patience.Token);
            host.Silence = answer.IsUnreached ? (clock.GetUtcNow() + DownFor, answer) : null;
            return answer;
        }
        finally
        {
            host.Leave();
        }
    }

    private async Task<OnwardAnswer> ReachAsync(Host host, MailAddress recipient, CancellationToken patience)
    {
        var now = clock.GetUtcNow();
        var asksAnyName = now - host.AnyNameAt >= AnyNameEvery;
        try
        {
            var answer = await probe.AskAsync(recipient, asksAnyName, patience);
            if (asksAnyName && !answer.IsUnreached) (host.TakesAnyName, host.AnyNameAt) = (answer.TakesAnyName == true, now);
            return answer;
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested)
        {
            return new OnwardAnswer(OnwardVerdict.Silent, null) { IsUnreached = true };
        }
    }

    private Host HostOf(OnwardHost of)
    {
        if (hosts.Count >= MaxRemembered) hosts.Clear();
        return hosts.GetOrAdd(of, _ => new Host());
    }

    private async Task<DateTimeOffset> ConfirmedAtAsync(Question question, CancellationToken cancel)
    {
        await using var db = await databases.CreateDbContextAsync(cancel);
        string[] names = [question.LocalPart, OnwardRecipient.AnyName];
        var at = await db.OnwardRecipients.AsNoTracking().Where(r => r.DomainId == question.Host.DomainId && names.Contains(r.LocalPart)).MaxAsync(r => r.ConfirmedAt, cancel);
        return at >= question.Host.Since ? at.Value : DateTimeOffset.MinValue;
    }

    /// <summary>Keeps a yes, ends one that is no more. What a host that takes any name says of one is worth nothing: kept is that it takes any.</summary>
    /// <param name="began">When the question was asked: the domain may have got another host since.</param>
    private async Task KeepAsync(Question question, Host host, OnwardAnswer answer, DateTimeOffset began)
    {
        using var turn = await gate.EnterAsync(CancellationToken.None);
        await using var db = await databases.CreateDbContextAsync();
        var (domainId, since) = question.Host;
        var isStillSo = await (from d in db.Domains where d.Id == domainId join t in db.Domains on d.AliasOfId ?? d.Id equals t.Id where t.OnwardSince == since select t.Id).AnyAsync();
        if (!isStillSo) return;

        var name = answer.Verdict == OnwardVerdict.Takes && host.TakesAnyName ? OnwardRecipient.AnyName : question.LocalPart;
        string[] names = [question.LocalPart, OnwardRecipient.AnyName];
        var rows = db.OnwardRecipients.Where(r => r.DomainId == domainId);
        if (answer.Verdict == OnwardVerdict.Refuses)
        {
            await rows.Where(r => names.Contains(r.LocalPart) && r.IsListed).ExecuteUpdateAsync(r => r.SetProperty(x => x.ConfirmedAt, (DateTimeOffset?)null));
            await rows.Where(r => names.Contains(r.LocalPart) && !r.IsListed).ExecuteDeleteAsync();
            return;
        }

        if (await rows.Where(r => r.LocalPart == name).ExecuteUpdateAsync(r => r.SetProperty(x => x.ConfirmedAt, began)) > 0) return;
        host.Confirmed ??= await rows.Take(MaxConfirmed).CountAsync();
        if (host.Confirmed >= MaxConfirmed && name != OnwardRecipient.AnyName) return;
        db.OnwardRecipients.Add(new OnwardRecipient { DomainId = domainId, LocalPart = name, ConfirmedAt = began });
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
    private readonly record struct Question(OnwardHost Host, string LocalPart);

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

        /// <summary>False when too many wait already, or the wait was too long.</summary>
        public async Task<bool> EnterAsync(TimeSpan patience, TimeProvider clock)
        {
            using var timer = new CancellationTokenSource(patience, clock);
            try
            {
                if (Interlocked.Increment(ref waiting) > MaxWaiting) return false;
                await places.WaitAsync(timer.Token);
                return true;
            }
            catch (OperationCanceledException)
            {
                return false;
            }
            finally
            {
                Interlocked.Decrement(ref waiting);
            }
        }

        public void Leave() => places.Release();
    }
}
