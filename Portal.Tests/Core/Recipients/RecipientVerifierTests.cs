using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Portal.Core.Addresses;
using Portal.Core.Domains;
using Portal.Core.Jobs;
using Portal.Core.Permissions;
using Portal.Core.Recipients;
using Portal.Tests.Fixtures;
using static Portal.Tests.Core.Organisation;

namespace Portal.Tests.Core.Recipients;

/// <summary>What is remembered of the other host's answers, and for how long.</summary>
public sealed class RecipientVerifierTests
{
    private static readonly MailAddress Carol = MailAddress.Parse("carol@backup.test");
    private static readonly OnwardAnswer No = new(OnwardVerdict.Refuses, "550 5.1.1 who?");
    private static readonly OnwardAnswer Down = new(OnwardVerdict.Silent, "refused") { IsUnreached = true };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, BothDatabases]
    public async Task A_yes_is_asked_again_after_a_day_and_believed_for_a_month_while_the_host_is_silent_also_after_a_restart(DatabaseKind kind)
    {
        await using var bench = await Bench.StartAsync(kind);
        Assert.Equal(OnwardVerdict.Takes, await bench.VerifyAsync());
        Assert.Equal(OnwardVerdict.Takes, await bench.VerifyAsync());
        Assert.Equal(1, bench.Probe.Asked);

        bench.Probe.Answer = Down;
        bench.Database.Clock.Advance(RecipientVerifier.FreshFor);
        Assert.Equal(OnwardVerdict.Takes, await bench.VerifyAsync());
        Assert.Equal(2, bench.Probe.Asked);
        await using (var restarted = bench.Database.AnotherNode(bench.Configure))
        {
            restarted.Clock.SetUtcNow(bench.Database.Clock.GetUtcNow());
            Assert.Equal(OnwardVerdict.Takes, (await restarted.Get<RecipientVerifier>().VerifyAsync(Carol, bench.Host, Cancel)).Verdict);
        }

        bench.Database.Clock.Advance(RecipientVerifier.BelievedFor);
        Assert.Equal(OnwardVerdict.Silent, await bench.VerifyAsync());
        Assert.Equal(1, await bench.Database.Get<RecordRemover>().RemoveConfirmedAsync(bench.Database.Clock.GetUtcNow() - RecipientVerifier.BelievedFor, Cancel));
    }

    [Theory, BothDatabases]
    public async Task A_no_ends_a_yes_and_is_kept_for_minutes(DatabaseKind kind)
    {
        await using var bench = await Bench.StartAsync(kind);
        await bench.VerifyAsync();
        bench.Probe.Answer = No;
        bench.Database.Clock.Advance(RecipientVerifier.FreshFor);

        Assert.Equal(OnwardVerdict.Refuses, await bench.VerifyAsync());
        Assert.Equal(OnwardVerdict.Refuses, await bench.VerifyAsync());
        Assert.Equal(2, bench.Probe.Asked);
        Assert.Empty(await bench.Database.ReadAsync(db => db.OnwardRecipients.ToListAsync(Cancel)));

        bench.Probe.Answer = OnwardAnswer.Yes;
        bench.Database.Clock.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(OnwardVerdict.Takes, await bench.VerifyAsync());
    }

    [Theory, BothDatabases]
    public async Task A_host_that_is_down_is_left_alone_for_half_a_minute(DatabaseKind kind)
    {
        await using var bench = await Bench.StartAsync(kind);
        bench.Probe.Answer = Down;

        for (var i = 0; i < 10; i++) Assert.Equal(OnwardVerdict.Silent, await bench.VerifyAsync($"u{i}@backup.test"));
        Assert.Equal(1, bench.Probe.Asked);
        bench.Database.Clock.Advance(TimeSpan.FromSeconds(30));
        await bench.VerifyAsync();
        Assert.Equal(2, bench.Probe.Asked);
    }

    [Theory, BothDatabases]
    public async Task Who_ask_alike_wait_for_one_answer_and_few_questions_are_asked_at_once(DatabaseKind kind)
    {
        await using var bench = await Bench.StartAsync(kind);
        bench.Probe.Hold = new TaskCompletionSource();

        var alike = Enumerable.Range(0, 20).Select(_ => bench.VerifyAsync()).ToList();
        var others = Enumerable.Range(0, 150).Select(i => bench.VerifyAsync($"u{i}@backup.test")).ToList();
        Assert.Equal(OnwardVerdict.Silent, await await Task.WhenAny(others));   // while none is answered: more than wait for their turn
        bench.Probe.Hold.SetResult();

        Assert.All(await Task.WhenAll(alike), v => Assert.Equal(OnwardVerdict.Takes, v));
        Assert.Contains(OnwardVerdict.Takes, await Task.WhenAll(others));
        Assert.Equal(5, bench.Probe.MostAtOnce);
    }

    [Theory, BothDatabases]
    public async Task A_host_without_an_answer_is_silent_after_half_a_minute(DatabaseKind kind)
    {
        await using var bench = await Bench.StartAsync(kind);
        bench.Probe.Hold = new TaskCompletionSource();

        var asked = bench.VerifyAsync();
        await bench.Probe.AreAskedAsync(1);
        bench.Database.Clock.Advance(TimeSpan.FromSeconds(30));

        Assert.Equal(OnwardVerdict.Silent, await asked);
    }

    [Theory, BothDatabases]
    public async Task Of_a_host_that_takes_any_name_only_that_is_kept_and_serves_for_all_names_while_it_is_down(DatabaseKind kind)
    {
        await using var bench = await Bench.StartAsync(kind);
        bench.Probe.Answer = OnwardAnswer.Yes with { TakesAnyName = true };

        for (var i = 0; i < 3; i++) Assert.Equal(OnwardVerdict.Takes, await bench.VerifyAsync($"u{i}@backup.test"));
        Assert.Equal([OnwardRecipient.AnyName], await bench.Database.ReadAsync(db => db.OnwardRecipients.Select(r => r.LocalPart).ToListAsync(Cancel)));
        Assert.Equal([true], bench.Probe.AskedForAnyName);

        bench.Probe.Answer = Down;
        bench.Database.Clock.Advance(RecipientVerifier.FreshFor);
        Assert.Equal(OnwardVerdict.Takes, await bench.VerifyAsync("u3@backup.test"));
        bench.Probe.Answer = No;
        bench.Database.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(OnwardVerdict.Refuses, await bench.VerifyAsync("u4@backup.test"));
        Assert.Empty(await bench.Database.ReadAsync(db => db.OnwardRecipients.ToListAsync(Cancel)));   // it takes any name no more
    }

    [Theory, BothDatabases]
    public async Task A_host_that_refuses_for_good_is_not_believed_to_take_whom_it_confirmed(DatabaseKind kind)
    {
        await using var bench = await Bench.StartAsync(kind);
        await bench.VerifyAsync();
        bench.Database.Clock.Advance(RecipientVerifier.FreshFor);
        bench.Probe.Answer = new(OnwardVerdict.Silent, "554 5.7.1 not from you") { IsLasting = true };

        Assert.Equal(OnwardVerdict.Silent, await bench.VerifyAsync());
    }

    [Theory, BothDatabases]
    public async Task An_answer_that_comes_when_the_domain_has_another_host_is_not_kept(DatabaseKind kind)
    {
        await using var bench = await Bench.StartAsync(kind);
        bench.Probe.Hold = new TaskCompletionSource();
        var asked = bench.VerifyAsync();
        await bench.Probe.AreAskedAsync(1);
        bench.Database.Clock.Advance(TimeSpan.FromSeconds(1));

        await bench.Database.Get<OnwardService>().SetAsync(With(Role.Administrator), bench.DomainId, 0, new Onward { Kind = DomainKind.Relayed, Host = "new.test" }, Cancel);
        bench.Probe.Hold.SetResult();

        Assert.Equal(OnwardVerdict.Takes, await asked);
        Assert.Empty(await bench.Database.ReadAsync(db => db.OnwardRecipients.ToListAsync(Cancel)));
    }

    [Theory, BothDatabases]
    public async Task What_another_host_said_before_counts_no_more(DatabaseKind kind)
    {
        await using var bench = await Bench.StartAsync(kind);
        await bench.VerifyAsync();
        bench.Database.Clock.Advance(TimeSpan.FromMinutes(1));
        bench.Probe.Answer = No;

        await bench.Database.Get<OnwardService>().SetAsync(With(Role.Administrator), bench.DomainId, 0, new Onward { Kind = DomainKind.Relayed, Host = "new.test" }, Cancel);
        var resolution = await bench.Database.Get<RecipientDirectory>().ResolveAsync(Carol, 0, Cancel);

        Assert.Equal(OnwardVerdict.Refuses, (await bench.Database.Get<RecipientVerifier>().VerifyAsync(Carol, resolution.Ask!.Value, Cancel)).Verdict);
    }

    private sealed class Bench : IAsyncDisposable
    {
        public FakeRecipientProbe Probe { get; } = new();

        public TestDatabase Database { get; private set; } = null!;

        public Guid DomainId { get; private set; }

        public OnwardHost Host { get; private set; }

        public static async Task<Bench> StartAsync(DatabaseKind kind)
        {
            var bench = new Bench();
            bench.Database = await TestDatabase.CreateAsync(kind, bench.Configure);
            bench.DomainId = (await bench.Database.DomainService().CreateAsync(With(Role.Administrator), "backup.test", null, null, new Onward { Kind = DomainKind.Relayed, Host = "old.test" }, Cancel)).Value;
            bench.Host = (await bench.Database.Get<RecipientDirectory>().ResolveAsync(Carol, 0, Cancel)).Ask!.Value;
            return bench;
        }

        public void Configure(IServiceCollection services) => services.AddSingleton<IRecipientProbe>(Probe);

        public async Task<OnwardVerdict> VerifyAsync(string address = "carol@backup.test") =>
            (await Database.Get<RecipientVerifier>().VerifyAsync(MailAddress.Parse(address), Host, Cancel)).Verdict;

        public ValueTask DisposeAsync() => Database.DisposeAsync();
    }

    /// <summary>A host whose answers the test gives.</summary>
    private sealed class FakeRecipientProbe : IRecipientProbe
    {
        private readonly Lock sync = new();
        private readonly List<(int Count, TaskCompletionSource Reached)> awaited = [];
        private int now;

        public OnwardAnswer Answer { get; set; } = OnwardAnswer.Yes;

        /// <summary>Answers wait for it; null for none.</summary>
        public TaskCompletionSource? Hold { get; set; }

        public List<bool> AskedForAnyName { get; } = [];

        public int Asked => AskedForAnyName.Count;

        public int MostAtOnce { get; private set; }

        public async Task<OnwardAnswer> AskAsync(MailAddress recipient, bool alsoAnyName, CancellationToken cancel)
        {
            lock (sync)
            {
                AskedForAnyName.Add(alsoAnyName);
                MostAtOnce = Math.Max(MostAtOnce, ++now);
                foreach (var (count, reached) in awaited)
                    if (Asked >= count) reached.TrySetResult();
            }

            try
            {
                if (Hold is { } hold) await hold.Task.WaitAsync(cancel);
                return alsoAnyName ? Answer with { TakesAnyName = Answer.TakesAnyName ?? false } : Answer with { TakesAnyName = null };
            }
            finally
            {
                lock (sync) now--;
            }
        }

        public Task AreAskedAsync(int count)
        {
            lock (sync)
            {
                var reached = new TaskCompletionSource();
                awaited.Add((count, reached));
                if (Asked >= count) reached.SetResult();
                return reached.Task.WaitAsync(TimeSpan.FromSeconds(30), Cancel);
            }
        }
    }
}
