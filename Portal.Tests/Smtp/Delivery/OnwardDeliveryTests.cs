using Microsoft.EntityFrameworkCore;
using Portal.Core.Addresses;
using Portal.Core.Domains;
using Portal.Core.Permissions;
using Portal.Core.Queue;
using Portal.Core.Trace;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Smtp.Delivery;

/// <summary>Mail that waits while mailboxes move between this system and another host.</summary>
public sealed class OnwardDeliveryTests
{
    private const string Sender = "sender@example.org";

    [Theory, BothDatabases]
    public async Task Mail_for_a_shared_domain_reaches_its_other_host(DatabaseKind kind)
    {
        await using var bench = await DeliveryBench.PrepareAsync(kind);
        await SetAsync(bench, DomainKind.Shared);
        var id = await bench.SubmitAsync(Sender, ["carol@portal.test"]);

        await bench.RunAsync();
        await bench.QueueIsEmptyAsync();

        var mail = Assert.Single(bench.Peer.Mails);
        Assert.Equal(("RCPT TO:<carol@portal.test>", "127.0.0.4"), (Assert.Single(mail.Recipients), mail.Address));
        Assert.StartsWith($"MAIL FROM:<{Sender}>", mail.Mail, StringComparison.Ordinal);
        Assert.Equal(RecipientOutcome.Relayed, await bench.OutcomeAsync(id));
    }

    [Theory, BothDatabases]
    public async Task Who_moves_here_while_mail_waits_for_the_other_host_gets_it_here(DatabaseKind kind)
    {
        await using var bench = await DeliveryBench.PrepareAsync(kind);
        await SetAsync(bench, DomainKind.Shared);
        bench.Peer.OnRecipient = _ => "450 4.2.0 later";
        var id = await bench.SubmitAsync(Sender, ["carol@portal.test"]);
        await bench.RunAsync();
        var waiting = await bench.DeferredAsync(1);

        await bench.Database.AddMailboxAsync("carol@portal.test");
        bench.MoveTo(waiting.NextAttemptAt);
        await bench.QueueIsEmptyAsync();

        Assert.Single(await bench.InboxAsync("carol@portal.test"));
        Assert.Empty(bench.Peer.Mails);
        Assert.Equal(RecipientOutcome.Delivered, await bench.OutcomeAsync(id));
    }

    [Theory, BothDatabases]
    public async Task Mail_that_waits_for_elsewhere_stays_when_the_domain_becomes_ours(DatabaseKind kind)
    {
        await using var bench = await DeliveryBench.StartAsync(kind);
        bench.Dns.MailTo("moved.test");
        bench.Peer.OnRecipient = _ => "450 4.2.0 later";
        await bench.SubmitAsync(Sender, ["carol@moved.test"]);
        var waiting = await bench.DeferredAsync(1);

        await bench.Database.AddDomainAsync("moved.test");
        await bench.Database.AddMailboxAsync("carol@moved.test");
        bench.MoveTo(waiting.NextAttemptAt);
        await bench.QueueIsEmptyAsync();

        Assert.Single(await bench.InboxAsync("carol@moved.test"));
    }

    [Theory, BothDatabases]
    public async Task Mail_that_waits_here_goes_on_when_its_address_is_the_other_hosts_by_now(DatabaseKind kind)
    {
        await using var bench = await DeliveryBench.PrepareAsync(kind);
        var id = await bench.SubmitAsync(Sender, ["carol@portal.test"], with: e => new QueueEntry
        {
            QueueId = e.QueueId,
            Kind = QueueKind.Local,
            ReversePath = e.ReversePath,
            ForwardPath = e.ForwardPath,
            RouteKey = QueueEntry.LocalRouteKey,
            CreatedAt = e.CreatedAt,
            NextAttemptAt = e.NextAttemptAt,
            ExpiresAt = e.ExpiresAt,
            SizeBytes = e.SizeBytes,
        });
        await SetAsync(bench, DomainKind.Shared);

        await bench.RunAsync();
        await bench.QueueIsEmptyAsync();

        Assert.Equal("RCPT TO:<carol@portal.test> NOTIFY=NEVER", Assert.Single(Assert.Single(bench.Peer.Mails).Recipients));   // its sender may be forged: no bounce
        Assert.Equal(RecipientOutcome.Relayed, await bench.OutcomeAsync(id));
    }

    private static async Task SetAsync(DeliveryBench bench, DomainKind kind)
    {
        var domain = await bench.Database.ReadAsync(db => db.Domains.SingleAsync(d => d.Name == "portal.test"));
        var onward = new Onward { Kind = kind, Host = "127.0.0.4", Port = bench.Peer.Port, Tls = RouteTls.None };
        Assert.True((await bench.Database.Get<OnwardService>().SetAsync(Actor.Operator(), domain.Id, domain.Version, onward, CancellationToken.None)).IsDone);
    }
}
