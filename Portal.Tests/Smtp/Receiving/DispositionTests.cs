using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Portal.Core.Messages;
using Portal.Core.Permissions;
using Portal.Core.Queue;
using Portal.Core.Trace;
using Portal.Smtp.Checks;
using Portal.Smtp.Receiving;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Smtp.Receiving;

/// <summary>What becomes of each recipient's copy, by what a check says of it (DESIGN §3).</summary>
public sealed class DispositionTests
{
    private const string Alice = "alice@portal.test";
    private const string Bob = "bob@portal.test";
    private const string Accepted = "250 2.0.0 Queued";

    [Theory, BothDatabases]
    public async Task Junk_lies_in_the_junk_folder(DatabaseKind kind)
    {
        await using var server = await StartAsync(kind, (Alice, DispositionKind.Junk));

        Assert.StartsWith(Accepted, await SendAsync(server, Alice, Bob), StringComparison.Ordinal);

        Assert.Equal((1, 0), (await CountAsync(server, Alice, SpecialUse.Junk), await CountAsync(server, Alice, SpecialUse.Inbox)));
        Assert.Equal((0, 1), (await CountAsync(server, Bob, SpecialUse.Junk), await CountAsync(server, Bob, SpecialUse.Inbox)));
        Assert.Equal([(Alice, RecipientOutcome.Delivered, "check.Junk"), (Bob, RecipientOutcome.Delivered, "recipient.mailbox")], await RowsAsync(server));
    }

    [Theory, BothDatabases]
    public async Task Discarded_mail_is_taken_and_traced_and_nowhere_stored(DatabaseKind kind)
    {
        await using var server = await StartAsync(kind, (Alice, DispositionKind.Discard));

        Assert.StartsWith(Accepted, await SendAsync(server, Alice), StringComparison.Ordinal);

        Assert.Equal([(Alice, RecipientOutcome.Discarded, "check.Discard")], await RowsAsync(server));
        Assert.Equal((0, 0, 0), (await server.ReadAsync(d => d.Messages.CountAsync()), await server.ReadAsync(d => d.Contents.CountAsync()), await server.ReadAsync(d => d.MailItems.CountAsync())));
        Assert.Equal(TraceOutcome.Accepted, Assert.Single(await server.TracesAsync()).Trace.Outcome);
    }

    [Theory, BothDatabases]
    public async Task Discarded_for_one_it_is_delivered_to_the_other(DatabaseKind kind)
    {
        await using var server = await StartAsync(kind, (Alice, DispositionKind.Discard));

        Assert.StartsWith(Accepted, await SendAsync(server, Alice, Bob), StringComparison.Ordinal);

        Assert.Equal((0, 1), (await CountAsync(server, Alice, SpecialUse.Inbox), await CountAsync(server, Bob, SpecialUse.Inbox)));
    }

    [Theory, BothDatabases]
    public async Task Rejected_for_all_it_is_refused_with_each_recipients_rule_and_inputs(DatabaseKind kind)
    {
        await using var server = await StartAsync(kind, (Alice, DispositionKind.Reject), (Bob, DispositionKind.Reject));

        Assert.Equal("550 5.7.1 Message refused", await SendAsync(server, Alice, Bob));

        Assert.Equal([(Alice, RecipientOutcome.Refused, "check.Reject"), (Bob, RecipientOutcome.Refused, "check.Reject")], await RowsAsync(server));
        Assert.Equal((0, 0), (await server.ReadAsync(d => d.Messages.CountAsync()), await server.ReadAsync(d => d.QueueEntries.CountAsync())));
        var facts = TraceFacts.Read(Assert.Single(await server.ReadAsync(d => d.TraceEvents.ToListAsync())).Facts);
        Assert.Equal([Alice, Bob], facts.Where(f => f.Inputs.GetValueOrDefault("seen") == "test").Select(f => f.Inputs["recipient"]));
    }

    [Theory, BothDatabases]
    public async Task Rejected_for_one_of_two_that_copy_is_quarantined_and_its_sender_never_hears(DatabaseKind kind)
    {
        await using var server = await StartAsync(kind, (Alice, DispositionKind.Reject));

        Assert.StartsWith(Accepted, await SendAsync(server, Alice, Bob), StringComparison.Ordinal);

        Assert.Equal((0, 1), (await CountAsync(server, Alice, SpecialUse.Inbox), await CountAsync(server, Bob, SpecialUse.Inbox)));
        Assert.Equal(0, await server.ReadAsync(d => d.QueueEntries.CountAsync()));
        var item = Assert.Single(await server.ReadAsync(d => d.QuarantineItems.ToListAsync()));
        Assert.Equal((Alice, QueueKind.Local, true, "check.Reject", DsnNotify.Never), (item.ForwardPath, item.Kind, item.IsRefused, item.Rule, item.Notify));
        Assert.Equal([(Alice, RecipientOutcome.Quarantined, "check.Reject"), (Bob, RecipientOutcome.Delivered, "recipient.mailbox")], await RowsAsync(server));
    }

    [Theory, BothDatabases]
    public async Task Quarantined_for_all_it_is_taken_and_stored_whole(DatabaseKind kind)
    {
        await using var server = await StartAsync(kind, (Alice, DispositionKind.Quarantine), ("sales@portal.test", DispositionKind.Quarantine));

        Assert.StartsWith(Accepted, await SendAsync(server, Alice, "sales@portal.test"), StringComparison.Ordinal);

        var items = await server.ReadAsync(d => d.QuarantineItems.OrderBy(i => i.Id).ToListAsync());
        Assert.Equal([(QueueKind.Local, false, DsnNotify.Failure), (QueueKind.Expand, false, DsnNotify.Failure)], items.Select(i => (i.Kind, i.IsRefused, i.Notify)));
        Assert.All(items, i => Assert.Equal((TestDatabase.Start.AddDays(30), "check.Quarantine"), (i.ExpiresAt, i.Rule)));
        Assert.Single(items.Select(i => i.MessageId).Distinct());
        Assert.Equal((1, 0, 0), (await server.ReadAsync(d => d.Contents.CountAsync()), await server.ReadAsync(d => d.MailItems.CountAsync()), await server.ReadAsync(d => d.QueueEntries.CountAsync())));
        Assert.All(await RowsAsync(server), r => Assert.Equal(RecipientOutcome.Quarantined, r.Item2));
    }

    [Theory, BothDatabases]
    public async Task Held_mail_waits_in_the_queue_until_it_is_released(DatabaseKind kind)
    {
        await using var server = await StartAsync(kind, (Alice, DispositionKind.Hold), ("sales@portal.test", DispositionKind.Hold));

        Assert.StartsWith(Accepted, await SendAsync(server, Alice, "sales@portal.test"), StringComparison.Ordinal);

        var entries = await server.ReadAsync(d => d.QueueEntries.OrderBy(e => e.Id).ToListAsync());
        Assert.Equal([(QueueKind.Local, QueueState.Held), (QueueKind.Expand, QueueState.Held)], entries.Select(e => (e.Kind, e.State)));
        var queue = server.Get<MailQueue>();
        Assert.Empty(await queue.ClaimAsync(QueueEntry.LocalRouteKey, 10, CancellationToken.None));

        Assert.True((await server.Get<QueueService>().ReleaseAsync(Actor.Operator(), QueueSelection.Of(entries[0].Id), CancellationToken.None)).IsDone);
        Assert.Equal(Alice, Assert.Single(await queue.ClaimAsync(QueueEntry.LocalRouteKey, 10, CancellationToken.None)).ForwardPath);
    }

    [Theory, BothDatabases]
    public async Task Put_off_for_one_nobody_gets_it(DatabaseKind kind)
    {
        await using var server = await StartAsync(kind, (Alice, DispositionKind.Defer));

        Assert.Equal("451 4.7.1 Message put off, try again later", await SendAsync(server, Alice, Bob));

        Assert.Equal([(Alice, RecipientOutcome.Deferred, "check.Defer"), (Bob, RecipientOutcome.Deferred, "check.Defer")], await RowsAsync(server));
        Assert.Equal(0, await server.ReadAsync(d => d.Messages.CountAsync()));
    }

    private static Task<SmtpTestServer> StartAsync(DatabaseKind kind, params (string Recipient, DispositionKind Kind)[] verdicts) =>
        SmtpTestServer.StartAsync(kind: kind, configure: services => services.AddSingleton<IMailCheck>(new Check(verdicts.ToDictionary(v => v.Recipient, v => v.Kind))));

    private static async Task<string?> SendAsync(SmtpTestServer server, params string[] recipients)
    {
        var client = server.Connect();
        await client.ReadReplyAsync();
        await client.AskAsync("EHLO client.example.org");
        await client.AskAsync("MAIL FROM:<carol@example.org>");
        foreach (var recipient in recipients) Assert.StartsWith("250", await client.AskAsync($"RCPT TO:<{recipient}> NOTIFY=FAILURE"), StringComparison.Ordinal);
        await client.AskAsync("DATA");
        await client.SendAsync("Subject: x\r\n\r\ny\r\n.\r\n");
        return await client.ReadReplyAsync();
    }

    private static async Task<int> CountAsync(SmtpTestServer server, string address, SpecialUse folder) => (await server.MessagesAsync(address, folder)).Count;

    private static async Task<List<(string, RecipientOutcome, string?)>> RowsAsync(SmtpTestServer server) =>
        Assert.Single(await server.TracesAsync()).Recipients.ConvertAll(r => (r.Recipient, r.Outcome, r.Rule));

    /// <summary>Says what it was told to.</summary>
    private sealed class Check(Dictionary<string, DispositionKind> verdicts) : IMailCheck
    {
        public ValueTask<Verdict?> JudgeAsync(CheckedMail mail, EnvelopeRecipient recipient, CancellationToken cancel) =>
            new(verdicts.TryGetValue(recipient.Address.Folded, out var kind) ? new Verdict(kind, $"check.{kind}", new Dictionary<string, string> { ["seen"] = "test" }) : null);
    }
}
