using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Portal.Core.Data;

namespace Portal.Core.Messages;

/// <summary>Opens lanes for the configured database, and asks it on others what the writer has to know beside them.</summary>
public sealed class MailLanes(IDbContextFactory<PortalDbContext> databases, IOptions<StorageOptions> storage, IOptions<DatabaseOptions> database, TimeProvider clock)
{
    internal FolderIds FolderIds { get; } = new(databases);

    internal UnclearCommit Unclear { get; } = new(databases, clock);

    internal async Task<MailLane> OpenAsync()
    {
        await using var db = await databases.CreateDbContextAsync();
        return database.Value.Provider == DatabaseProvider.Sqlite
            ? new SqliteMailLane(storage.Value.DatabaseFile, db.Model)
            : await PostgresMailLane.OpenAsync(database.Value.ConnectionString!, db.Model);
    }
}
