using Portal.Core;
using Portal.Core.Domains;
using Portal.Core.Permissions;
using Portal.Core.Trace;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Trace;

public class TraceScopeTests
{
    [Theory, BothDatabases]
    public async Task Only_who_may_view_the_trace_gets_an_answer(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var trace = TraceRows.At(TestDatabase.Start);
        await database.WriteAsync(trace);
        Actor[] allowed = [Actor.Operator(), Actor.System(), TraceRows.With(Role.Administrator)];
        Actor[] refused = [Actor.Visitor("192.0.2.1"), TraceRows.With(Role.User), TraceRows.With(Role.Helpdesk), TraceRows.With(Role.Auditor)];

        foreach (var actor in allowed)
        {
            Assert.Single(await database.FindAsync(actor, new()));
            Assert.Equal(1, (await database.Traces().CountAsync(actor, new(), CancellationToken.None)).Value);
            Assert.True((await database.Traces().GetAsync(actor, trace.QueueId, CancellationToken.None)).IsDone);
        }

        foreach (var actor in refused)
        {
            Assert.Equal(Capability.ViewTrace, Assert.IsType<NotPermitted>((await database.Traces().SearchAsync(actor, new(), CancellationToken.None)).Refusal).Capability);
            Assert.IsType<NotPermitted>((await database.Traces().CountAsync(actor, new(), CancellationToken.None)).Refusal);
            Assert.IsType<NotPermitted>((await database.Traces().GetAsync(actor, trace.QueueId, CancellationToken.None)).Refusal);
        }
    }

    [Theory, BothDatabases]
    public async Task An_administrator_of_a_domain_sees_what_it_sent_or_got_and_not_the_neighbours(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var own = new Domain { Name = "own.test", DisplayName = "own.test" };
        var alias = new Domain { Name = "alias.test", DisplayName = "alias.test", AliasOfId = own.Id };
        var other = new Domain { Name = "other.test", DisplayName = "other.test" };
        await database.WriteAsync(db => db.Domains.AddRange(own, other));
        await database.WriteAsync(db => db.Domains.Add(alias));
        var sent = TraceRows.At(TestDatabase.Start, "me@own.test");
        var got = TraceRows.At(TestDatabase.Start.AddMinutes(1), "stranger@example.org");
        var gotByAlias = TraceRows.At(TestDatabase.Start.AddMinutes(2), "stranger@example.org");
        var foreign = TraceRows.At(TestDatabase.Start.AddMinutes(3), "stranger@example.org", TraceOutcome.Refused);
        await database.WriteAsync(sent, ("x@example.org", RecipientOutcome.Relayed));
        await database.WriteAsync(got, ("me@own.test", RecipientOutcome.Delivered), ("you@other.test", RecipientOutcome.Failed));
        await database.WriteAsync(gotByAlias, ("me@alias.test", RecipientOutcome.Delivered));
        await database.WriteAsync(foreign, ("you@other.test", RecipientOutcome.Refused));
        await database.WriteAsync(db => db.TraceEvents.Add(new()
        {
            QueueId = got.QueueId,
            Facts = TraceFacts.Write(
            [
                new("session.tls", new Dictionary<string, string> { ["version"] = "TLS 1.3" }),
                new("recipient.mailbox", new Dictionary<string, string> { ["recipient"] = "me@own.test" }),
                new("recipient.mailbox", new Dictionary<string, string> { ["recipient"] = "you@other.test" }),
            ]),
        }));
        var actor = TraceRows.With(Role.Administrator, own.Id);

        for (var pass = 0; pass < 2; pass++)
        {
            Assert.Equal([gotByAlias.QueueId, got.QueueId, sent.QueueId], await database.FindAsync(actor, new()));
            Assert.Equal([gotByAlias.QueueId, got.QueueId], await database.FindAsync(actor, new() { Text = "stranger@example.org" }));
            Assert.Empty(await database.FindAsync(actor, new() { Filter = TraceFilter.Refused }));
            Assert.Empty(await database.FindAsync(actor, new() { Text = foreign.QueueId.ToString() }));
            Assert.Equal("Trace", Assert.IsType<NotFound>((await database.Traces().GetAsync(actor, foreign.QueueId, CancellationToken.None)).Refusal).What);
            await database.IndexAsync();
        }

        var detail = (await database.Traces().GetAsync(actor, got.QueueId, CancellationToken.None)).Value;
        Assert.Equal(("me@own.test", 1), (detail.Worst?.Recipient, detail.RecipientCount));
        Assert.Equal(["me@own.test"], (await database.Traces().RecipientsAsync(actor, got.QueueId, null, 0, 50, CancellationToken.None)).Value.Rows.Select(r => r.Recipient));
        Assert.Empty((await database.Traces().RecipientsAsync(actor, got.QueueId, "you@other.test", 0, 50, CancellationToken.None)).Value.Rows);
        Assert.IsType<NotFound>((await database.Traces().RecipientsAsync(actor, foreign.QueueId, null, 0, 50, CancellationToken.None)).Refusal);
        Assert.Equal(["session.tls", "recipient.mailbox"], Assert.Single(detail.Events).Facts.Select(f => f.Rule));
        Assert.DoesNotContain(detail.Events[0].Facts, f => f.Inputs.Values.Contains("you@other.test"));
    }

    [Theory, BothDatabases]
    public async Task An_administrator_of_a_domain_does_not_learn_how_full_the_neighbours_are(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var own = new Domain { Name = "own.test", DisplayName = "own.test" };
        await database.WriteAsync(db => db.Domains.AddRange(own, new Domain { Name = "other.test", DisplayName = "other.test" }));
        var (sent, got) = (TraceRows.At(TestDatabase.Start, "me@own.test"), TraceRows.At(TestDatabase.Start.AddMinutes(1), "stranger@example.org"));
        await database.WriteAsync(sent, ("you@other.test", RecipientOutcome.Deferred));
        await database.WriteAsync(got, ("me@own.test", RecipientOutcome.Deferred), ("all@own.test", RecipientOutcome.Delivered));
        await database.WriteAsync(db => db.TraceEvents.AddRange(
            new() { QueueId = sent.QueueId, Facts = TraceFacts.Write([Full("you@other.test", "you@other.test")]) },
            new()
            {
                QueueId = got.QueueId,
                Facts = TraceFacts.Write(
                [
                    Full("me@own.test", "me@own.test"),
                    Full("sales@other.test", "me@own.test"),
                    new("recipient.forwarder", new Dictionary<string, string> { ["recipient"] = "all@own.test", ["mailboxes"] = "3", ["leadsTo"] = "me@own.test, you@other.test, my@own.test" }),
                ]),
            }));

        var (ofSent, ofGot) = (await FactsAsync(sent, Role.Administrator, own.Id), await FactsAsync(got, Role.Administrator, own.Id));

        Assert.Equal(["recipient"], Assert.Single(ofSent).Inputs.Keys);
        Assert.Equal([("me@own.test", "1000"), ("all@own.test", null)], ofGot.Select(f => (f.Inputs["recipient"], f.Inputs.GetValueOrDefault("usedBytes"))));
        Assert.Equal("me@own.test, my@own.test", ofGot[1].Inputs["leadsTo"]);
        Assert.Equal("1000", Assert.Single(await FactsAsync(sent, Role.Administrator, null)).Inputs["usedBytes"]);

        async Task<IReadOnlyList<TraceFact>> FactsAsync(MessageTrace trace, Role role, Guid? domain) =>
            Assert.Single((await database.Traces().GetAsync(TraceRows.With(role, domain), trace.QueueId, CancellationToken.None)).Value.Events).Facts;

        static TraceFact Full(string recipient, string mailbox) =>
            new("recipient.quotaFull", new Dictionary<string, string> { ["recipient"] = recipient, ["mailbox"] = mailbox, ["usedBytes"] = "1000", ["quotaBytes"] = "1000", ["fullSince"] = "2026-03-01T10:20:30.0000000+00:00" });
    }

    [Theory, BothDatabases]
    public async Task The_subject_leaves_the_database_only_with_its_own_capability(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var trace = TraceRows.At(TestDatabase.Start);
        await database.WriteAsync(trace);
        await database.WriteAsync(db => db.TraceEvents.Add(new() { QueueId = trace.QueueId, Facts = "[]", ContentFacts = """{"subject":"Merger","files":["a.pdf"]}""" }));

        using (var sql = new SqlRecorder(database))
        {
            Assert.NotEmpty(await database.FindAsync(TraceRows.With(Role.Administrator), new() { Text = "alice@example.org" }));
            Assert.NotEmpty(sql.Commands);
            Assert.DoesNotContain(sql.Commands, c => c.Text.Contains("ContentFacts", StringComparison.Ordinal));
        }

        var detail = (await database.Traces().GetAsync(TraceRows.With(Role.Administrator), trace.QueueId, CancellationToken.None)).Value;
        Assert.Equal("Merger", Assert.Single(detail.Events).ContentFacts["subject"]);
        Assert.Equal("""["a.pdf"]""", detail.Events[0].ContentFacts["files"]);
    }
}
