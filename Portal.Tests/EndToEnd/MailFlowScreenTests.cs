using Microsoft.Playwright;
using Portal.Core.Addresses;
using Portal.Core.Audit;
using Portal.Core.Data;
using Portal.Core.Logs;
using Portal.Core.Messages;
using Portal.Core.Permissions;
using Portal.Core.Queue;
using Portal.Core.Trace;
using Portal.Tests.Fixtures;

namespace Portal.Tests.EndToEnd;

/// <summary>Trace, message, queue, routes, logs and audit on a real screen.</summary>
[Collection(BrowserCollection.Name)]
public sealed class MailFlowScreenTests(Browser browser) : IClassFixture<Browser>, IAsyncLifetime
{
    private readonly DateTimeOffset now = DateTimeOffset.UtcNow;
    private PortalHost portal = null!;
    private Guid refused, deferred;

    public async ValueTask InitializeAsync()
    {
        portal = await PortalHost.StartAsync();
        await portal.AddMailboxAsync("anna.berg@portal.test");
        await portal.AddMailboxAsync("audrey@portal.test", null, Role.Auditor);
        var route = await portal.Get<RouteService>().CreateAsync(Actor.Operator(), new() { Name = "Relay of the provider", Match = RouteMatch.RecipientDomain, Pattern = "slow.example", Host = "127.0.0.1", Port = FreePort.Take(), Tls = RouteTls.None }, CancellationToken.None);
        Assert.True(route.IsDone, route.Refusal?.Key);
        await FillAsync();
    }

    public ValueTask DisposeAsync() => portal.DisposeAsync();

    [Fact, Trait("Category", "Long")]
    public Task Trace_and_message_look_right_everywhere() => TakeAsync(
        ("trace", "admin/trace"), ("trace-nothing", "admin/trace?q=nobody@example.org"), ("trace-not-understood", "admin/trace?q=hello"),
        ("message-refused", $"admin/trace/{refused}"), ("message-deferred", $"admin/trace/{deferred}"), ("message-gone", $"admin/trace/{Guid.NewGuid()}"));

    [Fact, Trait("Category", "Long")]
    public async Task Queue_and_routes_look_right_everywhere()
    {
        var route = (await portal.Get<RouteService>().ListAsync(Actor.Operator(), CancellationToken.None)).Value[0];

        await TakeAsync(("queue", "admin/queue"), ("routes", "admin/routes"), ("route", $"admin/routes?route={route.Id}"), ("route-new", "admin/routes?route=new"));
    }

    [Fact, Trait("Category", "Long")]
    public async Task Logs_and_audit_look_right_everywhere()
    {
        var entry = (await portal.Get<AuditService>().SearchAsync(Actor.Operator(), new() { Action = "route.create" }, CancellationToken.None)).Value.Entries[0];
        var line = (await portal.Get<LogService>().SearchAsync(Actor.Operator(), new() { Level = Microsoft.Extensions.Logging.LogLevel.Error }, CancellationToken.None)).Value.Entries[0];

        await TakeAsync(("logs", "admin/logs?live=0"), ("log-line", $"admin/logs?live=0&line={line.Id}"), ("audit", "admin/audit"), ("audit-entry", $"admin/audit?entry={entry.Id}"));
    }

    [Fact]
    public async Task An_auditor_reads_the_audit_and_nothing_else_is_there()
    {
        await using var audrey = await browser.NewPersonAsync(portal.Url);
        await audrey.SignInAsync("audrey@portal.test", PortalHost.Password);
        await audrey.OpenAsync("reports/audit");

        await Assertions.Expect(audrey.Page.Locator("table.grid")).ToContainTextAsync("Added a route");
        await Assertions.Expect(audrey.Page.Locator("a[href='/admin/trace']")).ToHaveCountAsync(0);
        Assert.Empty(await Screenshots.LookAsync(audrey));
    }

    [Fact]
    public async Task One_administrator_holds_an_entry_and_the_other_sees_it_within_two_seconds()
    {
        await using var ada = await browser.NewPersonAsync(portal.Url);
        await ada.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);
        await ada.OpenAsync("admin/queue?q=held-soon");
        await Assertions.Expect(ada.Page.Locator("table.grid .chip")).ToContainTextAsync("Deferred");

        var done = await portal.Get<QueueService>().HoldAsync(Actor.Operator(), QueueSelection.Matching(new() { Text = "held-soon" }), CancellationToken.None);

        Assert.Equal(1, done.Value.Rows);
        await Assertions.Expect(ada.Page.Locator("table.grid .chip")).ToContainTextAsync("Held", new() { Timeout = 2_000 });
    }

    [Fact]
    public async Task An_entry_that_was_held_by_mistake_waits_again_by_Undo()
    {
        await using var ada = await browser.NewPersonAsync(portal.Url);
        await ada.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);
        await ada.OpenAsync("admin/queue?q=held-soon");
        await ada.Page.Locator("tbody input[type=checkbox]").CheckAsync();
        await ada.Page.Locator(".bulk").GetByRole(AriaRole.Button, new() { Name = "Hold" }).ClickAsync();
        await Assertions.Expect(ada.Page.Locator("table.grid .chip")).ToContainTextAsync("Held");

        await ada.Page.GetByRole(AriaRole.Button, new() { Name = "Undo" }).ClickAsync();

        await Assertions.Expect(ada.Page.GetByText("Undone.")).ToBeVisibleAsync();
        await Assertions.Expect(ada.Page.Locator("table.grid .chip")).Not.ToContainTextAsync("Held");
    }

    [Fact]
    public async Task All_that_match_are_deleted_after_a_question_that_counts_them()
    {
        await using var ada = await browser.NewPersonAsync(portal.Url);
        await ada.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);
        await ada.OpenAsync("admin/queue?q=%40full.example");

        await ada.Page.Locator("thead input[type=checkbox]").CheckAsync();
        await ada.Page.GetByRole(AriaRole.Button, new() { Name = "Delete silently" }).ClickAsync();
        await Assertions.Expect(ada.Page.Locator(".mud-dialog")).ToContainTextAsync("Delete 3 entries silently?");
        await ada.Page.Locator(".mud-dialog").GetByRole(AriaRole.Button, new() { Name = "Delete silently" }).ClickAsync();

        await portal.EventuallyAsync(db => Task.FromResult(db.QueueEntries.Count(e => e.RouteKey == "full.example")), count => count == 0);
        await Assertions.Expect(ada.Page.Locator(".empty")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task The_log_follows_while_it_grows_and_stands_still_when_paused()
    {
        await using var ada = await browser.NewPersonAsync(portal.Url);
        await ada.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);
        await ada.OpenAsync("admin/logs?q=tail-");
        var store = portal.Get<LogStore>();

        store.Write(new LogEntry { At = now, Level = Microsoft.Extensions.Logging.LogLevel.Warning, Component = "Smtp.Server", Message = "tail-one" });
        await Assertions.Expect(ada.Page.Locator("table.grid")).ToContainTextAsync("tail-one");
        await ada.Page.GetByRole(AriaRole.Button, new() { Name = "Pause" }).ClickAsync();
        await Assertions.Expect(ada.Page.GetByRole(AriaRole.Button, new() { Name = "Follow" })).ToBeVisibleAsync();
        var stored = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        store.Stored += () => stored.TrySetResult();
        store.Write(new LogEntry { At = now, Level = Microsoft.Extensions.Logging.LogLevel.Warning, Component = "Smtp.Server", Message = "tail-two" });
        await stored.Task;

        await Assertions.Expect(ada.Page.Locator("table.grid")).Not.ToContainTextAsync("tail-two");
        await ada.Page.GetByRole(AriaRole.Button, new() { Name = "Follow" }).ClickAsync();
        store.Write(new LogEntry { At = now, Level = Microsoft.Extensions.Logging.LogLevel.Warning, Component = "Smtp.Server", Message = "tail-three" });
        await Assertions.Expect(ada.Page.Locator("table.grid")).ToContainTextAsync("tail-three");
    }

    [Fact]
    public async Task A_line_of_the_log_is_opened_by_its_number_wherever_it_stands()
    {
        var line = (await portal.Get<LogService>().SearchAsync(Actor.Operator(), new(), CancellationToken.None)).Value.Entries[^1];
        await using var ada = await browser.NewPersonAsync(portal.Url);
        await ada.SignInAsync(PortalHost.AdminAddress, PortalHost.Password);

        await ada.OpenAsync($"admin/logs?q=nothing-is-called-so&line={line.Id}");

        await Assertions.Expect(ada.Page.Locator(".drawer .log-message")).ToHaveTextAsync(line.Message);
        Assert.Empty(ada.Faults);
    }

    private Task TakeAsync(params (string Name, string Path)[] pages) => new Screenshots(browser).TakeAsync(portal.Url, PortalHost.AdminAddress, PortalHost.Password, pages);

    /// <summary>A morning's mail: delivered, refused for several reasons, deferred, held; and what the program said about it.</summary>
    private async Task FillAsync()
    {
        var traces = new List<(MessageTrace Trace, TraceEvent? Event, List<TraceRecipient> Recipients)>();
        for (var i = 0; i < 30; i++) traces.Add(Delivered(now.AddMinutes(-3 * i), $"newsletter-{i}@a-long-name-of-a-company.example.org"));
        var (trace, recipients) = (Trace(now.AddSeconds(-40), "spammer@bulk.example", TraceOutcome.Refused, "recipient.unknown", "550 5.1.1 No such mailbox"), new List<TraceRecipient>());
        refused = trace.QueueId;
        recipients.Add(new() { QueueId = refused, Index = 0, Recipient = "nobody@portal.test", Outcome = RecipientOutcome.Refused, Rule = "recipient.unknown", Reply = "550 5.1.1 No such mailbox", UpdatedAt = trace.At });
        traces.Add((trace, Session(refused, trace.At, "recipient.unknown", "nobody@portal.test"), recipients));
        trace = Trace(now.AddMinutes(-9), "anna.berg@portal.test", TraceOutcome.Accepted, null, "250 2.0.0 Queued");
        deferred = trace.QueueId;
        traces.Add((trace, Session(deferred, trace.At, "recipient.relay", "bob@slow.example"), [new() { QueueId = deferred, Index = 0, Recipient = "bob@slow.example", Outcome = RecipientOutcome.Deferred, Rule = "attempt.deferred", Reply = "451 4.7.1 Greylisted, come back in five minutes", UpdatedAt = now }]));
        trace = Trace(now.AddMinutes(-12), "", TraceOutcome.Deferred, "recipient.quotaFull", "452 4.2.2 Mailbox full");
        traces.Add((trace, null, [new() { QueueId = trace.QueueId, Index = 0, Recipient = "full@portal.test", Outcome = RecipientOutcome.Deferred, Rule = "recipient.quotaFull", UpdatedAt = trace.At }]));
        var message = new Message { QueueId = deferred, ReceivedAt = now, SizeBytes = 4711, ReversePath = "anna.berg@portal.test" };

        using var turn = await portal.Get<WriteGate>().EnterAsync(CancellationToken.None);
        await portal.ReadAsync(async db =>
        {
            foreach (var (one, happened, to) in traces)
            {
                db.Traces.Add(one);
                if (happened is not null) db.TraceEvents.Add(happened);
                db.TraceRecipients.AddRange(to);
            }

            db.TraceEvents.Add(new()
            {
                QueueId = deferred,
                At = now.AddMinutes(-8),
                Kind = TraceEventKind.Attempt,
                Facts = TraceFacts.Write([new("attempt.deferred", new Dictionary<string, string>
                {
                    ["recipient"] = "bob@slow.example",
                    ["attempt"] = "1",
                    ["peer"] = "mx1.slow.example [192.0.2.25]",
                    ["tls"] = "TLS 1.3",
                    ["stage"] = "Recipient",
                    ["reply"] = "451 4.7.1 Greylisted, come back in five minutes",
                    ["cause"] = "Greylisted",
                    ["next"] = now.AddHours(1).ToString("O"),
                })]),
            });
            db.Messages.Add(message);
            return await db.SaveChangesAsync();
        });
        await portal.ReadAsync(async db =>
        {
            db.QueueEntries.AddRange(
                Entry(message, "bob@slow.example", "slow.example", DeferCause.Greylisted, "451 4.7.1 Greylisted, come back in five minutes"),
                Entry(message, "held-soon@slow.example", "slow.example", DeferCause.Greylisted, "451 4.7.1 Greylisted"),
                Entry(message, "carla@gone.example", "gone.example", DeferCause.Dns, "451 4.4.3 No MX and no address"),
                Entry(message, "dora@gone.example", "gone.example", DeferCause.Dns, "451 4.4.3 No MX and no address", QueueState.Held),
                Entry(message, "one@full.example", "full.example", DeferCause.RemoteQuota, "452 4.2.2 Mailbox full"),
                Entry(message, "two@full.example", "full.example", DeferCause.RemoteQuota, "452 4.2.2 Mailbox full"),
                Entry(message, "three@full.example", "full.example", DeferCause.RemoteQuota, "452 4.2.2 Mailbox full"));
            return await db.SaveChangesAsync();
        });
        Write("Delivered {Host}", Microsoft.Extensions.Logging.LogLevel.Information, deferred, null);
        Write("The connection to mx1.slow.example was closed in the middle of DATA", Microsoft.Extensions.Logging.LogLevel.Warning, deferred, null);
        await WriteLastAsync();
    }

    private static QueueEntry Entry(Message message, string recipient, string route, DeferCause cause, string reply, QueueState state = QueueState.Due) => new()
    {
        MessageId = message.Id,
        QueueId = message.QueueId,
        ReversePath = "anna.berg@portal.test",
        ForwardPath = recipient,
        RouteKey = route,
        State = state,
        CreatedAt = message.ReceivedAt.AddMinutes(-9),
        NextAttemptAt = message.ReceivedAt.AddHours(1),
        ExpiresAt = message.ReceivedAt.AddDays(5),
        Attempt = 2,
        Cause = cause,
        LastReply = reply,
        SizeBytes = 4711,
    };

    private static MessageTrace Trace(DateTimeOffset at, string sender, TraceOutcome outcome, string? rule, string reply) => new()
    {
        QueueId = Guid.CreateVersion7(at),
        At = at,
        ClientAddress = "192.0.2.17",
        Helo = "mail.example.org",
        ReversePath = sender,
        MessageIdHeader = "20261124.4711@mail.example.org",
        SizeBytes = 48_213,
        Outcome = outcome,
        Reply = reply,
        Rule = rule,
        DurationMilliseconds = 37,
        Tls = "TLS 1.3, TLS_AES_256_GCM_SHA384",
    };

    private static (MessageTrace, TraceEvent?, List<TraceRecipient>) Delivered(DateTimeOffset at, string sender)
    {
        var trace = Trace(at, sender, TraceOutcome.Accepted, null, "250 2.0.0 Queued");
        return (trace, Session(trace.QueueId, at, "recipient.mailbox", "anna.berg@portal.test"), [new() { QueueId = trace.QueueId, Index = 0, Recipient = "anna.berg@portal.test", Outcome = RecipientOutcome.Delivered, Rule = "recipient.mailbox", UpdatedAt = at }]);
    }

    private static TraceEvent Session(Guid queueId, DateTimeOffset at, string rule, string recipient) => new()
    {
        QueueId = queueId,
        At = at,
        Facts = TraceFacts.Write([new(rule, new Dictionary<string, string> { ["recipient"] = recipient, ["bytes"] = "48213" })]),
        ContentFacts = TraceFacts.WriteContent(new Dictionary<string, string> { ["subject"] = "Offer for the new building" }),
    };

    private void Write(string message, Microsoft.Extensions.Logging.LogLevel level, Guid? queueId, string? exception) =>
        portal.Get<LogStore>().Write(new LogEntry { At = now, Level = level, Component = "Smtp.Delivery", Message = message, QueueId = queueId, Exception = exception, Properties = LogText.Properties([new("Host", "mx1.slow.example")]) });

    /// <summary>The last line, awaited until it is on disk: the store has one writer, so that the others are there too.</summary>
    private async Task WriteLastAsync()
    {
        var store = portal.Get<LogStore>();
        var heard = new SemaphoreSlim(0);   // not disposed: the store may just be calling it for the last time
        void Hear() => heard.Release();
        store.Stored += Hear;
        Write("Delivery failed", Microsoft.Extensions.Logging.LogLevel.Error, deferred, @"System.IO.IOException: Connection reset\n   at Portal.Smtp.Delivery.Courier.RunAsync()");
        while ((await store.SearchAsync(new() { Text = "Delivery failed" }, CancellationToken.None)).Entries.Count == 0) Assert.True(await heard.WaitAsync(TimeSpan.FromSeconds(30)));
        store.Stored -= Hear;
    }
}
