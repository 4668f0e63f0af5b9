using AngleSharp.Dom;
using Bunit;
using Portal.Core.Domains;
using Portal.Tests.Core.Domains;
using Portal.Tests.Fixtures;
using Portal.Web.Admin.Domains;

namespace Portal.Tests.Web.Admin;

/// <summary>The tab DKIM keys of a domain, on the services and a database of their own.</summary>
public sealed class DomainKeysTests
{
    private static CancellationToken Cancel => Xunit.TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_shows_what_to_publish_and_says_what_comes_next()
    {
        await using var bed = await DkimBed.CreateAsync(DatabaseKind.Sqlite);
        await using var tab = await Tab.OpenAsync(bed);

        var (rsa, ed25519) = ((await bed.SetAsync()).In(DkimKeyState.Waiting)[0], (await bed.SetAsync()).In(DkimKeyState.Waiting)[1]);
        Assert.Equal("Publish these two records; signing starts by itself when the DNS shows them.", tab.Says);
        Assert.Equal(["Check now", "Sign with them now", "Give up the new keys"], tab.Buttons());
        foreach (var key in new[] { rsa, ed25519 })
        {
            Assert.Contains(key.Record.Name, tab.Text, StringComparison.Ordinal);
            Assert.Contains("IN TXT", tab.Text, StringComparison.Ordinal);
        }

        Assert.Contains(ed25519.Record.Value, tab.Text, StringComparison.Ordinal);
        Assert.Equal(["Waiting", "Waiting"], tab.Chips());
    }

    [Fact]
    public async Task Check_now_tells_what_the_DNS_has_until_both_are_found_and_sign()
    {
        await using var bed = await DkimBed.CreateAsync(DatabaseKind.Sqlite);
        await using var tab = await Tab.OpenAsync(bed);
        bed.Dns.Publish((await bed.SetAsync()).In(DkimKeyState.Waiting)[0]);

        await tab.PressAsync("Check now");
        Assert.Equal(["Waiting", "As it should be", "Waiting", "Missing"], tab.Chips());
        await bed.PublishAsync();
        await tab.PressAsync("Check now");

        Assert.Equal(["Active", "As it should be", "Active", "As it should be"], tab.Chips());
        Assert.Equal("Mail of this domain is signed. Leave the two records in the DNS.", tab.Says);
        Assert.Equal(["Check now", "Rotate keys"], tab.Buttons());
    }

    [Fact]
    public async Task A_rotation_is_told_before_it_begins_and_can_be_given_up()
    {
        await using var bed = await DkimBed.CreateActiveAsync(DatabaseKind.Sqlite);
        await using var tab = await Tab.OpenAsync(bed);

        tab.Ask("Rotate keys");
        Assert.Contains("so until 2026-12-01 at the earliest", tab.Bed.Dialogs.Markup, StringComparison.Ordinal);
        await tab.ConfirmAsync("Rotate keys", "Publish the two new records; the present keys sign until the DNS shows them.");
        Assert.Equal(["Check now", "Rotate keys", "Sign with them now", "Give up the new keys"], tab.Buttons());
        Assert.Equal("true", tab.Button("Rotate keys").GetAttribute("aria-disabled"));

        tab.Ask("Give up the new keys");
        await tab.ConfirmAsync("Give up the new keys", "Mail of this domain is signed. Leave the two records in the DNS.");

        Assert.Contains("Never signed; its record is not needed.", tab.Text, StringComparison.Ordinal);
        Assert.Equal("Active Active Retired Retired", await bed.StatesAsync());
        tab.Ask("Forget");
        await tab.ConfirmAsync("Forget", "Mail of this domain is signed. Leave the two records in the DNS.");
        Assert.Equal("Active Active Retired", await bed.StatesAsync());
    }

    [Fact]
    public async Task Old_records_must_stay_and_a_record_that_is_gone_is_told_of()
    {
        await using var bed = await DkimBed.CreateActiveAsync(DatabaseKind.Sqlite);
        await bed.Service.RotateAsync(DkimBed.Administrator, bed.DomainId, Cancel);
        await bed.PublishAsync();
        await bed.RoundAsync();
        await using var tab = await Tab.OpenAsync(bed);
        Assert.Equal("Mail is signed with the new keys. Leave the old records in the DNS until 2026-12-01.", tab.Says);

        bed.Dns.Set(KeyRecordState.Different, (await bed.SetAsync()).In(DkimKeyState.Active)[0]);
        await tab.PressAsync("Check now");

        Assert.StartsWith("Mail is signed, but the DNS does not show", tab.Says, StringComparison.Ordinal);
        Assert.Contains("Different", tab.Chips());
    }

    [Fact]
    public async Task A_domain_without_keys_is_given_a_pair()
    {
        await using var bed = await DkimBed.CreateAsync(DatabaseKind.Sqlite);
        await bed.Service.CancelAsync(DkimBed.Administrator, bed.DomainId, Cancel);
        await using var tab = await Tab.OpenAsync(bed);
        Assert.Equal("Mail of this domain is not signed. Make a pair of keys first.", tab.Says);

        await tab.PressAsync("Make keys");

        Assert.Equal("Publish these two records; signing starts by itself when the DNS shows them.", tab.Says);
    }

    [Fact]
    public async Task How_often_keys_rotate_is_set()
    {
        await using var bed = await DkimBed.CreateActiveAsync(DatabaseKind.Sqlite);
        await using var tab = await Tab.OpenAsync(bed);
        Assert.Contains("Never", tab.Text, StringComparison.Ordinal);

        tab.Page.Find("[data-edit]").Click();
        tab.Page.Find("select").Change("6");
        await tab.ActAsync(() => tab.Page.Find("button[type=submit]").Click());

        Assert.Contains("Every 6 months", tab.Text, StringComparison.Ordinal);
        Assert.Contains("2027-05-24", tab.Text, StringComparison.Ordinal);
        Assert.Equal(6, (await bed.SetAsync()).RotateEveryMonths);
    }

    /// <summary>The tab, as its page feeds it.</summary>
    private sealed class Tab(DkimBed keys, PageBed bed, IRenderedComponent<DomainKeys> page, SemaphoreSlim changed) : IAsyncDisposable
    {
        public PageBed Bed => bed;

        public IRenderedComponent<DomainKeys> Page => page;

        public string Says => page.Find(".notice").TextContent.Trim();

        public string Text => page.Find(".stack").TextContent;

        public static async Task<Tab> OpenAsync(DkimBed keys)
        {
            var bed = await PageBed.CreateAsync(keys.Database);
            var set = await keys.SetAsync();
            var changed = new SemaphoreSlim(0);
            return new(keys, bed, bed.Render<DomainKeys>(p => p.Add(t => t.Set, set).Add(t => t.OnChanged, () => changed.Release())), changed);
        }

        public List<string> Chips() => [.. page.FindAll(".chip").Select(c => c.TextContent.Trim())];

        public List<string> Buttons() => [.. page.FindAll(".row > button").Select(b => b.TextContent.Trim()).Where(t => t != "Forget")];

        public IElement Button(string text) => page.FindAll("button").First(b => b.TextContent.Trim() == text);

        /// <summary>Presses a button that asks first.</summary>
        public void Ask(string text)
        {
            Button(text).Click();
            bed.Dialogs.WaitForElement(".mud-dialog");
        }

        /// <summary>Presses a button that acts, and waits until it has.</summary>
        public Task PressAsync(string text) => ActAsync(() => Button(text).Click());

        public async Task ConfirmAsync(string button, string says)
        {
            await ActAsync(() => bed.Press(button));
            Assert.Equal(says, Says);
        }

        public async Task ActAsync(Action act)
        {
            act();
            Assert.True(await changed.WaitAsync(TimeSpan.FromSeconds(60)), "Nothing was done");
            await RefreshAsync();
        }

        private async Task RefreshAsync()
        {
            var set = await keys.SetAsync();
            page.Render(p => p.Add(t => t.Set, set));
        }

        public ValueTask DisposeAsync()
        {
            changed.Dispose();
            return bed.DisposeAsync();
        }
    }
}
