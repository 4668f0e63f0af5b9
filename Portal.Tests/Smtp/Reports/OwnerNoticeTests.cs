using System.Text;
using Microsoft.EntityFrameworkCore;
using MimeKit;
using Portal.Core;
using Portal.Core.Accounts;
using Portal.Core.Alerts;
using Portal.Core.Messages;
using Portal.Core.Permissions;
using Portal.Core.Trace;
using Portal.Smtp.Reports;
using Portal.Tests.Fixtures;
using Portal.Tests.Smtp.Delivery;

namespace Portal.Tests.Smtp.Reports;

/// <summary>What somebody is told by mail about their own account and mailbox (ASVS 2.2.3).</summary>
public sealed class OwnerNoticeTests
{
    private const string Alice = "alice@portal.test";
    private const string Password = "seven green apples";
    private static readonly Actor Helpdesk = Actor.ForAccount(Guid.NewGuid(), "hanna@portal.test", [new HeldRole(Role.Helpdesk, Scope.Everything)], Channel.Portal, "192.0.2.7");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, BothDatabases]
    public async Task Who_gets_a_new_password_from_others_finds_one_mail_that_says_when_and_in_which_role(DatabaseKind kind)
    {
        await using var bench = await DeliveryBench.PrepareAsync(kind);
        var alice = await AccountOfAsync(bench);
        await bench.Database.WriteAsync(db => db.Mailboxes.Single(m => m.AccountId == alice).QuotaOverrideBytes = 1);

        Assert.True((await bench.Database.Get<AccountService>().ResetPasswordAsync(Helpdesk, alice, asLink: false, Cancel)).IsDone);
        await bench.StartWriterAsync();
        var sender = bench.Database.Get<NoticeSender>();
        await Task.WhenAll(sender.RunPendingAsync(Cancel), sender.RunPendingAsync(Cancel));   // as two nodes do

        var text = Assert.Single(await bench.InboxAsync(Alice));
        Assert.StartsWith("Return-Path: <>\r\n", text, StringComparison.Ordinal);
        var mail = Read(text);
        Assert.Equal("auto-generated", mail.Headers[HeaderId.AutoSubmitted]);
        Assert.Equal("Your password was reset / 您的密码已被重置", mail.Subject);
        Assert.Equal(Alice, mail.To.Mailboxes.Single().Address);
        Assert.Contains("On 2026-11-24 09:00 (UTC) the helpdesk gave alice@portal.test a new password.", mail.TextBody, StringComparison.Ordinal);
        Assert.Contains("服务台", mail.TextBody, StringComparison.Ordinal);
        Assert.DoesNotContain("hanna", text, StringComparison.Ordinal);
        Assert.Equal(0, await PendingAsync(bench));
        var trace = await bench.Database.ReadAsync(db => db.Traces.AsNoTracking().SingleAsync());
        Assert.Equal((TraceSource.Notice, "", "notice.made"), (trace.Source, trace.ReversePath, trace.Rule));
    }

    [Theory]
    [BothDatabases(OwnerNoticeKind.PasswordChanged)]
    [BothDatabases(OwnerNoticeKind.PasswordLink)]
    [BothDatabases(OwnerNoticeKind.PasswordChosen)]
    public async Task Every_way_to_another_password_is_told_in_the_owner_s_language_and_time(DatabaseKind kind, OwnerNoticeKind way)
    {
        await using var bench = await DeliveryBench.PrepareAsync(kind);
        var (alice, service) = (await AccountOfAsync(bench), bench.Database.Get<AccountService>());
        var own = Actor.ForAccount(alice, Alice, [new HeldRole(Role.User, Scope.Everything)], Channel.Portal, "192.0.2.7");
        Assert.True((await service.ChangeProfileAsync(own, new ProfileChange("Alice", "zh-Hans", "Asia/Shanghai", ColourScheme.System), Cancel)).IsDone);
        var link = (await service.ResetPasswordAsync(Actor.Operator(), alice, asLink: true, Cancel)).Value.LinkToken!;
        if (way != OwnerNoticeKind.PasswordLink) Assert.True((await service.RedeemFirstPasswordAsync(link, Password, null, Cancel)).IsDone);
        if (way == OwnerNoticeKind.PasswordChanged) Assert.True((await service.ChangeOwnPasswordAsync(own, Password, "nine green apples", Cancel)).IsDone);

        await bench.StartWriterAsync();
        await bench.Database.Get<NoticeSender>().RunPendingAsync(Cancel);

        var mail = Read((await bench.InboxAsync(Alice))[^1]);
        var (subject, sentence) = way switch
        {
            OwnerNoticeKind.PasswordLink => ("您的密码已失效", "2026-11-24 17:00 (Asia/Shanghai)，服务器操作员停用了 alice@portal.test 的密码"),
            OwnerNoticeKind.PasswordChosen => ("您的账户已设置密码", "alice@portal.test 的密码已通过专用链接设置"),
            _ => ("您的密码已更改", "有人使用原密码更改了"),
        };
        Assert.Equal(subject, mail.Subject);
        Assert.Contains(sentence, mail.TextBody, StringComparison.Ordinal);
        Assert.DoesNotContain("mail system", mail.TextBody, StringComparison.Ordinal);
    }

    [Theory, BothDatabases]
    public async Task A_notice_that_could_not_be_stored_is_written_later_and_once(DatabaseKind kind)
    {
        await using var bench = await DeliveryBench.PrepareAsync(kind);
        Assert.True((await bench.Database.Get<AccountService>().ResetPasswordAsync(Helpdesk, await AccountOfAsync(bench), asLink: false, Cancel)).IsDone);
        await bench.StartWriterAsync();
        var (sender, writer) = (bench.Database.Get<NoticeSender>(), bench.Database.Get<MailWriter>());
        writer.Fault = (point, _) => { if (point == CommitPoint.BeforeCommit) throw new InvalidOperationException("broken here"); };

        await sender.RunPendingAsync(Cancel);
        Assert.Equal((0, 1), ((await bench.InboxAsync(Alice)).Count, await PendingAsync(bench)));

        writer.Fault = null;
        await sender.RunPendingAsync(Cancel);
        await sender.RunPendingAsync(Cancel);
        Assert.Equal((1, 0), ((await bench.InboxAsync(Alice)).Count, await PendingAsync(bench)));
    }

    [Theory, BothDatabases]
    public async Task What_was_refused_is_told_to_nobody(DatabaseKind kind)
    {
        await using var bench = await DeliveryBench.PrepareAsync(kind);
        var boss = (await bench.Database.AddMailboxAsync("boss@portal.test", null, Role.Administrator)).AccountId;

        Assert.IsType<NotPermitted>((await bench.Database.Get<AccountService>().ResetPasswordAsync(Helpdesk, boss, asLink: true, Cancel)).Refusal);

        Assert.Equal(0, await PendingAsync(bench));
    }

    [Fact]
    public void A_quota_notice_says_how_much_is_held_and_of_what()
    {
        var notice = new OwnerNotice { MailboxId = Guid.NewGuid(), Kind = OwnerNoticeKind.Quota, At = TestDatabase.Start, UsedBytes = 980L << 20, QuotaBytes = 1L << 30 };

        var mail = Read(Encoding.UTF8.GetString(NoticeWriter.Write(new PendingNotice(notice, Alice, "en", null), Guid.NewGuid(), TestDatabase.Start, "mx.portal.test")));

        Assert.Equal("Your mailbox is 95 % full", mail.Subject);
        Assert.Contains("alice@portal.test held 980 MB of 1 GB on 2026-11-24 09:00 (UTC).", mail.TextBody, StringComparison.Ordinal);
        Assert.Equal("MAILER-DAEMON@mx.portal.test", mail.From.Mailboxes.Single().Address);
    }

    [Fact]
    public void Every_kind_and_role_has_its_words()
    {
        foreach (var kind in Enum.GetValues<OwnerNoticeKind>())
        {
            foreach (var by in new[] { nameof(Role.Administrator), nameof(Role.Helpdesk), OwnerNotice.OperatorRole })
            {
                var notice = new OwnerNotice { MailboxId = Guid.NewGuid(), Kind = kind, At = TestDatabase.Start, By = by, UsedBytes = 1, QuotaBytes = 1 };
                Assert.NotEmpty(NoticeWriter.Write(new PendingNotice(notice, "ünï@portal.test", null, null), Guid.NewGuid(), TestDatabase.Start, "mx.portal.test"));
            }
        }
    }

    private static MimeMessage Read(string text) => MimeMessage.Load(new MemoryStream(Encoding.UTF8.GetBytes(text)));

    private static Task<Guid> AccountOfAsync(DeliveryBench bench) => bench.Database.ReadAsync(db => db.Accounts.Where(a => a.UserName == Alice).Select(a => a.Id).SingleAsync());

    private static Task<int> PendingAsync(DeliveryBench bench) => bench.Database.ReadAsync(db => db.OwnerNotices.CountAsync());
}
