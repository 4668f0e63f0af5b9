using System.Reflection;
using Microsoft.AspNetCore.Components;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Accounts;
using Portal.Core.Permissions;
using Portal.Core.Trace;
using Portal.Tests.Fixtures;
using Portal.Tests.Web.Mail;
using Portal.Web.Components.Layout;

namespace Portal.Tests.EndToEnd;

/// <summary>Every page in two looks before axe, the console and the camera; the long run takes them in all looks.</summary>
[Collection(BrowserCollection.Name)]
public sealed class EveryPageTests(Browser browser) : IClassFixture<Browser>
{
    /// <summary>Pages with no look of their own, each with its reason.</summary>
    private static readonly string[] NoLook = ["/", "/status/{Code:int}"];

    [Theory]
    [InlineData("en", false, 1280, 800)]
    [InlineData("zh-Hans", true, 360, 740)]
    public async Task Each_is_without_serious_findings(string language, bool dark, int width, int height)
    {
        await using var portal = await PortalHost.StartAsync();
        var anna = await portal.AddMailboxAsync("anna@portal.test", null, Role.Administrator, Role.Helpdesk, Role.Auditor);
        var item = await portal.DeliverAsync(anna.MailboxId, "Subject: x\n\nhello\n");
        await using var empty = await PortalHost.StartAsync(new PortalHostWishes { IsSetUp = false });
        var link = await portal.Get<AccountService>().ResetPasswordAsync(Actor.Operator(), (await portal.AddMailboxAsync("bo@portal.test")).AccountId, asLink: true, CancellationToken.None);
        var (domain, inbox) = await portal.ReadAsync(async db => (await db.Domains.Select(d => d.Id).SingleAsync(), await db.MailItems.Where(i => i.Id == item).Select(i => i.FolderId).SingleAsync()));
        var queueId = await RefuseAsync(portal);
        var values = new Dictionary<string, string>
        {
            ["/admin/domains/{Id:guid}"] = $"admin/domains/{domain}",
            ["/admin/mailboxes/{Id:guid}"] = $"admin/mailboxes/{anna.MailboxId}",
            ["/admin/roles/{Name}"] = "admin/roles/helpdesk",
            ["/admin/trace/{QueueId:guid}"] = $"admin/trace/{queueId}",
            ["/mail/{FolderId:long}"] = $"mail/{inbox}",
            ["/mail/source/{ItemId:long}"] = $"mail/source/{item}",
        };
        var routes = typeof(Navigation).Assembly.GetTypes().SelectMany(t => t.GetCustomAttributes<RouteAttribute>().Select(r => r.Template)).Distinct().Except(NoLook).Order(StringComparer.Ordinal).ToList();
        var findings = new List<string>();

        await using (var visitor = await browser.NewPersonAsync(portal.Url, language, dark)) await LookAsync(visitor, ["sign-in", $"first-password/{link.Value.LinkToken}"]);
        await using (var first = await browser.NewPersonAsync(empty.Url, language, dark)) await LookAsync(first, [$"setup/{empty.SetupToken}"]);
        await using (var person = await browser.NewPersonAsync(portal.Url, language, dark))
        {
            await person.SignInAsync("anna@portal.test", PortalHost.Password);
            var own = routes.Where(r => r is not ("/sign-in" or "/first-password/{Token}" or "/setup/{Token}")).Select(r => values.GetValueOrDefault(r) ?? r[1..]).ToList();
            Assert.DoesNotContain(own, path => path.Contains('{', StringComparison.Ordinal));
            await LookAsync(person, own);
        }

        Assert.True(findings.Count == 0, string.Join('\n', findings));

        async Task LookAsync(Person person, IEnumerable<string> paths)
        {
            foreach (var path in paths)
            {
                await person.OpenAsync(path);
                var name = string.Join('-', path.Split('/').Select(part => part.Length >= 32 || part.Any(char.IsAsciiDigit) ? "one" : part));   // no ids, no tokens
                findings.AddRange(await Screenshots.TakeAsync(person, $"every-{name}-{language}", width, height));
            }
        }
    }

    private static async Task<Guid> RefuseAsync(PortalHost portal)
    {
        using (var talk = await SmtpTalk.OpenAsync(portal.SmtpPort))
        {
            await talk.AskAsync("MAIL FROM:<a@example.org>");
            await talk.AskAsync("RCPT TO:<nobody@portal.test>");
            await talk.AskAsync("QUIT");
        }

        await portal.EventuallyAsync(db => db.Traces.CountAsync(t => t.Outcome == TraceOutcome.Refused), count => count == 1);
        return await portal.ReadAsync(db => db.Traces.Where(t => t.Outcome == TraceOutcome.Refused).Select(t => t.QueueId).SingleAsync());
    }
}
