using FsCheck.Fluent;
using Portal.Core;
using Portal.Core.Audit;
using Portal.Core.Permissions;
using Portal.Tests.Core.Trace;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Audit;

public class AuditServiceTests
{
    private static readonly Actor Anna = Actor.ForAccount(Guid.CreateVersion7(), "anna@portal.test", [new(Role.Helpdesk, Scope.Everything)], Channel.Portal, "192.0.2.1");
    private static readonly Actor Auditor = TraceRows.With(Role.Auditor);

    [Theory, BothDatabases]
    public async Task Who_did_what_to_whom_and_when_is_found_by_each_of_them(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await WriteAsync(database, Anna, "account.password.reset", "Bob@portal.test", 0, reason: "Ticket 4711");
        await WriteAsync(database, Actor.Operator(), "mailbox.create", "eve@portal.test", 1);
        await WriteAsync(database, Actor.Operator(), "mailbox.quota.set", "100%_of@portal.test", 2);

        Assert.Equal(["account.password.reset"], await FindAsync(database, new() { Text = "ANNA@" }));
        Assert.Equal(["account.password.reset"], await FindAsync(database, new() { Text = "bob" }));
        Assert.Equal(["account.password.reset"], await FindAsync(database, new() { Text = "ticket 4711" }));
        Assert.Equal(["mailbox.quota.set"], await FindAsync(database, new() { Text = "100%_" }));
        Assert.Equal(["mailbox.quota.set", "mailbox.create"], await FindAsync(database, new() { Action = "mailbox." }));
        Assert.Equal(["mailbox.create"], await FindAsync(database, new() { Action = "mailbox.create" }));
        Assert.Empty(await FindAsync(database, new() { Action = "mailbox" }));
        Assert.Equal(["mailbox.create"], await FindAsync(database, new() { Target = "eve@portal.test" }));
        Assert.Equal(["account.password.reset"], await FindAsync(database, new() { ActorId = Anna.AccountId }));
        Assert.Equal(["mailbox.create"], await FindAsync(database, new() { From = TestDatabase.Start.AddMinutes(1), Until = TestDatabase.Start.AddMinutes(2) }));
        Assert.Equal(2, (await Service(database).CountAsync(Auditor, new() { Action = "mailbox." }, CancellationToken.None)).Value);
    }

    [Theory, BothDatabases]
    public async Task Pages_hold_every_match_once_and_newest_first_for_any_page_size(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await database.WriteAsync(db => db.Audit.AddRange(Enumerable.Range(0, 97).Select(i => AuditEntry.Change(i % 3 == 0 ? Anna : Actor.Operator(), TestDatabase.Start.AddMinutes(i), "a.b", $"t{i % 5}", null, null))));
        var all = (await Service(database).SearchAsync(Auditor, new() { Limit = 200 }, CancellationToken.None)).Value.Entries;
        Assert.Equal(97, all.Count);

        var queries = Gen.Choose(1, 40).SelectMany(limit => Gen.Elements(null, "t1", "t4").SelectMany(target => Gen.Elements(null, Anna.AccountId).Select(actor => new AuditQuery { Limit = limit, Target = target, ActorId = actor })));
        foreach (var query in queries.Sample(40, 40))
        {
            List<long> read = [];
            for (long? before = null; ;)
            {
                var page = (await Service(database).SearchAsync(Auditor, query with { Before = before }, CancellationToken.None)).Value;
                read.AddRange(page.Entries.Select(e => e.Id));
                if (page.Next is null) break;
                Assert.Equal(query.Limit, page.Entries.Count);
                before = page.Next;
            }

            Assert.Equal(all.Where(e => (query.Target is null || e.Target == query.Target) && (query.ActorId is null || e.ActorId == query.ActorId)).Select(e => e.Id).OrderDescending(), read);
        }
    }

    [Theory, BothDatabases]
    public async Task Only_an_auditor_sees_everything_and_everybody_sees_what_they_did(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        await WriteAsync(database, Anna, "account.unlock", "bob@portal.test", 0);
        await WriteAsync(database, Actor.Operator(), "domain.create", "portal.test", 1);
        var (own, other) = await database.ReadAsync(async db => (db.Audit.Single(e => e.Action == "account.unlock").Id, db.Audit.Single(e => e.Action == "domain.create").Id));
        var service = Service(database);

        foreach (var actor in new[] { Auditor, TraceRows.With(Role.Administrator), Actor.Operator() })
        {
            Assert.Equal(2, (await service.SearchAsync(actor, new(), CancellationToken.None)).Value.Entries.Count);
            Assert.Equal(2, (await service.CountAsync(actor, new(), CancellationToken.None)).Value);
            Assert.True((await service.GetAsync(actor, other, CancellationToken.None)).IsDone);
        }

        foreach (var actor in new[] { Actor.Visitor(null), TraceRows.With(Role.User), Anna })
        {
            Assert.IsType<NotPermitted>((await service.SearchAsync(actor, new(), CancellationToken.None)).Refusal);
            Assert.IsType<NotPermitted>((await service.CountAsync(actor, new(), CancellationToken.None)).Refusal);
        }

        Assert.IsType<NotPermitted>((await service.GetAsync(Actor.Visitor(null), own, CancellationToken.None)).Refusal);
        Assert.True((await service.GetAsync(Anna, own, CancellationToken.None)).IsDone);
        Assert.IsType<NotFound>((await service.GetAsync(Anna, other, CancellationToken.None)).Refusal);
    }

    [Theory, BothDatabases]
    public async Task An_auditor_of_a_domain_sees_only_what_was_done_in_it(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var (mine, theirs) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await WriteAsync(database, Anna, "mailbox.create", "a@mine.test", 0, domainId: mine);
        await WriteAsync(database, Anna, "mailbox.create", "a@theirs.test", 1, domainId: theirs);
        await WriteAsync(database, Anna, "settings.set", "name", 2);
        var actor = TraceRows.With(Role.Auditor, mine);

        Assert.Equal("a@mine.test", Assert.Single((await Service(database).SearchAsync(actor, new(), CancellationToken.None)).Value.Entries).Target);
    }

    private static AuditService Service(TestDatabase database) => new(database.Databases);

    private static Task WriteAsync(TestDatabase database, Actor actor, string action, string target, int minutes, Guid? domainId = null, string? reason = null) =>
        database.WriteAsync(db => db.Audit.Add(AuditEntry.Change(actor.Because(reason), TestDatabase.Start.AddMinutes(minutes), action, target, null, new { x = 1 }, domainId)));

    private static async Task<IReadOnlyList<string>> FindAsync(TestDatabase database, AuditQuery query) =>
        [.. (await Service(database).SearchAsync(Auditor, query, CancellationToken.None)).Value.Entries.Select(e => e.Action)];
}
