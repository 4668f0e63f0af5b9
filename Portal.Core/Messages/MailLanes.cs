using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Portal.Core.Data;

namespace Portal.Core.Messages;

/// <summary>Opens lanes for the configured database.</summary>
public sealed class MailLanes(IDbContextFactory<PortalDbContext> databases, IOptions<StorageOptions> storage, IOptions<DatabaseOptions> database)
{
    internal async Task<MailLane> OpenAsync()
    {
        await using var db = await databases.CreateDbContextAsync();
        return database.Value.Provider == DatabaseProvider.Sqlite
            ? new SqliteMailLane(storage.Value.DatabaseFile, db.Model)
            : await PostgresMailLane.OpenAsync(database.Value.ConnectionString!, db.Model);
    }
}
