using Microsoft.AspNetCore.Builder;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Portal.Core.Data;

namespace Portal.Tests.Fixtures;

/// <summary>A database, away for as long as the test says.</summary>
internal sealed class LosableDatabase
{
    private volatile bool isLost;

    public bool IsLost { get => isLost; set => isLost = value; }

    /// <summary>For <see cref="PortalHostWishes.Configure"/>.</summary>
    public void Configure(WebApplicationBuilder builder) => Configure(builder.Services);

    /// <summary>For <see cref="TestDatabase.CreateAsync"/>.</summary>
    public void Configure(IServiceCollection services)
    {
        var real = services.Single(s => s.ServiceType == typeof(IDbContextFactory<PortalDbContext>)).ImplementationType!;
        services.AddSingleton<IDbContextFactory<PortalDbContext>>(provider => new Factory(this, (IDbContextFactory<PortalDbContext>)ActivatorUtilities.CreateInstance(provider, real)));
    }

    private sealed class Factory(LosableDatabase state, IDbContextFactory<PortalDbContext> real) : IDbContextFactory<PortalDbContext>
    {
        public PortalDbContext CreateDbContext() => state.IsLost ? throw new TimeoutException("The test has taken the database away.") : real.CreateDbContext();
    }
}
