using System.Reflection;
using Microsoft.AspNetCore.Components;
using Portal.Core;
using Portal.Core.Permissions;

namespace Portal.Tests.Core;

/// <summary>Rules of the house that the compiler doesn't know (DESIGN §2, §6).</summary>
public class ArchitectureTests
{
    /// <summary>Methods that serve an actor without being told who: look-ups for the machine itself, each with its reason.</summary>
    private static readonly Dictionary<string, string> NeedNoActor = new()
    {
        ["AccountService.RedeemFirstPasswordAsync"] = "the token is the authority",
        ["AccountService.FindLinkAsync"] = "the token is the authority",
        ["SetupService.IsSetUpAsync"] = "tells only whether there is an administrator",
        ["SetupService.IssueLinkAsync"] = "called by the start itself, prints to the console",
        ["SetupService.CheckLinkAsync"] = "the token is the authority",
    };

    [Fact]
    public void Every_method_of_a_service_takes_an_actor_first()
    {
        var missing = typeof(Outcome).Assembly.GetTypes()
            .Where(t => t.IsPublic && t.Name.EndsWith("Service", StringComparison.Ordinal))
            .SelectMany(t => t.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly))
            .Where(m => typeof(Task).IsAssignableFrom(m.ReturnType) || m.ReturnType.Name.StartsWith("ValueTask", StringComparison.Ordinal))
            .Where(m => m.GetParameters().FirstOrDefault()?.ParameterType != typeof(Actor))
            .Select(m => $"{m.DeclaringType!.Name}.{m.Name}")
            .Where(name => !NeedNoActor.ContainsKey(name))
            .Distinct();

        Assert.Empty(missing);
    }

    [Fact]
    public void References_run_web_to_smtp_to_core_and_never_back()
    {
        Assert.DoesNotContain(Referenced(typeof(Outcome).Assembly), name => name.StartsWith("Portal.", StringComparison.Ordinal));
        Assert.DoesNotContain("Portal.Web", Referenced(typeof(Portal.Smtp.SmtpOptions).Assembly));
        Assert.DoesNotContain("MudBlazor", Referenced(typeof(Portal.Smtp.SmtpOptions).Assembly));
    }

    /// <summary>Files of the host that reach for the database or for Identity themselves, each with its reason.</summary>
    private static readonly Dictionary<string, string> MayTouchTheDatabase = new()
    {
        ["Portal.Web/Security/KeyRing.cs"] = "Data Protection's own store",
        ["Portal.Web/Hosting/Server.cs"] = "the start",
        ["Portal.Web/Hosting/FrontDoor.cs"] = "/health/ready asks the database itself",
        ["Portal.Web/Hosting/SystemWatch.cs"] = "looks whether the database is there",
        ["Portal.Web/Cli/Demo/DemoSeeder.cs"] = "invents what no service would let anybody do",
    };

    [Fact]
    public void Pages_endpoints_and_command_line_go_through_services_only()
    {
        string[] banned = ["DbContext", "DbSet", "UserManager", "SignInManager", "RoleManager", "WriteGate", "NpgsqlConnection", "SqliteConnection", "using Microsoft.EntityFrameworkCore"];
        var found = Web.Sources.Code.Where(c => c.Path.StartsWith("Portal.Web/", StringComparison.Ordinal))
            .Where(c => Array.Exists(banned, c.Text.Contains)).Select(c => c.Path).Order(StringComparer.Ordinal);

        Assert.Equal(MayTouchTheDatabase.Keys.Order(StringComparer.Ordinal), found);
    }

    [Fact]
    public void Pages_take_text_from_the_address_and_read_it_themselves()   // of another type, one that is mistyped ends in a fault
    {
        var others = typeof(Portal.Web.Components.App).Assembly.GetTypes()
            .SelectMany(t => t.GetProperties(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.DeclaredOnly))
            .Where(p => p.GetCustomAttribute<SupplyParameterFromQueryAttribute>() is not null && p.PropertyType != typeof(string))
            .Select(p => $"{p.DeclaringType!.Name}.{p.Name}");

        Assert.Empty(others);
    }

    private static IEnumerable<string> Referenced(Assembly assembly) => assembly.GetReferencedAssemblies().Select(a => a.Name!);
}
