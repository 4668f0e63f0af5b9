using Microsoft.EntityFrameworkCore;
using Portal.Core;
using Portal.Core.Domains;
using Portal.Core.Jobs;
using Portal.Core.Messages;
using Portal.Core.Permissions;
using Portal.Core.Quarantine;
using Portal.Core.Queue;
using Portal.Core.Trace;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Quarantine;

public sealed class QuarantineServiceTests
{
    private const string Html = "<html><head><style>p{}</style></head><body><p>Click <a href=\"http://evil.example\">here</a></p><script>alert(1)</script></body></html>";
    private static readonly Actor Admin = Organisation.With(Role.Administrator);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, BothDatabases]
    public async Task An_item_is_listed_by_envelope_and_opened_with_header_safe_text_and_attachments_audited(DatabaseKind kind)
    {
        await using var bed = await BedAsync(kind);
        await bed.KeepAsync("alice@portal.test", $"From: \"Mallory\" <m@evil.example>\r\nTo: alice@portal.test\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/html\r\n\r\n{Html}\r\n--x\r\nContent-Type: application/pdf; name=bill.pdf\r\nContent-Disposition: attachment; filename=bill.pdf\r\n\r\nabc\r\n--x--\r\n");

        var row = Assert.Single((await bed.Service.SearchAsync(Admin, QuarantineFilter.All, QuarantineSort.Age, false, 0, 50, Cancel)).Value.Rows);
        Assert.Equal(("mallory@evil.example", "alice@portal.test", "sender.quarantined", TestDatabase.Start.AddDays(30)), (row.ReversePath, row.ForwardPath, row.Rule, row.ExpiresAt));
        Assert.Equal(0, await bed.Database.ReadAsync(db => db.Audit.CountAsync(Cancel)));   // a list is no look

        var view = (await bed.Service.OpenAsync(Admin, row.Id, Cancel)).Value;
        Assert.Equal(("Grüße", true, false), (view.Subject, view.IsReadable, view.IsCut));
        Assert.Equal("Click here", view.Text);
        Assert.Contains("Subject: =?utf-8?q?", view.Header, StringComparison.Ordinal);
        Assert.StartsWith("Received: from test", view.Header, StringComparison.Ordinal);
        Assert.Equal("bill.pdf", Assert.Single(view.Attachments).FileName);
        Assert.Equal(["quarantine.view alice@portal.test"], await bed.Database.AuditedActionsAsync());
    }

    [Theory, BothDatabases]
    public async Task What_cannot_be_taken_apart_shows_its_header_and_a_long_one_is_cut(DatabaseKind kind)
    {
        await using var bed = await BedAsync(kind);
        var deep = string.Concat(Enumerable.Range(0, 150).Select(i => $"Content-Type: multipart/mixed; boundary=b{i}\r\n\r\n--b{i}\r\n"));
        await bed.KeepAsync("alice@portal.test", "Subject: deep\r\n" + deep);
        await bed.KeepAsync("bob@portal.test", $"Subject: long\r\nX-Long: {new string('x', 100_000)}\r\n\r\nText.\r\n");
        await bed.KeepAsync("bob@portal.test", "no header at all");

        var views = new List<QuarantineView>();
        foreach (var id in await bed.IdsAsync()) views.Add((await bed.Service.OpenAsync(Admin, id, Cancel)).Value);

        Assert.Equal((false, null), (views[0].IsReadable, views[0].Text));
        Assert.Contains("Subject: deep", views[0].Header, StringComparison.Ordinal);
        Assert.Equal((true, "Text.", QuarantineService.MaxHeaderChars), (views[1].IsCut, views[1].Text?.TrimEnd(), views[1].Header.Length));
        Assert.Empty(views[2].Attachments);
    }

    [Theory, BothDatabases]
    public async Task A_released_item_is_an_entry_of_the_queue_and_a_deleted_one_is_gone_both_traced_and_audited(DatabaseKind kind)
    {
        await using var bed = await BedAsync(kind);
        await bed.KeepAsync("alice@portal.test");
        await bed.KeepAsync("bob@portal.test");
        var ids = await bed.IdsAsync();

        Assert.Equal(1, (await bed.Service.ActAsync(Admin, QuarantineAct.Release, QuarantineSelection.Of(ids[0]), Cancel)).Value.Rows);
        Assert.Equal(1, (await bed.Service.ActAsync(Admin.Because("spam"), QuarantineAct.Delete, QuarantineSelection.Of(ids[1]), Cancel)).Value.Rows);
        Assert.IsType<NotFound>((await bed.Service.ActAsync(Admin, QuarantineAct.Release, QuarantineSelection.Of(ids[0]), Cancel)).Refusal);

        var entry = Assert.Single(await bed.Database.ReadAsync(db => db.QueueEntries.AsNoTracking().ToListAsync(Cancel)));
        Assert.Equal(("alice@portal.test", QueueEntry.LocalRouteKey, QueueState.Due, QueueKind.Local, false), (entry.ForwardPath, entry.RouteKey, entry.State, entry.Kind, entry.IsJunk));
        Assert.Equal((TestDatabase.Start, TestDatabase.Start.AddDays(5)), (entry.NextAttemptAt, entry.ExpiresAt));
        Assert.Empty(await bed.IdsAsync());
        Assert.Equal([(RecipientOutcome.Queued, "quarantine.release"), (RecipientOutcome.Removed, "quarantine.delete")], await bed.OutcomesAsync());
        Assert.Equal(["quarantine.release alice@portal.test", "quarantine.delete bob@portal.test"], await bed.Database.AuditedActionsAsync());
        Assert.Equal(["quarantine.delete", "quarantine.release"], (await bed.Database.ReadAsync(db => db.TraceEvents.Where(e => e.Kind == TraceEventKind.Action).Select(e => e.Facts).ToListAsync(Cancel))).Select(f => TraceFacts.Read(f)[0].Rule).Order());
    }

    [Theory, BothDatabases]
    public async Task An_item_for_elsewhere_is_released_to_its_route(DatabaseKind kind)
    {
        await using var bed = await BedAsync(kind);
        await bed.KeepAsync("carol@example.org", kind: QueueKind.Relay, domainId: null);

        await bed.Service.ActAsync(Admin, QuarantineAct.Release, QuarantineSelection.Matching(QuarantineFilter.All), Cancel);

        Assert.Equal("example.org", await bed.Database.ReadAsync(db => db.QueueEntries.Select(e => e.RouteKey).SingleAsync(Cancel)));
    }

    [Theory, BothDatabases]
    public async Task Two_people_who_release_at_once_queue_it_once(DatabaseKind kind)
    {
        await using var bed = await BedAsync(kind);
        for (var i = 0; i < 5; i++) await bed.KeepAsync($"u{i}@portal.test");
        await using var other = bed.Database.AnotherNode();
        QuarantineService[] services = [bed.Service, other.Get<QuarantineService>()];

        var done = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => services[i % 2].ActAsync(Admin, i % 4 == 3 ? QuarantineAct.Delete : QuarantineAct.Release, QuarantineSelection.Matching(QuarantineFilter.All), Cancel)));

        Assert.Equal(5, done.Sum(d => d.Value.Rows));
        var entries = await bed.Database.ReadAsync(db => db.QueueEntries.Select(e => e.ForwardPath).ToListAsync(Cancel));
        Assert.Equal(entries.Count, entries.Distinct().Count());
        Assert.Equal(entries.Count, (await bed.OutcomesAsync()).Count(o => o.Outcome == RecipientOutcome.Queued));
    }

    [Theory, BothDatabases]
    public async Task More_than_100_become_work_that_leaves_later_ones_alone(DatabaseKind kind)
    {
        await using var bed = await BedAsync(kind);
        for (var i = 0; i < 250; i++) await bed.KeepAsync($"u{i}@portal.test");
        var all = QuarantineSelection.Matching(new QuarantineFilter { Text = "@PORTAL.test" });

        Assert.Equal(new ActPreview(250, true), (await bed.Service.PreviewAsync(Admin, all, Cancel)).Value);
        var decided = (await bed.Service.ActAsync(Admin, QuarantineAct.Release, all, Cancel)).Value;
        await bed.KeepAsync("later@portal.test");
        await bed.Database.Get<WorkRunner>().RunPendingAsync(Cancel);

        Assert.NotNull(decided.WorkId);
        Assert.Equal(250, await bed.Database.ReadAsync(db => db.QueueEntries.CountAsync(Cancel)));
        Assert.Single(await bed.IdsAsync());
        var work = await bed.Database.ReadAsync(db => db.Work.AsNoTracking().SingleAsync(Cancel));
        Assert.Equal((250, 250, WorkState.Done), (work.DoneRows, work.TotalRows, work.State));
    }

    [Theory, BothDatabases]
    public async Task After_thirty_days_it_is_deleted_and_then_swept_and_not_before(DatabaseKind kind)
    {
        await using var bed = await BedAsync(kind);
        await bed.KeepAsync("alice@portal.test");
        await bed.KeepAsync("bob@portal.test");
        var keeper = bed.Database.Get<QuarantineKeeper>();
        var sweeper = bed.Database.Get<ContentSweeper>();

        bed.Database.Clock.Advance(TimeSpan.FromDays(29));
        await keeper.RunAsync(Cancel);
        Assert.Equal(0, (await sweeper.SweepAsync(0, Cancel)).Deleted);
        Assert.Equal(2, (await bed.IdsAsync()).Count);

        bed.Database.Clock.Advance(TimeSpan.FromDays(1) + TimeSpan.FromSeconds(1));
        await keeper.RunAsync(Cancel);
        Assert.Empty(await bed.IdsAsync());
        Assert.All(await bed.OutcomesAsync(), o => Assert.Equal((RecipientOutcome.Removed, "quarantine.expired"), o));
        Assert.Equal(2, (await sweeper.SweepAsync(0, Cancel)).Deleted);
        Assert.Equal(0, await bed.Database.ReadAsync(db => db.Contents.CountAsync(Cancel)));
    }

    [Theory, BothDatabases]
    public async Task It_is_found_by_recipient_sender_queue_id_rule_and_domain_in_every_order(DatabaseKind kind)
    {
        await using var bed = await BedAsync(kind);
        var id = await bed.KeepAsync("alice@portal.test");
        await bed.KeepAsync("bob@portal.test", rule: "sender.refused");

        foreach (var (filter, found) in new[]
        {
            (new QuarantineFilter { Text = "ALICE" }, 1), (new() { Text = "evil.example" }, 2), (new() { Text = id.ToString() }, 1), (new() { Rule = "sender.refused" }, 1),
            (new() { DomainId = bed.Domain.Id }, 2), (new() { DomainId = Guid.NewGuid() }, 0), (new() { Text = "l%" }, 0),
        })
        {
            foreach (var sort in Enum.GetValues<QuarantineSort>())
                Assert.Equal(found, (await bed.Service.SearchAsync(Admin, filter, sort, descending: found == 1, 0, 50, Cancel)).Value.Rows.Count);
        }

        foreach (var (sort, first) in new[] { (QuarantineSort.Age, "bob@portal.test"), (QuarantineSort.Recipient, "alice@portal.test") })
        {
            Assert.Equal(first, (await bed.Service.SearchAsync(Admin, QuarantineFilter.All, sort, descending: false, 0, 50, Cancel)).Value.Rows[0].ForwardPath);
            Assert.NotEqual(first, (await bed.Service.SearchAsync(Admin, QuarantineFilter.All, sort, descending: true, 0, 50, Cancel)).Value.Rows[0].ForwardPath);
        }

        Assert.Equal(["sender.quarantined", "sender.refused"], (await bed.Service.RulesAsync(Admin, Cancel)).Value);
    }

    [Theory, BothDatabases]
    public async Task Who_answers_for_a_domain_reaches_what_is_for_its_recipients_only(DatabaseKind kind)
    {
        await using var bed = await BedAsync(kind);
        var other = await bed.Database.SeedDomainAsync("other.test");
        await bed.KeepAsync("alice@portal.test");
        await bed.KeepAsync("x@other.test", domainId: other.Id);
        await bed.KeepAsync("carol@example.org", kind: QueueKind.Relay, domainId: null);
        var ids = await bed.IdsAsync();
        var scoped = Organisation.With(Role.Administrator, other.Id);

        Assert.Equal([ids[1]], (await bed.Service.SearchAsync(scoped, QuarantineFilter.All, QuarantineSort.Age, false, 0, 50, Cancel)).Value.Rows.Select(r => r.Id));
        foreach (var foreign in new[] { ids[0], ids[2] })
        {
            Assert.IsType<NotFound>((await bed.Service.OpenAsync(scoped, foreign, Cancel)).Refusal);
            Assert.IsType<NotFound>((await bed.Service.ActAsync(scoped, QuarantineAct.Release, QuarantineSelection.Of(foreign), Cancel)).Refusal);
        }

        await bed.Service.ActAsync(scoped, QuarantineAct.Delete, QuarantineSelection.Matching(QuarantineFilter.All), Cancel);
        Assert.Equal([ids[0], ids[2]], await bed.IdsAsync());
        Assert.Empty((await bed.Service.RulesAsync(scoped, Cancel)).Value);
    }

    [Theory, BothDatabases]
    public async Task Nobody_reads_what_is_for_somebody_who_may_more(DatabaseKind kind)
    {
        await using var bed = await BedAsync(kind);
        await bed.Database.AddMailboxAsync("boss@portal.test", null, Role.Administrator);
        await bed.KeepAsync("boss+list@portal.test");
        await bed.KeepAsync("alice@portal.test");
        var ids = await bed.IdsAsync();
        var scoped = Organisation.With(Role.Administrator, bed.Domain.Id);

        Assert.Equal("QuarantineOfSuperior", (await bed.Service.OpenAsync(scoped, ids[0], Cancel)).Refusal?.Key);
        Assert.True((await bed.Service.OpenAsync(scoped, ids[1], Cancel)).IsDone);
        Assert.True((await bed.Service.OpenAsync(Admin, ids[0], Cancel)).IsDone);
        Assert.True((await bed.Service.ActAsync(scoped, QuarantineAct.Release, QuarantineSelection.Of(ids[0]), Cancel)).IsDone);
    }

    [Theory, BothDatabases]
    public async Task What_turns_the_direction_of_writing_is_shown_as_such(DatabaseKind kind)
    {
        await using var bed = await BedAsync(kind);
        await bed.KeepAsync("alice@portal.test", "Subject: =?utf-8?q?a=E2=80=AEb?=\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\npay=E2=81=A6me\r\n");

        var view = (await bed.Service.OpenAsync(Admin, (await bed.IdsAsync())[0], Cancel)).Value;

        Assert.Equal(("a\uFFFDb", "pay\uFFFDme"), (view.Subject, view.Text?.TrimEnd()));
    }

    [Theory]
    [BothDatabases(Role.User, "")]
    [BothDatabases(Role.Auditor, "")]
    [BothDatabases(Role.Helpdesk, "")]
    [BothDatabases(Role.Administrator, "SearchAsync RulesAsync OpenAsync PreviewAsync ActAsync")]
    public async Task Permissions(DatabaseKind kind, Role role, string allowed)
    {
        await using var bed = await BedAsync(kind);
        await bed.KeepAsync("alice@portal.test");
        var id = (await bed.IdsAsync())[0];
        var (service, actor) = (bed.Service, Organisation.With(role));
        var calls = new Dictionary<string, Func<Task<Outcome>>>
        {
            ["SearchAsync"] = async () => await service.SearchAsync(actor, QuarantineFilter.All, QuarantineSort.Age, false, 0, 50, Cancel),
            ["RulesAsync"] = async () => await service.RulesAsync(actor, Cancel),
            ["OpenAsync"] = async () => await service.OpenAsync(actor, id, Cancel),
            ["PreviewAsync"] = async () => await service.PreviewAsync(actor, QuarantineSelection.Of(id), Cancel),
            ["ActAsync"] = async () => await service.ActAsync(actor, QuarantineAct.Release, QuarantineSelection.Of(id), Cancel),
        };

        await PermissionMatrix.CheckAsync<QuarantineService>(calls, allowed);
    }

    private static async Task<Bed> BedAsync(DatabaseKind kind)
    {
        var database = await TestDatabase.CreateAsync(kind);
        var bed = new Bed(database, await database.SeedDomainAsync());
        await database.Get<MailWriter>().StartAsync(Cancel);
        return bed;
    }

    /// <summary>A domain, and the writer that keeps mail back.</summary>
    private sealed class Bed(TestDatabase database, Domain domain) : IAsyncDisposable
    {
        private int kept;

        public TestDatabase Database => database;

        public Domain Domain => domain;

        public QuarantineService Service => database.Get<QuarantineService>();

        public Task<Guid> KeepAsync(string recipient, string text = "Subject: pills\r\n\r\nBuy.\r\n", string rule = "sender.quarantined", QueueKind kind = QueueKind.Local) => KeepAsync(recipient, domain.Id, text, rule, kind);

        public Task<Guid> KeepAsync(string recipient, Guid? domainId, QueueKind kind = QueueKind.Local) => KeepAsync(recipient, domainId, "Subject: pills\r\n\r\nBuy.\r\n", "sender.quarantined", kind);

        public Task<List<long>> IdsAsync() => database.ReadAsync(db => db.QuarantineItems.OrderBy(i => i.Id).Select(i => i.Id).ToListAsync(Cancel));

        public async Task<List<(RecipientOutcome Outcome, string? Rule)>> OutcomesAsync() =>
            (await database.ReadAsync(db => db.TraceRecipients.AsNoTracking().OrderBy(r => r.Recipient).ToListAsync(Cancel))).ConvertAll(r => (r.Outcome, r.Rule));

        public async ValueTask DisposeAsync()
        {
            await database.Get<MailWriter>().StopAsync(CancellationToken.None);
            await database.DisposeAsync();
        }

        private async Task<Guid> KeepAsync(string recipient, Guid? domainId, string text, string rule, QueueKind kind)
        {
            var acceptance = await database.AcceptanceAsync(text);
            var at = database.Clock.GetUtcNow().AddTicks(kept++);
            var entry = new QueueEntry
            {
                QueueId = acceptance.QueueId,
                Kind = kind,
                ReversePath = "mallory@evil.example",
                ForwardPath = recipient,
                RouteKey = "",
                CreatedAt = at,
                ExpiresAt = at.AddDays(5),
                SizeBytes = acceptance.Content.RawBytes,
                Notify = DsnNotify.Never,
            };
            var written = await database.Get<MailWriter>().WriteAsync(acceptance with
            {
                Quarantined = [QuarantineItem.Of(entry, domainId, rule, isRefused: false, at.AddDays(30))],
                Recipients = [new TraceRecipient { QueueId = acceptance.QueueId, Recipient = recipient, Outcome = RecipientOutcome.Quarantined, Rule = rule, UpdatedAt = at }],
            });
            Assert.Equal(WriteResult.Committed, written);
            return acceptance.QueueId;
        }
    }
}
