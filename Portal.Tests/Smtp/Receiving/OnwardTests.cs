using System.Globalization;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Addresses;
using Portal.Core.Domains;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Core.Queue;
using Portal.Core.Recipients;
using Portal.Core.Trace;
using Portal.Smtp.Receiving;
using Portal.Tests.Fixtures;
using Portal.Tests.Smtp.Delivery;

namespace Portal.Tests.Smtp.Receiving;

/// <summary>Mail for domains whose mailboxes are elsewhere, all or some: who is taken, who is refused, and what goes on.</summary>
public sealed class OnwardTests
{
    private const string Alice = "alice@portal.test";

    [Theory, BothDatabases]
    public async Task What_is_unknown_in_a_shared_domain_goes_on_unchanged_if_the_other_host_takes_it(DatabaseKind kind)
    {
        await using var world = await World.StartAsync(kind, DomainKind.Shared);

        Assert.StartsWith("250 2.0.0 Queued", await world.SendAsync("Carol@Portal.test"), StringComparison.Ordinal);

        var entry = Assert.Single(await world.Server.ReadAsync(db => db.QueueEntries.ToListAsync()));
        Assert.Equal((QueueKind.Relay, "Carol@portal.test", "sender@example.org", world.RouteKey), (entry.Kind, entry.ForwardPath, entry.ReversePath, entry.RouteKey));
        Assert.Null(entry.ForwardedBy);   // it is no forwarding: the reverse-path stays its sender's
        Assert.Contains("RCPT TO:<Carol@portal.test>", world.Commands);
        Assert.Contains("MAIL FROM:<>", world.Commands.Select(c => c.Split(" SIZE")[0]));
        Assert.Empty(world.Peer.Mails);
        Assert.Equal(("recipient.goesOn", RecipientOutcome.Queued), (await world.Server.TracesAsync()).Select(t => t.Recipients[0]).Select(r => (r.Rule, r.Outcome)).Single());
    }

    [Theory, BothDatabases]
    public async Task Who_has_a_mailbox_here_is_never_asked_for(DatabaseKind kind)
    {
        await using var world = await World.StartAsync(kind, DomainKind.Shared);

        Assert.StartsWith("250 2.0.0 Queued", await world.SendAsync(Alice), StringComparison.Ordinal);

        Assert.Single(await world.Server.MessagesAsync(Alice));
        Assert.Equal(0, world.Peer.Connections);
    }

    [Theory]
    [BothDatabases("550 5.1.1 No such user", "550 5.1.1", "recipient.refusedOnward")]
    [BothDatabases("550 unknown", "550 5.1.1", "recipient.refusedOnward")]
    [BothDatabases("550 5.4.1 Recipient address rejected: Access denied", "550 5.1.1", "recipient.refusedOnward")]
    [BothDatabases("550 5.2.1 disabled", "550 5.1.1", "recipient.refusedOnward")]
    [BothDatabases("550 5.7.1 your address is listed", "451 4.4.1", "recipient.onwardSilent")]
    [BothDatabases("552 5.2.2 full", "451 4.4.1", "recipient.onwardSilent")]
    [BothDatabases("450 4.2.0 greylisted", "451 4.4.1", "recipient.onwardSilent")]
    [BothDatabases("421 4.3.2 going down", "451 4.4.1", "recipient.onwardSilent")]
    public async Task Only_what_is_said_about_the_mailbox_is_a_no(DatabaseKind kind, string said, string heard, string rule)
    {
        await using var world = await World.StartAsync(kind, DomainKind.Relayed);
        world.Peer.OnRecipient = _ => said;

        Assert.StartsWith(heard, await world.SendAsync("carol@backup.test"), StringComparison.Ordinal);

        var refused = (await world.Server.TracesAsync()).Single().Recipients.Single();
        Assert.Equal(rule, refused.Rule);
    }

    [Theory, BothDatabases]
    public async Task A_refusal_of_the_null_sender_says_nothing_about_the_mailbox(DatabaseKind kind)
    {
        await using var world = await World.StartAsync(kind, DomainKind.Relayed);
        world.Peer.OnSender = _ => "550 5.1.8 no null senders";

        Assert.StartsWith("451 4.4.1", await world.SendAsync("carol@backup.test"), StringComparison.Ordinal);
    }

    [Theory, BothDatabases]
    public async Task A_dead_host_puts_strangers_off_but_not_whom_it_has_confirmed(DatabaseKind kind)
    {
        await using var world = await World.StartAsync(kind, DomainKind.Relayed);
        world.Peer.OnRecipient = line => line.Contains("carol", StringComparison.Ordinal) ? null : "550 5.1.1 who?";   // else its yes would prove nothing
        Assert.StartsWith("250", await world.SendAsync("carol@backup.test"), StringComparison.Ordinal);
        await world.Peer.DisposeAsync();
        world.Server.Clock.Advance(TimeSpan.FromDays(2));

        Assert.StartsWith("250", await world.SendAsync("carol@backup.test"), StringComparison.Ordinal);
        Assert.StartsWith("451 4.4.1", await world.SendAsync("dave@backup.test"), StringComparison.Ordinal);
        Assert.Equal(2, await world.Server.ReadAsync(db => db.QueueEntries.CountAsync()));
    }

    [Theory, BothDatabases]
    public async Task Our_own_people_are_taken_without_asking(DatabaseKind kind)
    {
        await using var world = await World.StartAsync(kind, DomainKind.Relayed);
        await world.Peer.DisposeAsync();
        var account = await world.Server.ReadAsync(db => db.Accounts.Where(a => a.UserName == Alice).Select(a => a.Id).SingleAsync());
        var actor = Actor.ForAccount(account, Alice, [new HeldRole(Role.User, Scope.Everything)], Channel.Portal, null);

        var sent = await world.Server.Get<MessageReceiver>().SubmitAsync(
            actor, new ComposedMail(MailAddress.Parse(Alice), [MailAddress.Parse("carol@backup.test")], new MemoryStream(Encoding.UTF8.GetBytes($"From: {Alice}\r\n\r\nHi\r\n"))), CancellationToken.None);

        Assert.True(sent.IsDone, sent.Refusal?.Key);
        Assert.Equal(world.RouteKey, Assert.Single(await world.Server.ReadAsync(db => db.QueueEntries.ToListAsync())).RouteKey);
    }

    [Theory, BothDatabases]
    public async Task An_address_that_hides_another_is_not_passed_on_to_a_host_that_might_believe_it(DatabaseKind kind)
    {
        await using var world = await World.StartAsync(kind, DomainKind.Relayed);

        Assert.StartsWith("550 5.7.1", await world.SendAsync("victim%elsewhere.example@backup.test"), StringComparison.Ordinal);
        Assert.Equal(0, world.Peer.Connections);
    }

    [Theory, BothDatabases]
    public async Task A_list_answers_without_the_host(DatabaseKind kind)
    {
        await using var world = await World.StartAsync(kind, DomainKind.Relayed, RecipientCheck.Listed);
        await world.Server.Get<OnwardRecipientService>().AddAsync(Actor.Operator(), world.DomainId, ["carol"], CancellationToken.None);

        Assert.StartsWith("250", await world.SendAsync("carol+x@backup.test"), StringComparison.Ordinal);
        Assert.StartsWith("250", await world.SendAsync("postmaster@backup.test"), StringComparison.Ordinal);
        Assert.StartsWith("550 5.1.1", await world.SendAsync("dave@backup.test"), StringComparison.Ordinal);
        Assert.Equal(0, world.Peer.Connections);
    }

    [Theory, BothDatabases]
    public async Task The_names_of_an_alias_domain_go_on_under_it(DatabaseKind kind)
    {
        await using var world = await World.StartAsync(kind, DomainKind.Relayed);
        await world.Server.Get<DomainService>().CreateAsync(Actor.Operator(), "alias.test", world.DomainId, null, CancellationToken.None);

        Assert.StartsWith("250", await world.SendAsync("carol@alias.test"), StringComparison.Ordinal);

        var entry = Assert.Single(await world.Server.ReadAsync(db => db.QueueEntries.ToListAsync()));
        Assert.Equal(("carol@alias.test", world.RouteKey), (entry.ForwardPath, entry.RouteKey));
        Assert.Contains("RCPT TO:<carol@alias.test>", world.Commands);
    }

    [Theory, BothDatabases]
    public async Task What_comes_back_to_a_path_that_hides_a_name_of_the_other_host_goes_to_that_name(DatabaseKind kind)
    {
        await using var world = await World.StartAsync(kind, DomainKind.Relayed);
        var path = world.Server.Get<SenderRewriting>().Rewrite(MailAddress.Parse("carol@backup.test"), MailAddress.Parse("sales@portal.test").Domain)!;

        Assert.StartsWith("250", await world.SendAsync(path.ToString(), from: ""), StringComparison.Ordinal);

        var entry = Assert.Single(await world.Server.ReadAsync(db => db.QueueEntries.ToListAsync()));
        Assert.Equal(("carol@backup.test", world.RouteKey), (entry.ForwardPath, entry.RouteKey));
        Assert.Equal(0, world.Peer.Connections);
    }

    [Theory, BothDatabases]
    public async Task Who_was_deleted_here_may_be_at_the_other_host_of_a_shared_domain(DatabaseKind kind)
    {
        await using var world = await World.StartAsync(kind, DomainKind.Shared);
        var bob = await world.Server.ReadAsync(db => db.Mailboxes.Where(m => m.PrimaryAddress == "bob@portal.test").Select(m => m.Id).SingleAsync());
        Assert.True((await world.Server.Get<MailboxService>().DeleteAsync(Actor.Operator(), bob, CancellationToken.None)).IsDone);

        Assert.StartsWith("250", await world.SendAsync("bob@portal.test"), StringComparison.Ordinal);
        Assert.Equal("bob@portal.test", Assert.Single(await world.Server.ReadAsync(db => db.QueueEntries.ToListAsync())).ForwardPath);
    }

    [Theory, BothDatabases]
    public async Task A_relayed_domain_without_a_host_goes_to_the_servers_its_MX_prefers_to_us(DatabaseKind kind)
    {
        await using var world = await World.StartAsync(kind, DomainKind.Relayed, host: false);
        world.Server.Dns.Mx("backup.test", (10, "mx1.backup.test"), (20, "mx.portal.test")).Host("mx1.backup.test", "127.0.0.1");

        Assert.StartsWith("250", await world.SendAsync("carol@backup.test"), StringComparison.Ordinal);
        Assert.Equal("backup.test", Assert.Single(await world.Server.ReadAsync(db => db.QueueEntries.ToListAsync())).RouteKey);
        Assert.Equal(1, world.Peer.Connections);
    }

    /// <summary>A server with a domain whose mail goes on to a peer.</summary>
    private sealed class World : IAsyncDisposable
    {
        public SmtpTestServer Server { get; private init; } = null!;

        public RecordingPeer Peer { get; }

        public Guid DomainId { get; private set; }

        public List<string> Commands { get; } = [];

        public string RouteKey { get; }

        public static async Task<World> StartAsync(DatabaseKind kind, DomainKind domainKind, RecipientCheck check = RecipientCheck.Asked, bool host = true)
        {
            var peer = new RecordingPeer();
            var world = new World(peer)
            {
                Server = await SmtpTestServer.StartAsync(new Dictionary<string, string?> { ["Portal:Delivery:Port"] = peer.Port.ToString(CultureInfo.InvariantCulture), ["Portal:Delivery:AllowLoopback"] = "true" }, kind: kind),
            };
            peer.OnCommand = command =>
            {
                world.Commands.Add(command);
                return Task.CompletedTask;
            };
            var onward = new Onward { Kind = domainKind, Host = host ? "127.0.0.1" : null, Port = peer.Port, Tls = RouteTls.None, Check = check };
            if (domainKind == DomainKind.Shared)
            {
                world.DomainId = await world.Server.ReadAsync(db => db.Domains.Where(d => d.Name == "portal.test").Select(d => d.Id).SingleAsync());
                Assert.True((await world.Server.Get<OnwardService>().SetAsync(Actor.Operator(), world.DomainId, 0, onward, CancellationToken.None)).IsDone);
            }
            else world.DomainId = (await world.Server.Get<DomainService>().CreateAsync(Actor.Operator(), "backup.test", null, null, onward, CancellationToken.None)).Value;

            return world;
        }

        private World(RecordingPeer peer) => (Peer, RouteKey) = (peer, string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{peer.Port}"));

        /// <summary>Sends from outside; what RCPT heard when it was refused, else what came after the content.</summary>
        public async Task<string> SendAsync(string recipient, string from = "sender@example.org")
        {
            var client = Server.Connect();
            await client.ReadReplyAsync();
            await client.AskAsync("EHLO client.example.org");
            await client.AskAsync($"MAIL FROM:<{from}>");
            var heard = await client.AskAsync($"RCPT TO:<{recipient}>") ?? "";
            if (heard.StartsWith("250", StringComparison.Ordinal))
            {
                await client.AskAsync("DATA");
                await client.SendAsync("From: sender@example.org\r\nSubject: x\r\n\r\ny\r\n.\r\n");
                heard = await client.ReadReplyAsync() ?? "";
            }

            await client.AskAsync("RSET");   // ends the transaction: the trace is told
            return heard;
        }

        public async ValueTask DisposeAsync()
        {
            await Server.DisposeAsync();
            await Peer.DisposeAsync();
        }
    }
}
