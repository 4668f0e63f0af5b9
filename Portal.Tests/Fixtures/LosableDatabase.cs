using Microsoft.AspNetCore.Builder;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Portal.Core.Data;

namespace Portal.Tests.Fixtures;

/// <summary>The host's database, away for as long as the test says.</summary>
internal sealed class LosableDatabase
{
    private volatile bool isLost;

    public bool IsLost { get => isLost; set => isLost = value; }

    /// <summary>For <see cref="PortalHostWishes.Configure"/>.</summary>
    public void Configure(WebApplicationBuilder builder)
    {
        var real = builder.Services.Single(s => s.ServiceType == typeof(IDbContextFactory<PortalDbContext>)).ImplementationType!;
        builder.Services.AddSingleton<IDbContextFactory<PortalDbContext>>(provider => new Factory(this, (IDbContextFactory<PortalDbContext>)ActivatorUtilities.CreateInstance(provider, real)));
    }

    private sealed class Factory(LosableDatabase state, IDbContextFactory<PortalDbContext> real) : IDbContextFactory<PortalDbContext>
    {
        public PortalDbContext CreateDbContext() => state.IsLost ? throw new TimeoutException("The test has taken the database away.") : real.CreateDbContext();
    }
}
