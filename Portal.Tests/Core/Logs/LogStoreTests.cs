using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Portal.Core.Logs;
using Portal.Core.Permissions;
using Portal.Tests.Core.Trace;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Logs;

public sealed class LogStoreTests : IAsyncLifetime
{
    private static readonly Actor Administrator = TraceRows.With(Role.Administrator);
    private readonly string path = Path.Combine(TestFolder.Create(), "logs.db");
    private readonly FakeTimeProvider clock = new(TestDatabase.Start);
    private LogStore store = null!;

    public async ValueTask InitializeAsync()
    {
        store = new LogStore(path, new LogOptions { BufferEntries = 5_000, MaxEntries = 1_000, KeepFor = TimeSpan.FromDays(14) }, clock);
        await store.StartAsync(CancellationToken.None);
    }

    public ValueTask DisposeAsync() => store.DisposeAsync();

    [Fact]
    public async Task It_ends_once_however_often_it_is_told_to()
    {
        await store.DisposeAsync();
        await store.DisposeAsync();
    }

    [Fact]
    public async Task Lines_are_found_by_level_text_component_property_session_message_and_time()
    {
        var queueId = Guid.CreateVersion7();
        await WriteAsync(
            Line("Session begun") with { SessionId = "s1", Component = "Smtp.Server" },
            Line("Delivered to mx.example.org") with { QueueId = queueId, Component = "Smtp.Delivery", Properties = LogText.Properties([new("Host", "mx.example.org")]) },
            Line("100% of the disk_space is used") with { Level = LogLevel.Warning, Component = "Core.Messages", At = TestDatabase.Start.AddHours(1) },
            Line("It broke") with { Level = LogLevel.Error, Component = "Smtp", Exception = @"System.IO.IOException: No space\n   at X" });

        Assert.Equal(["It broke", "100% of the disk_space is used"], await FindAsync(new() { Level = LogLevel.Warning }));
        Assert.Equal(["It broke"], await FindAsync(new() { Level = LogLevel.Error }));
        Assert.Equal(["It broke"], await FindAsync(new() { Text = "no SPACE" }));
        Assert.Equal(["100% of the disk_space is used"], await FindAsync(new() { Text = "100% of the disk_" }));
        Assert.Empty(await FindAsync(new() { Text = "delivered%example" }));
        Assert.Equal(["It broke", "Delivered to mx.example.org", "Session begun"], await FindAsync(new() { Component = "Smtp" }));
        Assert.Equal(["Delivered to mx.example.org"], await FindAsync(new() { Component = "Smtp.Delivery" }));
        Assert.Empty(await FindAsync(new() { Component = "Smtp.Deliver" }));
        Assert.Equal(["Delivered to mx.example.org"], await FindAsync(new() { QueueId = queueId }));
        Assert.Equal(["Session begun"], await FindAsync(new() { SessionId = "s1" }));
        Assert.Equal(["Delivered to mx.example.org"], await FindAsync(new() { Property = "Host", PropertyValue = "mx.example.org" }));
        Assert.Equal(["100% of the disk_space is used"], await FindAsync(new() { From = TestDatabase.Start.AddMinutes(1) }));
        Assert.Equal(3, (await FindAsync(new() { Until = TestDatabase.Start.AddMinutes(1) })).Count);
        Assert.Equal(["Core.Messages", "Smtp", "Smtp.Delivery", "Smtp.Server"], await store.ComponentsAsync(CancellationToken.None));
    }

    [Fact]
    public async Task Pages_go_back_without_gap_and_a_tail_goes_on_from_what_it_has()
    {
        await WriteAsync([.. Enumerable.Range(0, 250).Select(i => Line($"line {i}"))]);

        List<string> read = [];
        for (long? before = null; ;)
        {
            var page = await store.SearchAsync(new() { Before = before, Limit = 100 }, CancellationToken.None);
            read.AddRange(page.Entries.Select(e => e.Message));
            if (page.Next is null) break;
            before = page.Next;
        }

        Assert.Equal(Enumerable.Range(0, 250).Reverse().Select(i => $"line {i}"), read);
        var last = (await store.SearchAsync(new() { Limit = 1 }, CancellationToken.None)).Entries[0].Id;
        await WriteAsync(Line("new one"));
        Assert.Equal(["new one"], await FindAsync(new() { After = last }));
    }

    [Fact]
    public async Task A_line_is_found_by_its_number_however_many_came_after_it_by_who_may_read_the_log()
    {
        await WriteAsync([Line("first") with { SessionId = "s1" }, .. Enumerable.Range(0, 300).Select(i => Line($"line {i}"))]);
        var service = new LogService(store);
        var first = (await store.SearchAsync(new() { SessionId = "s1" }, CancellationToken.None)).Entries[0];

        Assert.Equal(first, (await service.GetAsync(Administrator, first.Id, CancellationToken.None)).Value);
        Assert.Equal("NotFoundLogEntry", (await service.GetAsync(Administrator, first.Id + 1_000, CancellationToken.None)).Refusal?.Key);
        Assert.Equal("NotPermitted", (await service.GetAsync(TraceRows.With(Role.Helpdesk), first.Id, CancellationToken.None)).Refusal?.Key);
    }

    [Fact]
    public async Task Lines_are_counted_over_time_by_the_same_filters()
    {
        var from = TestDatabase.Start;
        await WriteAsync(
            Line("early") with { At = from.AddMinutes(-1) },
            Line("a") with { At = from }, Line("b") with { At = from.AddMinutes(59), Level = LogLevel.Error }, Line("c") with { At = from.AddMinutes(61), Component = "Smtp" },
            Line("late") with { At = from.AddHours(3) });
        var service = new LogService(store);
        var hour = TimeSpan.FromHours(1);

        var all = (await service.CountAsync(Administrator, new(), from, hour, 3, CancellationToken.None)).Value;
        Assert.Equal([new(from, 1, 1), new(from.AddHours(1), 0, 1), new(from.AddHours(2), 0, 0)], all.Bars);
        Assert.False(all.IsPartial);
        Assert.Equal([1, 0], (await service.CountAsync(Administrator, new() { Level = LogLevel.Warning }, from, hour, 2, CancellationToken.None)).Value.Bars.Select(b => b.Grave + b.Other));
        Assert.Equal([0, 1], (await service.CountAsync(Administrator, new() { Component = "Smtp", Text = "c" }, from, hour, 2, CancellationToken.None)).Value.Bars.Select(b => b.Grave + b.Other));
        Assert.Equal("NotPermitted", (await service.CountAsync(TraceRows.With(Role.Helpdesk), new(), from, hour, 2, CancellationToken.None)).Refusal?.Key);
    }

    [Fact]
    public async Task A_full_buffer_drops_lines_counts_them_and_says_so()
    {
        await using var idle = new LogStore(path + "2", new LogOptions { BufferEntries = 100 }, clock);   // not started: nobody empties the buffer
        for (var i = 0; i < 130; i++) idle.Write(Line($"line {i}"));
        Assert.Equal(30, idle.Dropped);

        var stored = Stored(idle);
        await idle.StartAsync(CancellationToken.None);
        await stored;

        var page = await idle.SearchAsync(new() { Limit = 200 }, CancellationToken.None);
        Assert.Equal((100, 30L, "line 99"), (page.Entries.Count, page.Dropped, page.Entries[0].Message));
    }

    [Fact]
    public async Task Old_lines_and_too_many_are_removed()
    {
        await WriteAsync([.. Enumerable.Range(0, 1_500).Select(i => Line($"line {i}") with { At = TestDatabase.Start.AddDays(i < 1_400 ? 0 : 15) })]);

        await store.TrimAsync(CancellationToken.None);
        Assert.Equal(1_000, await CountAsync());

        clock.Advance(TimeSpan.FromDays(14.5));
        await store.TrimAsync(CancellationToken.None);
        Assert.Equal(100, await CountAsync());
    }

    [Fact]
    public async Task What_is_buffered_at_the_end_is_stored()
    {
        for (var i = 0; i < 900; i++) store.Write(Line($"line {i}"));
        await store.DisposeAsync();
        await store.DisposeAsync();   // as the container does

        store = new LogStore(path, new LogOptions(), clock);
        await store.StartAsync(CancellationToken.None);
        Assert.Equal(900, await CountAsync());
    }

    [Fact]
    public async Task A_listener_that_fails_does_not_end_the_log_and_is_told_once()
    {
        static void Fail() => throw new InvalidOperationException("a listener's fault");
        store.Stored += Fail;
        store.Write(Line("one"));
        store.Write(Line("two"));
        await store.DisposeAsync();
        store = new LogStore(path, new LogOptions(), clock);
        await store.StartAsync(CancellationToken.None);
        Assert.Equal(["one", "two"], (await FindAsync(new())).Where(m => m is "one" or "two").Order());

        for (var i = 0; i < 3; i++)
        {
            var stored = Stored(store);   // hears it before the one that fails
            store.Stored += Fail;
            store.Write(Line($"line {i}"));
            await stored;
            store.Stored -= Fail;
        }

        Assert.Equal(["line 2", "line 1", "line 0"], (await FindAsync(new())).Where(m => m.StartsWith("line", StringComparison.Ordinal)));
        await WriteAsync(Line("last"));
        Assert.Single(await FindAsync(new()), m => m == "A listener of the log failed (InvalidOperationException)");
    }

    [Fact]
    public async Task A_broken_file_is_set_aside_and_the_log_begins_anew()
    {
        await store.DisposeAsync();
        await File.WriteAllTextAsync(path, new string('x', 20_000));

        store = new LogStore(path, new LogOptions(), clock);
        await store.StartAsync(CancellationToken.None);
        await WriteAsync(Line("alive"));

        Assert.Equal(["alive"], await FindAsync(new()));
        Assert.Single(System.IO.Directory.GetFiles(Path.GetDirectoryName(path)!, "logs.db.broken-*"));
    }

    [Fact]
    public async Task Only_who_may_view_logs_everywhere_reads_lists_or_follows_them()
    {
        await WriteAsync(Line("secret"));
        var service = new LogService(store);
        Actor[] allowed = [Actor.Operator(), Administrator];
        Actor[] refused = [Actor.Visitor(null), TraceRows.With(Role.User), TraceRows.With(Role.Helpdesk), TraceRows.With(Role.Auditor), TraceRows.With(Role.Administrator, Guid.CreateVersion7())];

        foreach (var actor in allowed)
        {
            Assert.Single((await service.SearchAsync(actor, new(), CancellationToken.None)).Value.Entries);
            Assert.Single((await service.ComponentsAsync(actor, CancellationToken.None)).Value);
            using var following = service.Follow(actor, () => { }).Value;
        }

        foreach (var actor in refused)
        {
            Assert.Equal("NotPermitted", (await service.SearchAsync(actor, new(), CancellationToken.None)).Refusal?.Key);
            Assert.Equal("NotPermitted", (await service.ComponentsAsync(actor, CancellationToken.None)).Refusal?.Key);
            Assert.Equal("NotPermitted", service.Follow(actor, () => { }).Refusal?.Key);
        }
    }

    [Fact]
    public async Task A_follower_hears_of_new_lines_until_it_leaves()
    {
        var heard = 0;
        using (new LogService(store).Follow(Administrator, () => Interlocked.Increment(ref heard)).Value) await WriteAsync(Line("one"));
        var before = heard;
        await WriteAsync(Line("two"));

        Assert.InRange(before, 1, int.MaxValue);
        Assert.Equal(before, heard);
    }

    private static LogEntry Line(string message) => new() { At = TestDatabase.Start, Level = LogLevel.Information, Component = "Host", Message = message };

    private static Task Stored(LogStore store)
    {
        var stored = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void Hear()
        {
            store.Stored -= Hear;
            stored.SetResult();
        }

        store.Stored += Hear;
        return stored.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    /// <summary>Writes and waits until all of it is on disk.</summary>
    private async Task WriteAsync(params LogEntry[] entries)
    {
        var before = await CountAsync();
        var next = Stored(store);
        foreach (var entry in entries) store.Write(entry);
        while (true)
        {
            await next;
            next = Stored(store);
            if (await CountAsync() >= before + entries.Length) return;
        }
    }

    private async Task<int> CountAsync()
    {
        var count = 0;
        for (long? before = null; ;)
        {
            var page = await store.SearchAsync(new() { Before = before, Limit = LogQuery.MaxLimit }, CancellationToken.None);
            count += page.Entries.Count;
            if (page.Next is null) return count;
            before = page.Next;
        }
    }

    private async Task<IReadOnlyList<string>> FindAsync(LogQuery query) => [.. (await store.SearchAsync(query, CancellationToken.None)).Entries.Select(e => e.Message)];
}
