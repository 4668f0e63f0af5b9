using System.Reflection;
using Portal.Core;
using Portal.Core.Permissions;

namespace Portal.Tests.Core;

/// <summary>Where a role is held, seen from what is acted on.</summary>
public enum HeldIn
{
    Everything,

    /// <summary>The domain of what is acted on.</summary>
    ItsDomain,

    AnotherDomain,
}

/// <summary>One role against every method of a service: allowed ones are done, all others are <see cref="NotPermitted"/>.</summary>
internal static class PermissionMatrix
{
    /// <param name="calls">A call of each method, by name.</param>
    /// <param name="allowed">Names of those that must be done.</param>
    /// <param name="isHidden">Whether what is acted on lies outside the actor's scope: then the others may also read as if it were not there.</param>
    /// <param name="needNoActor">Methods whose right is a token: they take no actor.</param>
    public static async Task CheckAsync<TService>(IReadOnlyDictionary<string, Func<Task<Outcome>>> calls, string allowed, bool isHidden = false, params string[] needNoActor)
    {
        var methods = typeof(TService).GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly).Where(m => !m.IsSpecialName && !needNoActor.Contains(m.Name)).ToList();
        Assert.All(methods, m => Assert.Equal(typeof(Actor), m.GetParameters().FirstOrDefault()?.ParameterType));
        Assert.Equal(methods.Select(m => m.Name).Distinct().Order(StringComparer.Ordinal), calls.Keys.Order(StringComparer.Ordinal));

        var may = allowed.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Assert.Empty(may.Except(calls.Keys));
        foreach (var (name, call) in calls)
        {
            var outcome = await call();
            if (may.Contains(name)) Assert.True(outcome.IsDone, $"{name} should be allowed, but: {outcome.Refusal?.Key}");
            else Assert.True(outcome.Refusal is NotPermitted || (isHidden && outcome.Refusal is NotFound or Invalid { Key: "DomainUnknown" }), $"{name} should be forbidden, but: {outcome.Refusal?.Key ?? "done"}");
        }
    }
}
