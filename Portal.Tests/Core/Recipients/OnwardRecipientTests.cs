using Portal.Core.Addresses;
using Portal.Core.Domains;
using Portal.Core.Permissions;
using Portal.Core.Recipients;
using Portal.Tests.Fixtures;
using static Portal.Tests.Core.Organisation;

namespace Portal.Tests.Core.Recipients;

/// <summary>The names that people list for the other host of a domain.</summary>
public sealed class OnwardRecipientTests
{
    private static readonly Actor Administrator = With(Role.Administrator);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, BothDatabases]
    public async Task Only_listed_names_and_postmaster_go_on_as_soon_as_they_are_listed(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await RelayedAsync(database);

        Assert.Equal(RecipientState.Unknown, await StateOfAsync(database, "carol@backup.test"));
        Assert.Equal(2, (await Service(database).AddAsync(Administrator, domain, ["Carol", " dave@Backup.test ", "carol"], Cancel)).Value);

        Assert.Equal(RecipientState.GoesOn, await StateOfAsync(database, "CAROL@backup.test"));
        Assert.Equal(RecipientState.GoesOn, await StateOfAsync(database, "carol+detail@backup.test"));
        Assert.Equal(RecipientState.GoesOn, await StateOfAsync(database, "postmaster@backup.test"));
        Assert.Equal(RecipientState.Unknown, await StateOfAsync(database, "erin@backup.test"));
        Assert.Equal(["carol", "dave"], (await Service(database).SearchAsync(Administrator, domain, "", 0, 50, Cancel)).Value.Rows.Select(r => r.LocalPart));
        Assert.Equal(["dave"], (await Service(database).SearchAsync(Administrator, domain, "DA", 0, 50, Cancel)).Value.Rows.Select(r => r.LocalPart));
        Assert.Equal(1, (await Service(database).RemoveAsync(Administrator, domain, ["carol", "erin"], Cancel)).Value);
        Assert.Equal(RecipientState.Unknown, await StateOfAsync(database, "carol@backup.test"));
        Assert.Equal(["domain.create backup.test", "domain.recipients.add backup.test", "domain.recipients.remove backup.test"], await database.AuditedActionsAsync());
    }

    [Theory]
    [BothDatabases("two words", "OnwardNameInvalid")]
    [BothDatabases("carol@elsewhere.test", "OnwardNameInvalid")]
    [BothDatabases("  ", "OnwardNamesMissing")]
    public async Task A_name_that_is_none_adds_nothing(DatabaseKind kind, string name, string key)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await RelayedAsync(database);

        var added = await Service(database).AddAsync(Administrator, domain, [.. name.Trim().Length == 0 ? Array.Empty<string>() : ["good"], name], Cancel);

        Assert.Equal((key, "Names"), (added.Refusal?.Key, added.Refusal?.Field));
        Assert.Empty((await Service(database).SearchAsync(Administrator, domain, "", 0, 50, Cancel)).Value.Rows);
    }

    [Theory, BothDatabases]
    public async Task No_more_than_a_turn_at_once_and_a_domain_with_a_list_is_not_empty(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var domain = await RelayedAsync(database);
        string[] many = [.. Enumerable.Range(0, OnwardRecipientService.MaxAtOnce + 1).Select(i => $"u{i}")];

        Assert.Equal("OnwardNamesTooMany", (await Service(database).AddAsync(Administrator, domain, many, Cancel)).Refusal?.Key);
        Assert.Equal(OnwardRecipientService.MaxAtOnce, (await Service(database).AddAsync(Administrator, domain, many[1..], Cancel)).Value);
        Assert.Equal("DomainNotEmpty", (await database.DomainService().DeleteAsync(Administrator, domain, Cancel)).Refusal?.Key);
        Assert.Equal(OnwardRecipientService.MaxAtOnce, (await Service(database).RemoveAsync(Administrator, domain, many[1..], Cancel)).Value);
        Assert.True((await database.DomainService().DeleteAsync(Administrator, domain, Cancel)).IsDone);
    }

    [Theory, BothDatabases]
    public async Task The_list_is_its_domains_administrators_and_nobody_elses(DatabaseKind kind)
    {
        await using var database = await TestDatabase.CreateAsync(kind);
        var (domain, other) = (await RelayedAsync(database), await database.AddDomainAsync());

        Assert.True((await Service(database).AddAsync(With(Role.Administrator, domain), domain, ["carol"], Cancel)).IsDone);
        Assert.Equal("NotFoundDomain", (await Service(database).AddAsync(With(Role.Administrator, other), domain, ["dave"], Cancel)).Refusal?.Key);
        Assert.Equal("NotFoundDomain", (await Service(database).SearchAsync(With(Role.Administrator, other), domain, "", 0, 50, Cancel)).Refusal?.Key);
        Assert.Equal("NotPermitted", (await Service(database).AddAsync(With(Role.Helpdesk), domain, ["dave"], Cancel)).Refusal?.Key);
        Assert.Equal("NotPermitted", (await Service(database).RemoveAsync(With(Role.Auditor), domain, ["carol"], Cancel)).Refusal?.Key);
        Assert.Equal("NotPermitted", (await Service(database).SearchAsync(With(Role.User), domain, "", 0, 50, Cancel)).Refusal?.Key);
    }

    private static async Task<Guid> RelayedAsync(TestDatabase database) =>
        (await database.DomainService().CreateAsync(Administrator, "backup.test", null, null, new Onward { Kind = DomainKind.Relayed, Check = RecipientCheck.Listed }, Cancel)).Value;

    private static async Task<RecipientState> StateOfAsync(TestDatabase database, string address) => (await database.Get<RecipientDirectory>().ResolveAsync(MailAddress.Parse(address), 0, Cancel)).State;

    private static OnwardRecipientService Service(TestDatabase database) => database.Get<OnwardRecipientService>();
}
