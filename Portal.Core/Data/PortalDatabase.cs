using Microsoft.EntityFrameworkCore;

namespace Portal.Core.Data;

/// <summary>Offers the provider's context under the base type, joined to gate and feed.</summary>
internal sealed class PortalDatabase<TContext>(IDbContextFactory<TContext> provider, WriteGate gate, ChangeFeed feed) : IDbContextFactory<PortalDbContext>
    where TContext : PortalDbContext
{
    public PortalDbContext CreateDbContext()
    {
        var context = provider.CreateDbContext();
        (context.Gate, context.Feed) = (gate, feed);
        return context;
    }
}
