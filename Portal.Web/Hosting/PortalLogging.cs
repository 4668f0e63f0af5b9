using Portal.Core.Logs;
using Serilog;
using Serilog.Events;

namespace Portal.Web.Hosting;

/// <summary>Logs: warnings to the console, everything to files that roll by day, one event a line.</summary>
internal static class PortalLogging
{
    private const long FileBytes = 50L << 20;
    private const int FilesKept = 30;

    public static void AddPortalLogging(this IServiceCollection services, string dataFolder) => services.AddSerilog((provider, log) =>
    {
        Quiet(log)
            .WriteTo.Console(new LogLines(), restrictedToMinimumLevel: LogEventLevel.Warning)
            .WriteTo.LogStore(provider.GetRequiredService<LogStore>())
            .WriteTo.File(
                new LogLines(), Path.Combine(dataFolder, "logs", "portal-.log"), rollingInterval: RollingInterval.Day,
                fileSizeLimitBytes: FileBytes, rollOnFileSizeLimit: true, retainedFileCountLimit: FilesKept);
    });

    /// <summary>For a command: what goes wrong, on standard error; what it has to say is its output.</summary>
    public static void AddCommandLogging(this IServiceCollection services) => services.AddSerilog((_, log) =>
        Quiet(log).WriteTo.Console(new LogLines(), restrictedToMinimumLevel: LogEventLevel.Error, standardErrorFromLevel: LogEventLevel.Verbose));

    private static LoggerConfiguration Quiet(LoggerConfiguration log) => log
        .MinimumLevel.Information()
        .MinimumLevel.Override("Microsoft", LogEventLevel.Warning)
        .MinimumLevel.Override("Microsoft.EntityFrameworkCore", LogEventLevel.Fatal)   // what fails arrives as an exception, where it can be judged
        .Enrich.FromLogContext();
}
