using System.Text;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Addresses;
using Portal.Core.Permissions;
using Portal.Core.Queue;
using Portal.Smtp.Receiving;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Smtp.Receiving;

/// <summary>Mail to addresses of ours that only forward.</summary>
public sealed class ForwardTests
{
    [Theory, BothDatabases]
    public async Task A_strangers_mail_goes_on_without_reports_to_who_may_be_forged(DatabaseKind kind)
    {
        await using var server = await SmtpTestServer.StartAsync(kind: kind);
        var client = server.Connect();
        await client.ReadReplyAsync();
        await client.AskAsync("EHLO client.example.org");
        await client.AskAsync("MAIL FROM:<carol@example.org> RET=FULL");
        await client.AskAsync("RCPT TO:<away@portal.test> NOTIFY=SUCCESS,FAILURE,DELAY");
        await client.AskAsync("DATA");
        await client.SendAsync("Subject: x\r\n\r\ny\r\n.\r\n");
        Assert.StartsWith("250 2.0.0 Queued", await client.ReadReplyAsync(), StringComparison.Ordinal);

        var entry = Assert.Single(await server.ReadAsync(db => db.QueueEntries.ToListAsync()));

        Assert.Equal(("carol@example.org", "partner@example.net", DsnNotify.Never, DsnReturn.Headers), (entry.ReversePath, entry.ForwardPath, entry.Notify, entry.Return));
    }

    [Theory, BothDatabases]
    public async Task Our_own_peoples_mail_keeps_its_reports(DatabaseKind kind)
    {
        await using var server = await SmtpTestServer.StartAsync(kind: kind);
        const string Alice = "alice@portal.test";
        var account = await server.ReadAsync(db => db.Accounts.Where(a => a.UserName == Alice).Select(a => a.Id).SingleAsync());
        var actor = Actor.ForAccount(account, Alice, [new HeldRole(Role.User, Scope.Everything)], Channel.Portal, null);
        var text = $"From: {Alice}\r\n\r\nHi\r\n";

        var sent = await server.Get<MessageReceiver>().SubmitAsync(actor, new ComposedMail(MailAddress.Parse(Alice), [MailAddress.Parse("away@portal.test")], new MemoryStream(Encoding.UTF8.GetBytes(text))), CancellationToken.None);

        Assert.True(sent.IsDone, sent.Refusal?.Key);
        var entry = Assert.Single(await server.ReadAsync(db => db.QueueEntries.ToListAsync()));
        Assert.Equal((DsnNotify.Default, DsnReturn.Default), (entry.Notify, entry.Return));
    }
}
