using System.Text;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Addresses;
using Portal.Core.Messages;
using Portal.Core.Permissions;
using Portal.Core.Trace;
using Portal.Smtp.Receiving;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Smtp.Receiving;

/// <summary>Mail written in the portal goes the way of submission.</summary>
public sealed class SubmitTests
{
    private const string Text = "From: Alice <alice@portal.test>\r\nTo: bob@portal.test\r\nBcc: dave@example.net\r\nSubject: Hello\r\n\r\nHi\r\n";

    [Theory, BothDatabases]
    public async Task One_commit_serves_the_mailbox_the_queue_and_Sent(DatabaseKind kind)
    {
        await using var server = await SmtpTestServer.StartAsync(kind: kind);

        var outcome = await SubmitAsync(server, "alice@portal.test", "alice@portal.test", Text, "bob@portal.test", "dave@example.net");

        Assert.True(outcome.IsDone, outcome.Refusal?.Key);
        var expected = "^Date: .*\r\nMessage-ID: <.*@mx.portal.test>\r\nFrom: Alice <alice@portal.test>\r\nTo: bob@portal.test\r\nSubject: Hello\r\n\r\nHi\r\n$";
        Assert.Matches(expected, Encoding.UTF8.GetString(Assert.Single(await server.MessagesAsync("bob@portal.test", withTraceFields: false))));
        Assert.Matches(expected, Encoding.UTF8.GetString(Assert.Single(await server.MessagesAsync("alice@portal.test", SpecialUse.Sent, withTraceFields: false))));
        Assert.Equal(1, await server.ReadAsync(db => db.Messages.CountAsync()));
        var entry = Assert.Single(await server.ReadAsync(db => db.QueueEntries.ToListAsync()));
        Assert.Equal(("alice@portal.test", "dave@example.net", outcome.Value), (entry.ReversePath, entry.ForwardPath, entry.QueueId));
        var (trace, recipients) = Assert.Single(await server.TracesAsync());
        Assert.Equal((outcome.Value, TraceSource.Portal, TraceOutcome.Accepted), (trace.QueueId, trace.Source, trace.Outcome));
        Assert.Equal([RecipientOutcome.Delivered, RecipientOutcome.Queued], recipients.Select(r => r.Outcome));
        var sent = await server.ReadAsync(db => db.MailItems.SingleAsync(i => i.Flags == MailFlags.Seen));
        Assert.Equal(MailFlags.Seen, sent.Flags);
    }

    [Theory]
    [InlineData("bob@portal.test", "alice@portal.test", "bob@portal.test", "SendFromNotOwned")]
    [InlineData("alice@portal.test", "bob@portal.test", "bob@portal.test", "SendFromNotOwned")]
    [InlineData("alice@portal.test", "alice@portal.test", "nobody@portal.test", "SendRecipientUnknown")]
    [InlineData("alice@portal.test", "alice@portal.test", "dora@portal.test", "SendRecipientDisabled")]
    [InlineData("alice@portal.test", "alice@portal.test", "frank@portal.test", "SendRecipientFull")]
    [InlineData("alice@portal.test", "alice@portal.test", "loop1@portal.test", "SendRecipientLoop")]
    public async Task A_refusal_sends_nothing_to_anybody(string reversePath, string from, string recipient, string key)
    {
        foreach (var kind in Enum.GetValues<DatabaseKind>())
        {
            await using var server = await SmtpTestServer.StartAsync(kind: kind);

            var outcome = await SubmitAsync(server, "alice@portal.test", reversePath, $"From: {from}\r\n\r\nHi\r\n", "admin@portal.test", recipient);

            Assert.Equal((kind, key), (kind, outcome.Refusal?.Key));
            Assert.Equal(0, await server.ReadAsync(db => db.Messages.CountAsync()));
            Assert.Equal(0, await server.ReadAsync(db => db.QueueEntries.CountAsync()));
        }
    }

    [Theory, BothDatabases]
    public async Task Limits_are_those_of_SMTP(DatabaseKind kind)
    {
        await using var server = await SmtpTestServer.StartAsync(new Dictionary<string, string?> { ["Portal:Smtp:MaxMessageSizeBytes"] = "65536", ["Portal:Smtp:MaxRecipients"] = "1" }, kind: kind);
        Task<Portal.Core.Outcome<Guid>> Send(string text, params string[] recipients) => SubmitAsync(server, "alice@portal.test", "alice@portal.test", text, recipients);

        Assert.Equal("SendNoRecipients", (await Send(Text)).Refusal?.Key);
        Assert.Equal("SendTooManyRecipients", (await Send(Text, "bob@portal.test", "admin@portal.test")).Refusal?.Key);
        Assert.Equal("SendTooLarge", (await Send(Text + string.Concat(Enumerable.Repeat("0123456789\r\n", 6000)), "bob@portal.test")).Refusal?.Key);
        Assert.Equal("SendBadContent", (await Send("From: alice@portal.test\r\n\r\nbare\nfeed\r\n", "bob@portal.test")).Refusal?.Key);
        Assert.IsType<Portal.Core.NotPermitted>((await SubmitAsync(server, null, "alice@portal.test", Text, "bob@portal.test")).Refusal);
    }

    [Theory]
    [InlineData(256 * 1024, "SendHeaderTooLarge")]
    [InlineData(256 * 1024 - 200, "SendFromNotOwned")]
    [InlineData(256 * 1024 + 1, "SendHeaderTooLarge")]
    public async Task A_second_From_at_the_very_end_of_the_largest_header_is_seen_or_refused(int headerBytes, string key)
    {
        const string First = "From: alice@portal.test\r\n", Second = "From: bob@portal.test\r\n\r\n";
        var fill = string.Concat(Enumerable.Repeat($"X-Fill: {new string('x', 990)}\r\n", (headerBytes - 5_000) / 1_000));
        fill += $"X-Last: {new string('x', headerBytes - First.Length - fill.Length - Second.Length - 10)}\r\n";
        var text = First + fill + Second + "Hi\r\n";
        Assert.Equal(headerBytes, text.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4);
        await using var server = await SmtpTestServer.StartAsync();

        var outcome = await SubmitAsync(server, "alice@portal.test", "alice@portal.test", text, "bob@portal.test");

        Assert.Equal(key, outcome.Refusal?.Key);
        Assert.Empty(await server.MessagesAsync("bob@portal.test"));
    }

    private static async Task<Portal.Core.Outcome<Guid>> SubmitAsync(SmtpTestServer server, string? login, string reversePath, string text, params string[] recipients)
    {
        var account = login is null ? Guid.Empty : await server.ReadAsync(db => db.Accounts.Where(a => a.UserName == login).Select(a => a.Id).SingleAsync());
        var actor = login is null ? Actor.Visitor(null) : Actor.ForAccount(account, login, [new HeldRole(Role.User, Scope.Everything)], Channel.Portal, null);
        var mail = new ComposedMail(MailAddress.Parse(reversePath), [.. recipients.Select(MailAddress.Parse)], new MemoryStream(Encoding.UTF8.GetBytes(text)));
        return await server.Get<MessageReceiver>().SubmitAsync(actor, mail, CancellationToken.None);
    }
}
