using Microsoft.Extensions.DependencyInjection;
using Portal.Core.Jobs;

namespace Portal.Core.Messages;

internal static class MailboxReading
{
    /// <summary>Reading, ordering, writing and removing mail; what brings it in is wired beside the writer.</summary>
    public static IServiceCollection AddMailboxReading(this IServiceCollection services)
    {
        services.AddOptions<MimeOptions>().BindConfiguration(MimeOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<MimeLimits>();
        services.AddSingleton<MailOpener>();
        services.AddSingleton<PreviewWriter>();
        services.AddSingleton<MailService>();
        services.AddSingleton<FolderService>();
        services.AddSingleton<OperatorMailService>();
        services.AddSingleton<UploadStore>();
        services.AddSingleton<LetterComposer>();
        services.AddSingleton<DraftService>();
        services.AddSingleton<MailRemover>();
        services.AddSingleton<ContentSweeper>();
        services.AddSingleton<IWorkKind, EmptyFolderWork>();
        services.AddSingleton<IWorkKind, DeleteFolderWork>();
        services.AddHostedService<MailKeeper>();
        return services;
    }
}
