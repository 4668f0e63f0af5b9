using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Portal.Core.Accounts;
using Portal.Core.Alerts;
using Portal.Core.Audit;
using Portal.Core.Certificates;
using Portal.Core.Data;
using Portal.Core.Domains;
using Portal.Core.Jobs;
using Portal.Core.Lists;
using Portal.Core.Logs;
using Portal.Core.Mailboxes;
using Portal.Core.Messages;
using Portal.Core.Permissions;
using Portal.Core.Policies;
using Portal.Core.Quarantine;
using Portal.Core.Queue;
using Portal.Core.Quotas;
using Portal.Core.Recipients;
using Portal.Core.Reports;
using Portal.Core.Trace;

namespace Portal.Core;

public static class CoreServices
{
    /// <summary>Everything the domain offers; hosted parts run only where the host starts them.</summary>
    public static IServiceCollection AddPortalCore(this IServiceCollection services, IConfiguration configuration)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddOptions<StorageOptions>().Bind(configuration.GetSection(StorageOptions.Section)).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<DatabaseOptions>().Bind(configuration.GetSection(DatabaseOptions.Section)).ValidateOnStart();
        services.AddSingleton<IValidateOptions<DatabaseOptions>, DatabaseOptionsValidator>();
        return services.AddDatabase(configuration.GetSection(DatabaseOptions.Section).Get<DatabaseOptions>() ?? new())
            .AddAccounts()
            .AddMessages()
            .AddQueue()
            .AddProtection()
            .AddCertificates()
            .AddTraceAuditAndLogs();
    }

    private static IServiceCollection AddDatabase(this IServiceCollection services, DatabaseOptions database)
    {
        services.AddSingleton<ChangeFeed>();
        services.AddSingleton<SecretBox>();
        services.AddSingleton<MasterKeyProof>();
        services.AddSingleton<DatabaseStarter>();
        services.AddSingleton(new WriteGate(isOpen: database.Provider == DatabaseProvider.Postgres));
        if (database.Provider == DatabaseProvider.Sqlite)
        {
            services.AddDbContextFactory<SqlitePortalDbContext>((provider, options) => options
                .UseSqlite(SqliteSetup.ConnectionString(provider.GetRequiredService<IOptions<StorageOptions>>().Value.DatabaseFile))
                .AddInterceptors(new SqliteSetup()));
            services.AddSingleton<IDbContextFactory<PortalDbContext>, PortalDatabase<SqlitePortalDbContext>>();
            services.AddHostedService<SqliteWatcher>();
        }
        else
        {
            services.AddDbContextFactory<PostgresPortalDbContext>((provider, options) => options
                .UseNpgsql(provider.GetRequiredService<IOptions<DatabaseOptions>>().Value.ConnectionString));
            services.AddSingleton<IDbContextFactory<PortalDbContext>, PortalDatabase<PostgresPortalDbContext>>();
            services.AddHostedService<PostgresChangeLink>();
        }

        services.AddScoped(provider => provider.GetRequiredService<IDbContextFactory<PortalDbContext>>().CreateDbContext());   // for Identity's stores and Data Protection
        return services;
    }

    private static IServiceCollection AddAccounts(this IServiceCollection services)
    {
        services.AddSingleton<IPasswordHasher<Account>, PasswordHasher<Account>>();   // Identity's own is scoped, and PasswordHashing lives as long as the program
        services.AddIdentityCore<Account>(identity =>
        {
            identity.Password.RequiredLength = PasswordRules.MinLength;
            identity.Password.RequireDigit = identity.Password.RequireLowercase = identity.Password.RequireUppercase = identity.Password.RequireNonAlphanumeric = false;
            identity.User.AllowedUserNameCharacters = "";   // MailAddress decides
            identity.Lockout.AllowedForNewUsers = false;   // pairs slow down instead (DESIGN §6)
        }).AddEntityFrameworkStores<PortalDbContext>();
        services.AddSingleton<AccountService>();
        services.AddSingleton<SetupService>();
        services.AddSingleton<AccountAuthenticator>();
        services.AddSingleton<SignInThrottleStore>();
        services.AddSingleton<PasswordHashing>();
        services.AddSingleton<DirectorySearch>();
        services.AddSingleton<RoleDirectory>();
        services.AddSingleton<RoleService>();
        services.AddSingleton<EndedSessions>();
        services.AddSingleton<SessionUses>();
        services.AddOptions<AccountOptions>().BindConfiguration(AccountOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<RecordRemover>();
        services.AddHostedService<RecordKeeper>();
        services.AddSingleton<SenderRights>();
        services.AddSingleton<MailboxService>();
        services.AddSingleton<MailboxEnder>();
        services.AddSingleton<MailboxListService>();
        services.AddSingleton<MailboxBulkService>();
        services.AddSingleton<IWorkKind, MailboxBulkWork>();
        services.AddSingleton<AccountListService>();
        services.AddSingleton<SavedViewService>();
        services.AddSingleton<FlowCounter>();
        services.AddSingleton<FirstMail>();
        services.AddSingleton<OverviewService>();
        services.AddSingleton<MailboxExport>();
        services.AddSingleton<DomainService>();
        services.AddSingleton<OnwardService>();
        services.AddSingleton<OnwardRecipientService>();
        services.AddSingleton<RecipientVerifier>();   // needs the engine's IRecipientProbe
        services.AddSingleton<DkimKeyService>();
        services.AddSingleton<DkimKeys>();
        services.AddSingleton<MtaStsSettings>();
        services.AddHostedService<DkimKeyKeeper>();   // needs the engine's IKeyRecordLookup, like the service above
        services.AddSingleton<AliasService>();
        services.AddSingleton<ColleagueService>();
        services.AddSingleton<QuotaWatch>();
        services.AddHostedService<QuotaWarner>();
        services.AddSingleton<OwnerNoticeQueue>();
        services.AddSingleton<SenderRewriting>();
        services.AddSingleton<RecipientDirectory>();
        return services;
    }

    private static IServiceCollection AddMessages(this IServiceCollection services)
    {
        services.AddOptions<MailWriterOptions>().BindConfiguration(MailWriterOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<FileBlobStore>();
        services.AddSingleton<IBlobStore>(provider => provider.GetRequiredService<FileBlobStore>());
        services.AddHostedService(provider => provider.GetRequiredService<FileBlobStore>());
        services.AddSingleton<ContentReader>();
        services.AddSingleton<ContentSpoolFactory>();
        services.AddSingleton<DiskSpace>();
        services.AddSingleton<MailLanes>();
        services.AddSingleton<SystemNotices>();
        services.AddSingleton<SetAside>();
        services.AddSingleton<MailWriter>();
        services.AddHostedService(provider => provider.GetRequiredService<MailWriter>());
        services.AddSingleton<TraceWriter>();
        services.AddHostedService(provider => provider.GetRequiredService<TraceWriter>());
        return services.AddMailboxReading();
    }

    private static IServiceCollection AddQueue(this IServiceCollection services)
    {
        services.AddSingleton<QueueService>();
        services.AddSingleton<RouteService>();
        services.AddSingleton<RouteSelector>();
        services.AddSingleton<MailQueue>();
        services.AddSingleton<QueuedMessages>();
        services.AddSingleton<DeliveryHealth>();
        services.AddSingleton<ThisNode>();
        services.AddSingleton<JobLeases>();
        services.AddSingleton<NodeHeartbeat>();
        services.AddHostedService(provider => provider.GetRequiredService<NodeHeartbeat>());
        services.AddSingleton<IWorkKind, QueueActWork>();
        services.AddSingleton<WorkRunner>();
        services.AddSingleton<WorkService>();
        services.AddHostedService(provider => provider.GetRequiredService<WorkRunner>());
        return services;
    }

    private static IServiceCollection AddProtection(this IServiceCollection services)
    {
        services.AddSingleton<SenderLists>();
        services.AddHostedService(provider => provider.GetRequiredService<SenderLists>());
        services.AddSingleton<ListService>();
        services.AddSingleton<CurrentPolicy<SenderPolicy>>();
        services.AddSingleton<PolicyService<SenderPolicy>>();
        services.AddOptions<QuarantineOptions>().BindConfiguration(QuarantineOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<QuarantineService>();
        services.AddSingleton<IWorkKind, QuarantineActWork>();
        services.AddSingleton<QuarantineKeeper>();
        services.AddHostedService(provider => provider.GetRequiredService<QuarantineKeeper>());
        return services;
    }

    private static IServiceCollection AddCertificates(this IServiceCollection services)
    {
        services.AddOptions<TlsOptions>().BindConfiguration(TlsOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<TlsOptions>, TlsOptionsValidator>();
        services.AddSingleton<ServerCertificates>();
        services.AddHostedService<CertificateWatch>();
        services.AddSingleton<CertificateService>();
        return services;
    }

    private static IServiceCollection AddTraceAuditAndLogs(this IServiceCollection services)
    {
        services.AddSingleton<TraceService>();
        services.AddSingleton<PersonalMailService>();
        services.AddHostedService<TraceIndexer>();
        services.AddHostedService<TracePartitionKeeper>();
        services.AddOptions<TraceOptions>().BindConfiguration(TraceOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<TraceRemover>();
        services.AddHostedService<TraceKeeper>();
        services.AddSingleton<AuditService>();
        services.AddSingleton<ExportService>();
        services.AddOptions<LogOptions>().BindConfiguration(LogOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton(provider => new LogStore(
            Path.Combine(provider.GetRequiredService<IOptions<StorageOptions>>().Value.DataFolder, "logs.db"), provider.GetRequiredService<IOptions<LogOptions>>().Value, provider.GetRequiredService<TimeProvider>()));
        services.AddHostedService(provider => provider.GetRequiredService<LogStore>());
        services.AddSingleton<LogService>();
        return services;
    }

    private sealed class DatabaseOptionsValidator : IValidateOptions<DatabaseOptions>
    {
        public ValidateOptionsResult Validate(string? name, DatabaseOptions options) =>
            options.Provider == DatabaseProvider.Postgres && string.IsNullOrWhiteSpace(options.ConnectionString)
                ? ValidateOptionsResult.Fail(SettingFault.Of("ConnectionStringMissing", "Portal:Database:ConnectionString", "Portal:Database:Provider"))
                : ValidateOptionsResult.Success;
    }
}
