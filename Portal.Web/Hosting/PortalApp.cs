using Microsoft.Extensions.Configuration.Json;
using Microsoft.Extensions.FileProviders;
using Portal.Core;

namespace Portal.Web.Hosting;

/// <summary>The program's parts put together, for the server and for the command line alike.</summary>
internal static class PortalApp
{
    private static readonly string[] Paths = ["Portal:DataFolder", "Portal:MasterKeyFile", "Portal:Tls:Certificate", "Portal:Tls:Key", "Portal:Tls:PasswordFile", "Portal:Tls:Folder", "Portal:Tls:AcmeWebRoot"];

    /// <summary>What both forms share: settings and the services of Core.</summary>
    /// <param name="args">Settings as <c>--Portal:Web:Port=8081</c>.</param>
    /// <param name="settings">Settings that win over every other source; for tests.</param>
    public static WebApplicationBuilder CreateBuilder(string[] args, IReadOnlyDictionary<string, string?>? settings = null)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions
        {
            // What is read at start is not read again, and nothing need watch the files.
            Args = ["--hostBuilder:reloadConfigOnChange=false", .. args],
            ApplicationName = "Portal.Web",
            ContentRootPath = AppContext.BaseDirectory,   // every form of start finds the same settings and styles
        });
        ReadSettings(builder.Configuration, settings);
        builder.Services.AddPortalCore(builder.Configuration);
        return builder;
    }

    private static void ReadSettings(ConfigurationManager configuration, IReadOnlyDictionary<string, string?>? settings)
    {
        // In a source tree its own appsettings.json counts, not the copy that the last build made.
        if (SourceTree.Root is { } root)
        {
            var last = configuration.Sources.OfType<JsonConfigurationSource>().Last();
            configuration.Sources.Insert(configuration.Sources.IndexOf(last) + 1, new JsonConfigurationSource { FileProvider = new PhysicalFileProvider(root), Path = "appsettings.json" });
        }

        if (settings is not null) configuration.AddInMemoryCollection(settings);
        configuration.AddInMemoryCollection(Paths.Concat(configuration.GetSection("Portal:Tls:Certificates").AsEnumerable().Select(pair => pair.Key))
            .Select(key => KeyValuePair.Create(key, configuration[key] ?? (key == "Portal:DataFolder" ? "data" : null)))
            .Where(pair => !string.IsNullOrEmpty(pair.Value))
            .Select(pair => KeyValuePair.Create<string, string?>(pair.Key, SourceTree.Absolute(pair.Value!)))
            .ToList());
    }
}
