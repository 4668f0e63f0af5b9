using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Portal.Core.Queue;
using Portal.Core.Recipients;
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

        services.AddSingleton<MxResolver>();
        services.AddSingleton<IRouteProbe, SmtpRouteProbe>();
        services.AddSingleton<IRecipientProbe, SmtpRecipientProbe>();
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
}
