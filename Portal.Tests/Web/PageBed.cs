using System.Globalization;
using System.Security.Claims;
using Bunit;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using MudBlazor;
using MudBlazor.Services;
using Portal.Core.Accounts;
using Portal.Core.Audit;
using Portal.Core.Domains;
using Portal.Core.Mailboxes;
using Portal.Core.Permissions;
using Portal.Core.Policies;
using Portal.Core.Queue;
using Portal.Core.Recipients;
using Portal.Tests.Fixtures;
using Portal.Web.Admin.Accounts;
using Portal.Web.Components;
using Portal.Web.Components.Shared;
using Portal.Web.Hosting;
using Portal.Web.Security;

namespace Portal.Tests.Web;

/// <summary>Parts of pages as an administrator sees them, on the services and a database of their own.</summary>
internal sealed class PageBed : BunitContext
{
    /// <summary>Many at once on few cores.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private PageBed(TestDatabase database, CreatedMailbox administrator, ClaimsPrincipal user)
    {
        Administrator = administrator;
        DefaultWaitTimeout = Patience;
        CultureInfo.CurrentCulture = CultureInfo.CurrentUICulture = CultureInfo.GetCultureInfo("en");
        JSInterop.Mode = JSRuntimeMode.Loose;
        Services.AddMudServices();
        Services.AddLocalization();
        Services.AddScoped<Display>().AddScoped<Wording>().AddScoped<Notices>().AddScoped<SaveGuard>().AddScoped<PageParts>().AddScoped<CredentialReset>();
        Services.AddSingleton<TimeProvider>(database.Clock).AddSingleton(database.Feed);
        Services.AddSingleton(Options.Create(new HostingOptions { HostName = "mx.portal.test" }));
        Services.AddSingleton(database.Get<MailboxService>()).AddSingleton(database.Get<MailboxListService>()).AddSingleton(database.Get<DomainService>()).AddSingleton(database.Get<DkimKeyService>());
        Services.AddSingleton(database.Get<AccountService>()).AddSingleton(database.Get<AccountListService>()).AddSingleton(database.Get<AliasService>()).AddSingleton(database.Get<ColleagueService>());
        Services.AddSingleton(database.Get<AuditService>()).AddSingleton(database.Get<PolicyService<SenderPolicy>>()).AddSingleton(_ => database.Get<RouteService>());
        var http = new Asked(new DefaultHttpContext { User = user });
        Services.AddScoped(_ => new CurrentActor(new Sessions(database.Get<RoleDirectory>(), database.Get<EndedSessions>(), database.Get<SessionUses>(), Options.Create(new WebOptions()), database.Clock), null!, http));
    }

    public CreatedMailbox Administrator { get; }

    public IRenderedComponent<MudDialogProvider> Dialogs { get; private set; } = null!;

    /// <summary>Where it is said what was done.</summary>
    public IRenderedComponent<MudSnackbarProvider> Corner { get; private set; } = null!;

    public static async Task<PageBed> CreateAsync(TestDatabase database)
    {
        var administrator = await database.AddMailboxAsync("ada@portal.test", null, Role.Administrator);
        var stamp = (await database.Get<RoleDirectory>().FindAsync(administrator.AccountId, CancellationToken.None))!.SecurityStamp;
        var identity = new ClaimsIdentity(
            [new(ClaimTypes.NameIdentifier, administrator.AccountId.ToString()), new("AspNet.Identity.SecurityStamp", stamp), .. Sessions.ClaimsOf(Guid.NewGuid(), database.Clock.GetUtcNow())], "test");
        var bed = new PageBed(database, administrator, new ClaimsPrincipal(identity));
        bed.Render<MudPopoverProvider>();
        bed.Corner = bed.Render<MudSnackbarProvider>();
        bed.Dialogs = bed.Render<MudDialogProvider>();
        return bed;
    }

    /// <summary>The actor of the page, for acts beside it.</summary>
    public ValueTask<Actor> ActorAsync() => Services.GetRequiredService<CurrentActor>().GetAsync();

    /// <summary>Presses a button of the open dialog.</summary>
    public void Press(string text) => Dialogs.FindAll(".mud-dialog button").Single(b => b.TextContent.Trim() == text).Click();

    /// <summary>The rows of the dialog that shows both versions: field, mine, theirs.</summary>
    public IReadOnlyList<string> Compared() =>
        [.. Dialogs.WaitForElements("table.compare tbody tr").Select(row => string.Join(" | ", row.Children.Select(cell => cell.TextContent.Trim())))];

    private sealed class Asked(HttpContext context) : IHttpContextAccessor
    {
        public HttpContext? HttpContext { get; set; } = context;
    }
}
