using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Portal.Core.Accounts;
using Portal.Core.Addresses;
using Portal.Core.Messages;
using Portal.Smtp.Authentication;
using Portal.Smtp.Checks;
using Portal.Smtp.Delivery;
using Portal.Smtp.Dns;
using Portal.Smtp.Receiving;
using Portal.Smtp.Server;
using Portal.Smtp.Server.Commands;
using Portal.Smtp.Submission;

namespace Portal.Smtp;

public static class SmtpServices
{
    /// <summary>Mail in motion. The host opens the ports: <c>listen.UseSmtp(SmtpListenerKind.Mx)</c> on each Kestrel endpoint.</summary>
    public static IServiceCollection AddPortalSmtp(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<SmtpOptions>()
            .Bind(configuration.GetSection(SmtpOptions.Section))
            .Configure(o => o.HostName = configuration["Portal:HostName"] is { Length: > 0 } name ? name : System.Net.Dns.GetHostName())
            .ValidateDataAnnotations()
            .ValidateOnStart();
        services.AddSingleton<IValidateOptions<SmtpOptions>, SmtpOptionsValidator>();
        return services.AddReceiving().AddServer().AddCommands().AddDns(configuration).AddDelivery(configuration);
    }

    /// <summary>Of all that only what asks the DNS: for the command line, which moves no mail.</summary>
    public static IServiceCollection AddPortalDns(this IServiceCollection services, IConfiguration configuration) => services.AddDns(configuration);

    private static IServiceCollection AddReceiving(this IServiceCollection services)
    {
        services.AddSingleton<RecipientJudge>();
        services.AddSingleton<SubmissionRules>();
        services.AddSingleton<ReceiptAllowance>();
        services.AddSingleton<IMailCheck, LoopCheck>();
        services.AddSingleton<ListCheck>();
        services.AddSingleton<IMailCheck>(provider => provider.GetRequiredService<ListCheck>());
        services.AddSingleton<IMailCheck, DmarcCheck>();
        services.AddSingleton<SenderProver>();
        services.AddSingleton<OutgoingSigner>();
        services.AddSingleton<CheckChain>();
        services.AddSingleton<AcceptanceBuilder>();
        services.AddSingleton<RefusalTrace>();
        services.AddSingleton<ReceivingParts>();
        return services.AddSingleton(provider => new MessageReceiver(
            provider.GetRequiredService<MailWriter>(),
            provider.GetRequiredService<ContentSpoolFactory>(),
            provider.GetRequiredService<RoleDirectory>(),
            provider.GetRequiredService<ReceivingParts>(),
            provider.GetRequiredService<IOptions<SmtpOptions>>(),
            provider.GetRequiredService<TimeProvider>()));
    }

    private static IServiceCollection AddServer(this IServiceCollection services)
    {
        services.AddSingleton<CommandTable>();
        services.AddSingleton<SmtpDeadlines>();
        services.AddSingleton<KnownClients>();
        services.AddSingleton<ConnectionLimiter>();
        return services.AddSingleton<SmtpServer>();
    }

    private static IServiceCollection AddCommands(this IServiceCollection services)
    {
        services.AddSingleton<ISmtpCommand, EhloCommand>();
        services.AddSingleton<ISmtpCommand, HeloCommand>();
        services.AddSingleton<ISmtpCommand, MailCommand>();
        services.AddSingleton<ISmtpCommand, RcptCommand>();
        services.AddSingleton<ISmtpCommand, DataCommand>();
        services.AddSingleton<ISmtpCommand, BdatCommand>();
        services.AddSingleton<ISmtpCommand, RsetCommand>();
        services.AddSingleton<ISmtpCommand, NoopCommand>();
        services.AddSingleton<ISmtpCommand, QuitCommand>();
        services.AddSingleton<ISmtpCommand, VrfyCommand>();
        services.AddSingleton<ISmtpCommand, HelpCommand>();
        services.AddSingleton<ISmtpCommand, StartTlsCommand>();
        return services.AddSingleton<ISmtpCommand, AuthCommand>();
    }
}
