using Bunit;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using MudBlazor;
using Portal.Core.Domains;
using Portal.Core.Mailboxes;
using Portal.Tests.Fixtures;
using Portal.Web.Admin.Accounts;
using Portal.Web.Admin.Mailboxes;
using Portal.Web.Components.Shared;

namespace Portal.Tests.Web;

/// <summary>Dialogs and forms of dangerous acts ask why, offer the person's last reasons, and hand the answer on to the audit.</summary>
public class ReasonFieldTests
{
    private static CancellationToken Cancel => Xunit.TestContext.Current.CancellationToken;

    [Theory, BothDatabases]
    public async Task A_question_that_asks_for_a_reason_offers_the_last_five_and_returns_the_one_given(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await database.AddDomainAsync();
        await using var bed = await PageBed.CreateAsync(database);
        for (var i = 1; i <= 6; i++) Assert.True((await database.Get<DomainService>().SetDisabledAsync((await bed.ActorAsync()).Because($"ticket {i}"), domain, i % 2 == 1, Cancel)).IsDone);
        Task<ConfirmAnswer?> asking = null!;
        await bed.Dialogs.InvokeAsync(() => { asking = bed.Services.GetRequiredService<IDialogService>().ConfirmAsync(new("Delete it?", "It goes.", "Delete", AskReason: true)); });

        await bed.Dialogs.WaitForAssertionAsync(() => Assert.Equal(["ticket 6", "ticket 5", "ticket 4", "ticket 3", "ticket 2"], bed.Dialogs.FindAll("datalist option").Select(o => o.GetAttribute("value"))));
        var field = bed.Dialogs.Find(".mud-dialog input");
        Assert.Equal(bed.Dialogs.Find("datalist").Id, field.GetAttribute("list"));
        await field.InputAsync(new() { Value = " ticket 7 " });
        bed.Press("Delete");

        Assert.Equal("ticket 7", (await asking)?.Reason);
    }

    [Fact]
    public async Task A_question_that_asks_for_none_has_no_field_and_an_empty_one_is_no_reason()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Sqlite);
        await database.AddDomainAsync();
        await using var bed = await PageBed.CreateAsync(database);
        foreach (var asks in new[] { false, true })
        {
            Task<ConfirmAnswer?> asking = null!;
            await bed.Dialogs.InvokeAsync(() => { asking = bed.Services.GetRequiredService<IDialogService>().ConfirmAsync(new("Delete it?", "It goes.", "Delete", AskReason: asks)); });
            await bed.Dialogs.WaitForAssertionAsync(() => Assert.Equal(asks ? 1 : 0, bed.Dialogs.FindAll(".mud-dialog input").Count));
            bed.Press("Delete");

            Assert.Null((await asking)!.Reason);
            await bed.Dialogs.WaitForAssertionAsync(() => Assert.Empty(bed.Dialogs.FindAll(".mud-dialog")));
        }
    }

    [Fact]
    public async Task The_reason_typed_beside_a_quota_and_beside_roles_stands_in_the_audit()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Sqlite);
        await database.AddDomainAsync();
        await using var bed = await PageBed.CreateAsync(database);
        var anna = await database.AddMailboxAsync("anna@portal.test");
        var form = bed.Render<MailboxQuota>(p => p.Add(f => f.Mailbox, database.Get<MailboxListService>().GetAsync(bed.ActorAsync().AsTask().GetAwaiter().GetResult(), anna.MailboxId, Cancel).GetAwaiter().GetResult().Value));
        await form.Find("[data-edit]").ClickAsync(new());
        await form.FindAll("form input")[0].InputAsync(new() { Value = "3 GB" });
        await form.FindAll("form input")[1].InputAsync(new() { Value = "big project" });
        await form.Find("[type=submit]").ClickAsync(new());

        var panel = bed.Render<SignInPanel>(p => p.Add(f => f.AccountId, anna.AccountId));
        await panel.WaitForAssertionAsync(() => Assert.NotEmpty(panel.FindAll("label.check")));
        await panel.FindAll("label.check").Single(l => l.TextContent.Trim() == "Helpdesk").QuerySelector("input")!.ChangeAsync(new() { Value = true });
        await panel.Find("input[list]").InputAsync(new() { Value = "joins the desk" });
        await panel.FindAll("button").Single(b => b.TextContent.Trim() == "Save roles").ClickAsync(new());

        Assert.Equal(["mailbox.quota.set big project", "account.roles.set joins the desk"], await database.ReadAsync(db => db.Audit.Where(e => e.ActorId == bed.Administrator.AccountId).OrderBy(e => e.Id).Select(e => e.Action + " " + e.Reason).ToListAsync(Cancel)));
    }
}
