using System.Text;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Accounts;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Core.Trace;
using Portal.Smtp.Server;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Smtp;

/// <summary>A reset or a disable ends what the account has running, wherever it stands (DESIGN §6).</summary>
public sealed class AccountEndedTests
{
    private const string Mail = "From: alice@portal.test\r\n\r\nHi\r\n";

    [Theory, BothDatabases]
    public async Task A_reset_ends_the_session_at_the_next_MAIL(DatabaseKind kind)
    {
        await using var server = await SmtpTestServer.StartAsync(kind: kind);
        var client = await SignInAsync(server);

        await ResetAsync(server);

        Assert.StartsWith("421 4.7.0 Authentication", await client.AskAsync("MAIL FROM:<alice@portal.test>"), StringComparison.Ordinal);
        Assert.Null(await client.ReadReplyAsync());
        var (trace, recipients) = Assert.Single(await server.TracesAsync());
        Assert.Equal((TraceOutcome.Deferred, "sender.accountEnded"), (trace.Outcome, trace.Rule));
        Assert.Empty(recipients);
    }

    [Theory]
    [InlineData(DatabaseKind.Sqlite, false)]
    [InlineData(DatabaseKind.Sqlite, true)]
    [InlineData(DatabaseKind.Postgres, false)]
    [InlineData(DatabaseKind.Postgres, true)]
    public async Task Sessions_ended_by_their_owner_or_by_an_administrator_end_at_the_next_MAIL_and_the_password_still_works(DatabaseKind kind, bool byOwner)
    {
        await using var server = await SmtpTestServer.StartAsync(kind: kind);
        var client = await SignInAsync(server);
        var other = await SignInAsync(server, "bob");
        var account = await server.ReadAsync(db => db.Accounts.Where(a => a.UserName == "alice@portal.test").Select(a => a.Id).SingleAsync());
        var actor = byOwner ? Actor.ForAccount(account, "alice@portal.test", [new HeldRole(Role.User, Scope.Everything)], Channel.Portal, null) : Actor.Operator();

        Assert.True((await server.Get<AccountService>().SignOutEverywhereAsync(actor, account, CancellationToken.None)).IsDone);

        Assert.StartsWith("421 4.7.0 Authentication", await client.AskAsync("MAIL FROM:<alice@portal.test>"), StringComparison.Ordinal);
        Assert.Null(await client.ReadReplyAsync());
        Assert.StartsWith("250", await other.AskAsync("MAIL FROM:<bob@portal.test>"), StringComparison.Ordinal);   // somebody else's goes on
        Assert.StartsWith("250", await (await SignInAsync(server)).AskAsync("MAIL FROM:<alice@portal.test>"), StringComparison.Ordinal);
    }

    [Theory, BothDatabases]
    public async Task A_reset_ends_a_transaction_before_DATA(DatabaseKind kind)
    {
        await using var server = await SmtpTestServer.StartAsync(kind: kind);
        var client = await BeginAsync(server);

        await ResetAsync(server);

        Assert.StartsWith("421 4.7.0", await client.AskAsync("DATA"), StringComparison.Ordinal);
        await ExpectNothingTakenAsync(server, client);
    }

    [Theory, BothDatabases]
    public async Task A_disable_while_the_text_flows_takes_nothing(DatabaseKind kind)
    {
        await using var server = await SmtpTestServer.StartAsync(kind: kind);
        var client = await BeginAsync(server);
        Assert.StartsWith("354", await client.AskAsync("DATA"), StringComparison.Ordinal);
        await client.SendAsync(Mail);

        await DisableAsync(server);

        Assert.StartsWith("421 4.7.0", await client.AskAsync("."), StringComparison.Ordinal);
        await ExpectNothingTakenAsync(server, client);
    }

    [Theory, BothDatabases]
    public async Task A_disable_between_two_chunks_takes_nothing(DatabaseKind kind)
    {
        await using var server = await SmtpTestServer.StartAsync(kind: kind);
        var client = await BeginAsync(server);
        Assert.StartsWith("250", await client.AskAsync($"BDAT {Mail.Length}\r\n{Mail[..^2]}"), StringComparison.Ordinal);

        await DisableAsync(server);

        Assert.StartsWith("421 4.7.0", await client.AskAsync("BDAT 6 LAST\r\nQUIT"), StringComparison.Ordinal);
        await ExpectNothingTakenAsync(server, client);
    }

    private static async Task ExpectNothingTakenAsync(SmtpTestServer server, SmtpTestClient client)
    {
        Assert.Null(await client.ReadReplyAsync());
        Assert.Empty(await server.MessagesAsync("bob@portal.test"));
        var (trace, recipients) = Assert.Single(await server.TracesAsync());
        Assert.Equal((TraceOutcome.Deferred, "sender.accountEnded"), (trace.Outcome, trace.Rule));
        Assert.Equal(("bob@portal.test", RecipientOutcome.Deferred), (Assert.Single(recipients).Recipient, recipients[0].Outcome));
    }

    private static async Task<SmtpTestClient> SignInAsync(SmtpTestServer server, string name = "alice")
    {
        var client = server.Connect(SmtpListenerKind.Submissions);
        await client.StartTlsAsync();
        await client.ReadReplyAsync();
        await client.AskAsync("EHLO client.example.org");
        var credentials = Convert.ToBase64String(Encoding.UTF8.GetBytes($"\0{name}@portal.test\0{SmtpTestServer.Password}"));
        Assert.StartsWith("235", await client.AskAsync($"AUTH PLAIN {credentials}"), StringComparison.Ordinal);
        return client;
    }

    private static async Task<SmtpTestClient> BeginAsync(SmtpTestServer server)
    {
        var client = await SignInAsync(server);
        Assert.StartsWith("250", await client.AskAsync("MAIL FROM:<alice@portal.test>"), StringComparison.Ordinal);
        Assert.StartsWith("250", await client.AskAsync("RCPT TO:<bob@portal.test>"), StringComparison.Ordinal);
        return client;
    }

    private static async Task ResetAsync(SmtpTestServer server)
    {
        var account = await server.ReadAsync(db => db.Accounts.Where(a => a.UserName == "alice@portal.test").Select(a => a.Id).SingleAsync());
        Assert.True((await server.Get<AccountService>().ResetPasswordAsync(Actor.Operator(), account, asLink: false, CancellationToken.None)).IsDone);
    }

    private static async Task DisableAsync(SmtpTestServer server)
    {
        var mailbox = await server.ReadAsync(db => db.Mailboxes.Where(m => m.PrimaryAddress == "alice@portal.test").Select(m => m.Id).SingleAsync());
        Assert.True((await server.Get<MailboxService>().DisableAsync(Actor.Operator(), mailbox, CancellationToken.None)).IsDone);
    }
}
