using System.Collections.Concurrent;
using System.Security.Claims;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.AspNetCore.Components.Server.Circuits;
using Microsoft.Extensions.Options;
using Portal.Web.Hosting;

namespace Portal.Web.Security;

/// <summary>
/// How many pages are open, in all and of one account: each holds memory of the process that carries the mail. One more is refused when
/// its browser asks for a connection; the page is there all the same, without what answers to the hand.
/// </summary>
public sealed class OpenPages(IOptions<WebOptions> options)
{
    private readonly ConcurrentDictionary<string, int> byAccount = new(StringComparer.Ordinal);
    private int all;

    /// <summary>The pages an account has open; "" for visitors.</summary>
    public int Of(string account) => byAccount.GetValueOrDefault(account);

    /// <summary>Whether one more may be opened now.</summary>
    public bool HasRoomFor(string account) => Volatile.Read(ref all) < options.Value.MaxPages && Of(account) < MostOf(account);

    /// <summary>Takes the room of one page; false when there is none.</summary>
    public bool TryOpen(string account)
    {
        var isFull = Interlocked.Increment(ref all) > options.Value.MaxPages;
        if (byAccount.AddOrUpdate(account, 1, (_, open) => open + 1) <= MostOf(account) && !isFull) return true;
        Close(account);
        return false;
    }

    /// <summary>Gives the room back.</summary>
    public void Close(string account)
    {
        Interlocked.Decrement(ref all);
        if (byAccount.AddOrUpdate(account, 0, (_, open) => open - 1) <= 0) byAccount.TryRemove(new(account, 0));
    }

    /// <summary>Whose pages a person's are.</summary>
    internal static string AccountOf(ClaimsPrincipal user) => user.FindFirstValue(ClaimTypes.NameIdentifier) ?? "";

    // Visitors have their share in common: their pages are the ones that stand still.
    private int MostOf(string account) => account.Length == 0 ? options.Value.MaxPages / 4 : options.Value.MaxPagesPerAccount;
}

/// <summary>Counts one page from its opening to its end, and marks what is logged while it answers its person.</summary>
internal sealed class OpenPage(OpenPages pages, AuthenticationStateProvider states, ILogger<OpenPage> logger) : CircuitHandler
{
    private string? account;

    public override async Task OnCircuitOpenedAsync(Circuit circuit, CancellationToken cancellationToken)
    {
        var whose = OpenPages.AccountOf((await states.GetAuthenticationStateAsync()).User);
        if (!pages.TryOpen(whose)) throw new InvalidOperationException("Too many pages are open.");   // ends the circuit: many that asked at once
        account = whose;
    }

    public override Func<CircuitInboundActivityContext, Task> CreateInboundActivityHandler(Func<CircuitInboundActivityContext, Task> next) => async context =>
    {
        using var scope = logger.BeginAccountScope(account);
        await next(context);
    };

    public override Task OnCircuitClosedAsync(Circuit circuit, CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref account, null) is { } whose) pages.Close(whose);
        return Task.CompletedTask;
    }
}

internal static class OpenPageBounds
{
    private const string Hub = "/_blazor";

    /// <summary>Answers 503 to a page that asks for a connection when there is no room for it.</summary>
    public static void UseOpenPageBounds(this WebApplication app) => app.Use((context, next) =>
    {
        if (!IsNew(context.Request) || context.RequestServices.GetRequiredService<OpenPages>().HasRoomFor(OpenPages.AccountOf(context.User))) return next(context);
        context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        context.Response.Headers.RetryAfter = "30";
        return context.Response.CompleteAsync();   // a script asked: no page of faults is made for it
    });

    // Asks for a connection, or takes one without asking; what names one has it already.
    private static bool IsNew(HttpRequest request) =>
        request.Path == $"{Hub}/negotiate" || (request.Path == Hub && !request.Query.ContainsKey("id"));
}
