using System.CommandLine;
using Portal.Core;
using Portal.Core.Data;
using Portal.Core.Permissions;
using Portal.Smtp;
using Portal.Web.Hosting;

namespace Portal.Web.Cli;

/// <summary>The system, opened for one command: the services of Core on the server's database, with no port and no background part.</summary>
internal sealed class CommandHost : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly List<IHostedService> running = [];

    private CommandHost(WebApplication app) => this.app = app;

    /// <summary>Who can read the data folder holds every capability, and is audited as the operator.</summary>
    public static Actor Actor => Actor.Operator();

    /// <summary>The same, with the reason that was given.</summary>
    public static Actor ActorOf(ParseResult parsed, Option<string?> reason) => Actor.Because(parsed.GetValue(reason));

    public string DataFolder => app.Configuration["Portal:DataFolder"]!;

    /// <summary>Opens the system.</summary>
    /// <param name="settings">Settings of the command line, as <c>--Portal:DataFolder=/srv/portal</c>.</param>
    /// <param name="mayCreate">Whether the command may make one (setup, demo); else "No system in PATH".</param>
    public static async Task<CommandHost> OpenAsync(string[] settings, bool mayCreate, CancellationToken cancel)
    {
        var builder = PortalApp.CreateBuilder(settings);
        builder.Services.AddPortalDns(builder.Configuration);
        builder.Services.AddCommandLogging();
        // Development would demand that every service can be made; those that need the engine are not made here.
        builder.Host.UseDefaultServiceProvider((context, provider) => provider.ValidateScopes = context.HostingEnvironment.IsDevelopment());
        var host = new CommandHost(builder.Build());
        try
        {
            var database = host.Get<DatabaseStarter>();
            if (mayCreate) Hosting.DataFolder.Prepare(host.DataFolder);
            else if (!await database.ExistsAsync(cancel)) throw new StartRefused(CliText.Say("NoSystem", host.DataFolder));
            await database.StartAsync(cancel);   // an older database is brought up to date; a newer one is refused
            await host.Get<MasterKeyProof>().DemandOwnAsync(cancel);
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    public T Get<T>() where T : notnull => app.Services.GetRequiredService<T>();

    /// <summary>Starts a part that works in the background, until the command ends.</summary>
    public async Task<T> StartAsync<T>(CancellationToken cancel) where T : IHostedService
    {
        var part = Get<T>();
        await part.StartAsync(cancel);
        running.Add(part);
        return part;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var part in running) await part.StopAsync(CancellationToken.None);
        await app.DisposeAsync();
    }
}

internal static class Outcomes
{
    /// <summary>The value, or the refusal as the sentence that ends the command.</summary>
    public static T OrRefuse<T>(this Outcome<T> outcome) => outcome.Refusal is { } refusal ? throw CliText.Refused(refusal) : outcome.Value;
}
