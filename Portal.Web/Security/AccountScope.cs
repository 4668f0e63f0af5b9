using Portal.Core.Logs;

namespace Portal.Web.Security;

/// <summary>What is logged while somebody who has signed in is served names their account, so that Logs lead to it.</summary>
internal static class AccountScope
{
    /// <summary>Marks the lines until it is disposed; null for a visitor.</summary>
    public static IDisposable? BeginAccountScope(this ILogger logger, string? accountId) =>
        accountId is { Length: > 0 } ? logger.BeginScope(new KeyValuePair<string, object>[] { new(LogText.AccountId, accountId) }) : null;

    /// <summary>Marks the lines of each request.</summary>
    public static void UseAccountScope(this WebApplication app)
    {
        var logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(AccountScope));
        app.Use(async (context, next) =>
        {
            using var scope = logger.BeginAccountScope(OpenPages.AccountOf(context.User));
            await next(context);
        });
    }
}
