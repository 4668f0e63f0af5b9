using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Portal.Core.Queue;
using Portal.Smtp.Reports;

namespace Portal.Smtp.Delivery;

internal static class DeliveryServices
{
    /// <summary>The way of a message out.</summary>
    public static IServiceCollection AddDelivery(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<DeliveryOptions>()
            .Bind(configuration.GetSection(DeliveryOptions.Section))
            .Configure<IOptions<SmtpOptions>>((delivery, smtp) => delivery.HostName = smtp.Value.HostName)
            .ValidateDataAnnotations()
            .ValidateOnStart();
        services.AddSingleton<IValidateOptions<DeliveryOptions>, DeliveryOptionsValidator>();
        services.AddOptions<DnsOptions>()
            .Bind(configuration.GetSection(DnsOptions.Section))
            .Configure(dns => dns.Servers = ServersOf(configuration.GetSection($"{DnsOptions.Section}:Servers")))
            .ValidateDataAnnotations()
            .ValidateOnStart();
        services.AddSingleton<IValidateOptions<DnsOptions>, DnsOptionsValidator>();

        services.AddSingleton<IMailDns, MailDns>();
        services.AddSingleton<MxResolver>();
        services.AddSingleton<IRouteProbe, SmtpRouteProbe>();
        services.AddSingleton<Dialler>();
        services.AddSingleton<RetrySchedule>();
        services.AddSingleton<DsnComposer>();
        services.AddSingleton<NoticeSender>();
        services.AddHostedService(provider => provider.GetRequiredService<NoticeSender>());
        services.AddSingleton<Aftermath>();
        services.AddSingleton<LocalCourier>();
        services.AddSingleton<Courier>();
        services.AddSingleton<QueueRunner>();
        return services.AddHostedService(provider => provider.GetRequiredService<QueueRunner>());
    }

    /// <summary>A list, or one value with commas or spaces between: what an environment variable can hold.</summary>
    private static List<string> ServersOf(IConfigurationSection servers) =>
        servers.Value is { Length: > 0 } text   // an empty list of appsettings.json reads as an empty value, and more specific keys may stand above it
            ? [.. text.Split([',', ' ', ';'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)]
            : [.. servers.GetChildren().Select(c => c.Value).OfType<string>().Where(s => s.Length > 0)];
}
