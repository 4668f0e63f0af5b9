using System.ComponentModel.DataAnnotations;
using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;
using Portal.Core;
using Portal.Core.Accounts;
using Portal.Core.Alerts;
using Portal.Core.Certificates;
using Portal.Core.Data;
using Portal.Smtp;

namespace Portal.Web.Hosting;

/// <summary>The running system: made in order, so that a refusal comes before anything is half there.</summary>
internal sealed partial class Server : IAsyncDisposable
{
    private readonly FileStream held;

    private Server(WebApplication app, FileStream held, SetupLink? setupLink) => (App, this.held, SetupLink) = (app, held, setupLink);

    public WebApplication App { get; }

    /// <summary>The link that leads to the set-up; null once there is an administrator.</summary>
    public SetupLink? SetupLink { get; }

    /// <summary>Runs until it is told to stop; the exit status.</summary>
    public static async Task<int> RunAsync(string[] args)
    {
        NativeMemory.Bound();
        try
        {
            await using var server = await StartAsync(args);
            await StartLines.WriteAsync(server.App.Services, server.SetupLink, Console.Out);
            await server.App.WaitForShutdownAsync();
            return 0;
        }
        catch (Exception e) when (Sentence(e) is { } sentence)
        {
            await Console.Error.WriteLineAsync(sentence);
            return 1;
        }
    }

    /// <summary>Starts everything; when it returns, the ports are open.</summary>
    /// <param name="settings">Settings that win over every other source; for tests.</param>
    /// <param name="configure">Changes the services before they are built; for tests.</param>
    public static async Task<Server> StartAsync(string[] args, IReadOnlyDictionary<string, string?>? settings = null, Action<WebApplicationBuilder>? configure = null)
    {
        var builder = PortalApp.CreateBuilder(args, settings);
        builder.AddPortalListeners();
        builder.Services.AddPortalSmtp(builder.Configuration);
        builder.Services.AddPortalWeb();
        builder.WebHost.UseStaticWebAssets();   // styles and scripts in every environment, not in Development only
        var dataFolder = builder.Configuration["Portal:DataFolder"]!;
        builder.Services.AddPortalLogging(dataFolder);
        builder.Services.AddHostedService<SystemWatch>();
        configure?.Invoke(builder);
        var app = builder.Build();   // refuses bad settings, ports in use and an unwritable folder: Listeners
        FileStream? held = null;
        try
        {
            held = DataFolder.Hold(dataFolder);
            await app.Services.GetRequiredService<DatabaseStarter>().StartAsync(CancellationToken.None);
            await app.Services.GetRequiredService<MasterKeyProof>().DemandOwnAsync(CancellationToken.None);
            await TellOfDemoAsync(app.Services);
            _ = app.Services.GetRequiredService<ServerCertificates>();   // made now: a key takes a moment, and a handshake should not wait for it
            app.UseFrontDoor();
            app.MapPortalWeb();
            var link = await app.Services.GetRequiredService<SetupService>().IssueLinkAsync(CancellationToken.None);
            await app.StartAsync();
            return new Server(app, held, link);
        }
        catch
        {
            await app.DisposeAsync();
            held?.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await App.StopAsync();
        await App.DisposeAsync();
        await held.DisposeAsync();
    }

    /// <summary>The one sentence for what its reader can mend; null for a fault of ours, which keeps its stack.</summary>
    public static string? Sentence(Exception e) => e switch
    {
        StartRefused => e.Message,
        SchemaTooNewException later => HostText.Say("SchemaTooNew", later.DatabaseVersion, later.ProgramVersion),
        MasterKeyException key => HostText.Say("BadMasterKey", "Portal:MasterKeyFile", key.Path),
        ForeignMasterKeyException key => HostText.Say("ForeignMasterKey", key.Path, "Portal:MasterKeyFile"),
        AggregateException several when several.InnerExceptions.All(inner => inner is OptionsValidationException) => Sentence(several.InnerExceptions[0]),   // one key, read by several parts
        OptionsValidationException options => string.Join(Environment.NewLine, options.Failures.Select(failure => Refused(options.OptionsType, failure))),
        InvalidOperationException { InnerException: not null } when BadValue().Match(e.Message) is { Success: true } bad =>
            HostText.Say("BadValue", bad.Groups["setting"].Value, bad.Groups["value"].Value),
        InvalidDataException { InnerException: { } cause } => HostText.Say("BadSettingsFile", cause.Message),
        NpgsqlException or InvalidOperationException { InnerException: NpgsqlException } => HostText.Say("DatabaseUnreachable", "Portal:Database:ConnectionString", e.GetBaseException().Message),
        SqliteException => HostText.Say("DatabaseUnreadable", "Portal:DataFolder", e.Message),
        IOException { InnerException: Microsoft.AspNetCore.Connections.AddressInUseException } => HostText.Say("PortTaken", e.Message),
        _ => null,
    };

    /// <summary>Who looks around in a demo should know it; real mail comes to a system without one.</summary>
    private static async Task TellOfDemoAsync(IServiceProvider services)
    {
        await using var db = await services.GetRequiredService<IDbContextFactory<PortalDbContext>>().CreateDbContextAsync();
        if (await db.Mailboxes.AnyAsync(m => m.IsDemo)) services.GetRequiredService<SystemNotices>().Raise("DemoData", NoticeSeverity.Information);
    }

    /// <summary>A validator's refusal in words; what an attribute refuses names only the property, and its reader needs the key.</summary>
    private static string Refused(Type options, string failure)
    {
        if (SettingFault.Read(failure) is { } fault) return HostText.Say(fault.Key, fault.Arguments);
        if (Attribute().Match(failure) is not { Success: true } refused) return failure;

        var member = refused.Groups["member"].Value;
        var setting = $"{options.GetField("Section")?.GetRawConstantValue()}:{member}";
        return options.GetProperty(member)?.GetCustomAttribute<RangeAttribute>() is { } range
            ? HostText.Say("OutOfRange", setting, range.Minimum, range.Maximum)
            : HostText.Say("SettingMissing", setting);
    }

    // The words of the framework's own validation and binding; tests hold them.
    [GeneratedRegex("members: '(?<member>[^']*)' with the error:")]
    private static partial Regex Attribute();

    [GeneratedRegex("value '(?<value>[^']*)' at '(?<setting>[^']*)'")]
    private static partial Regex BadValue();
}
