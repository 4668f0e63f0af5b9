using Microsoft.AspNetCore.DataProtection.EntityFrameworkCore;
using Microsoft.AspNetCore.Identity.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage.ValueConversion;
using Portal.Core.Accounts;
using Portal.Core.Alerts;
using Portal.Core.Audit;
using Portal.Core.Domains;
using Portal.Core.Jobs;
using Portal.Core.Lists;
using Portal.Core.Mailboxes;
using Portal.Core.Messages;
using Portal.Core.Permissions;
using Portal.Core.Quarantine;
using Portal.Core.Queue;
using Portal.Core.Recipients;
using Portal.Core.Trace;

namespace Portal.Core.Data;

/// <summary>The one model. Each provider has a thin subclass that owns its migrations and quirks.</summary>
public abstract class PortalDbContext(DbContextOptions options) : IdentityUserContext<Account, Guid>(options), IDataProtectionKeyContext
{
    private readonly HashSet<Change> raised = [];
    private readonly HashSet<Guid> touchedMailboxes = [];

    public DbSet<Account> Accounts => Set<Account>();

    public DbSet<SignIn> SignIns => Set<SignIn>();

    public DbSet<SignInThrottle> SignInThrottles => Set<SignInThrottle>();

    public DbSet<OneTimeLink> OneTimeLinks => Set<OneTimeLink>();

    public DbSet<EndedSession> EndedSessions => Set<EndedSession>();

    public DbSet<SessionUse> SessionUses => Set<SessionUse>();

    public DbSet<SavedView> SavedViews => Set<SavedView>();

    public DbSet<RoleAssignment> RoleAssignments => Set<RoleAssignment>();

    public DbSet<Domain> Domains => Set<Domain>();

    public DbSet<OnwardRecipient> OnwardRecipients => Set<OnwardRecipient>();

    public DbSet<DkimKey> DkimKeys => Set<DkimKey>();

    public DbSet<Address> Addresses => Set<Address>();

    public DbSet<Forwarder> Forwarders => Set<Forwarder>();

    public DbSet<ForwarderTarget> ForwarderTargets => Set<ForwarderTarget>();

    public DbSet<Mailbox> Mailboxes => Set<Mailbox>();

    public DbSet<MailboxUse> MailboxUses => Set<MailboxUse>();

    public DbSet<Folder> Folders => Set<Folder>();

    public DbSet<Message> Messages => Set<Message>();

    public DbSet<Content> Contents => Set<Content>();

    public DbSet<MailItem> MailItems => Set<MailItem>();

    public DbSet<Expunged> Expunged => Set<Expunged>();

    public DbSet<QueueEntry> QueueEntries => Set<QueueEntry>();

    public DbSet<Route> Routes => Set<Route>();

    public DbSet<ListEntry> ListEntries => Set<ListEntry>();

    public DbSet<ListHits> ListHits => Set<ListHits>();

    public DbSet<QuarantineItem> QuarantineItems => Set<QuarantineItem>();

    public DbSet<MessageTrace> Traces => Set<MessageTrace>();

    public DbSet<TraceEvent> TraceEvents => Set<TraceEvent>();

    public DbSet<TraceRecipient> TraceRecipients => Set<TraceRecipient>();

    public DbSet<TraceTerm> TraceTerms => Set<TraceTerm>();

    public DbSet<AuditEntry> Audit => Set<AuditEntry>();

    public DbSet<Work> Work => Set<Work>();

    public DbSet<Node> Nodes => Set<Node>();

    public DbSet<JobLease> JobLeases => Set<JobLease>();

    public DbSet<OwnerNotice> OwnerNotices => Set<OwnerNotice>();

    public DbSet<Setting> Settings => Set<Setting>();

    public DbSet<ChangeCounter> ChangeCounters => Set<ChangeCounter>();

    public DbSet<SchemaVersion> SchemaVersions => Set<SchemaVersion>();

    public DbSet<DataProtectionKey> DataProtectionKeys => Set<DataProtectionKey>();

    /// <summary>Which of the two databases this is; asking EF's providers would load both of them.</summary>
    internal bool IsPostgres => this is PostgresPortalDbContext;

    /// <summary>Hears of committed changes; set by the factory, null at design time.</summary>
    internal ChangeFeed? Feed { get; set; }

    /// <summary>The gate every write of SQLite must hold; null where there is none.</summary>
    internal WriteGate? Gate { get; set; }

    /// <summary>Marks an area as changed: its counter rises in the transaction of the next save, the feed hears after the commit.</summary>
    public void Raise(Change area) => raised.Add(area);

    /// <summary>Marks a mailbox's items as changed: the feed hears of that mailbox after the commit; no counter rises, folders have their own.</summary>
    public void Touch(Guid mailboxId) => touchedMailboxes.Add(mailboxId);

    public override async Task<int> SaveChangesAsync(bool acceptAllChangesOnSuccess, CancellationToken cancellationToken = default)
    {
        Gate?.DemandHeld();
        if (raised.Count == 0) return await base.SaveChangesAsync(acceptAllChangesOnSuccess, cancellationToken);

        var outer = Database.CurrentTransaction;
        await using var own = outer is null ? await Database.BeginTransactionAsync(cancellationToken) : null;
        var saved = await base.SaveChangesAsync(acceptAllChangesOnSuccess, cancellationToken);
        foreach (var area in raised.Order())
            await ChangeCounters.Where(c => c.Area == area).ExecuteUpdateAsync(c => c.SetProperty(x => x.Value, x => x.Value + 1), cancellationToken);
        if (own is null) return saved;   // whoever owns the transaction publishes after its commit

        await own.CommitAsync(cancellationToken);
        PublishRaised();
        return saved;
    }

    /// <summary>Tells the feed what was raised and touched; called after the commit by whoever holds an explicit transaction.</summary>
    public void PublishRaised()
    {
        foreach (var area in raised) Feed?.Publish(area);
        foreach (var mailbox in touchedMailboxes) Feed?.Publish(Change.Mail, mailbox);
        raised.Clear();
        touchedMailboxes.Clear();
    }

    /// <summary>Saves what a person changed: null when it is saved, <see cref="Conflict.ChangedByOthers"/> when somebody else was faster.</summary>
    public async Task<Conflict?> SaveChangeAsync(CancellationToken cancel)
    {
        try
        {
            await SaveChangesAsync(cancel);
            return null;
        }
        catch (DbUpdateConcurrencyException)
        {
            return Conflict.ChangedByOthers;
        }
    }

    public override int SaveChanges(bool acceptAllChangesOnSuccess) => throw new NotSupportedException("SaveChangesAsync only: nothing here blocks a thread.");

    protected override void OnModelCreating(ModelBuilder builder)
    {
        base.OnModelCreating(builder);
        foreach (var entity in builder.Model.GetEntityTypes().Where(e => e.GetTableName()?.StartsWith("AspNet", StringComparison.Ordinal) == true))
            entity.SetTableName(entity.GetTableName()!.Replace("AspNetUser", "Account", StringComparison.Ordinal));
        builder.ApplyConfigurationsFromAssembly(typeof(PortalDbContext).Assembly);
        foreach (var entity in builder.Model.GetEntityTypes().Where(e => !e.IsOwned() && e.ClrType.Namespace?.StartsWith("Portal.", StringComparison.Ordinal) == true))
            entity.SetTableName(entity.ClrType.Name);
    }
}

/// <summary>SQLite: no DateTimeOffset of its own, Guid as sixteen bytes that sort by time.</summary>
public sealed class SqlitePortalDbContext(DbContextOptions<SqlitePortalDbContext> options) : PortalDbContext(options)
{
    // SQLite cannot compare or sort DateTimeOffset; UTC ticks can be compared, and keep every digit.
    protected override void ConfigureConventions(ModelConfigurationBuilder configurationBuilder)
    {
        configurationBuilder.Properties<DateTimeOffset>().HaveConversion<UtcTicks>();
        configurationBuilder.Properties<Guid>().HaveConversion<BigEndianBytes>();
    }

    private sealed class UtcTicks() : ValueConverter<DateTimeOffset, long>(at => at.UtcTicks, ticks => new DateTimeOffset(ticks, TimeSpan.Zero));

    private sealed class BigEndianBytes() : ValueConverter<Guid, byte[]>(id => id.ToByteArray(true), bytes => new Guid(bytes, true));
}

/// <summary>PostgreSQL: timestamptz takes offset zero only.</summary>
public sealed class PostgresPortalDbContext(DbContextOptions<PostgresPortalDbContext> options) : PortalDbContext(options)
{
    protected override void ConfigureConventions(ModelConfigurationBuilder configurationBuilder) =>
        configurationBuilder.Properties<DateTimeOffset>().HaveConversion<Utc>();

    private sealed class Utc() : ValueConverter<DateTimeOffset, DateTimeOffset>(at => at.ToUniversalTime(), at => at);
}
