using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Portal.Core.Domains;

namespace Portal.Smtp.Dns;

internal static class DnsServices
{
    /// <summary>What the world tells of names and addresses.</summary>
    public static IServiceCollection AddDns(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<DnsOptions>()
            .Bind(configuration.GetSection(DnsOptions.Section))
            .Configure(dns => dns.Servers = ServersOf(configuration.GetSection($"{DnsOptions.Section}:Servers")))
            .ValidateDataAnnotations()
            .ValidateOnStart();
        services.AddSingleton<IValidateOptions<DnsOptions>, DnsOptionsValidator>();
        services.AddSingleton<DnsResolvers>();
        services.AddSingleton<DnsCache>();
        services.AddSingleton<IMailDns, MailDns>();
        return services.AddSingleton<IKeyRecordLookup, DnsKeyRecordLookup>();
    }

    /// <summary>A list, or one value with commas or spaces between: what an environment variable can hold.</summary>
    private static List<string> ServersOf(IConfigurationSection servers) =>
        servers.Value is { Length: > 0 } text   // an empty list of appsettings.json reads as an empty value, and more specific keys may stand above it
            ? [.. text.Split([',', ' ', ';'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)]
            : [.. servers.GetChildren().Select(c => c.Value).OfType<string>().Where(s => s.Length > 0)];
}
