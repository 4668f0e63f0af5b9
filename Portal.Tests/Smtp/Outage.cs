using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Portal.Core.Data;

namespace Portal.Tests.Smtp;

/// <summary>A database that can be switched off.</summary>
internal sealed class Outage
{
    private volatile bool isOn;

    public bool IsOn { get => isOn; set => isOn = value; }

    public void PutIn(IServiceCollection services)
    {
        var real = services.Last(s => s.ServiceType == typeof(IDbContextFactory<PortalDbContext>)).ImplementationType!;
        services.AddSingleton(real);
        services.RemoveAll<IDbContextFactory<PortalDbContext>>();
        services.AddSingleton<IDbContextFactory<PortalDbContext>>(provider => new Switched(this, (IDbContextFactory<PortalDbContext>)provider.GetRequiredService(real)));
    }

    private sealed class Switched(Outage outage, IDbContextFactory<PortalDbContext> real) : IDbContextFactory<PortalDbContext>
    {
        public PortalDbContext CreateDbContext() => outage.IsOn ? throw new InvalidOperationException("The database is away.") : real.CreateDbContext();
    }
}
