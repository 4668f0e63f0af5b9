using System.Reflection;
using Portal.Core;
using Portal.Core.Permissions;

namespace Portal.Tests.Core;

/// <summary>One role against every method of a service: allowed ones are done, all others are <see cref="NotPermitted"/>.</summary>
internal static class PermissionMatrix
{
    public static async Task CheckAsync<TService>(IReadOnlyDictionary<string, Func<Task<Outcome>>> calls, string allowed)
    {
        var methods = typeof(TService).GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly).Where(m => !m.IsSpecialName).ToList();
        Assert.All(methods, m => Assert.Equal(typeof(Actor), m.GetParameters().FirstOrDefault()?.ParameterType));
        Assert.Equal(methods.Select(m => m.Name).Distinct().Order(StringComparer.Ordinal), calls.Keys.Order(StringComparer.Ordinal));

        var may = allowed.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        foreach (var (name, call) in calls)
        {
            var outcome = await call();
            if (may.Contains(name)) Assert.True(outcome.IsDone, $"{name} should be allowed, but: {outcome.Refusal?.Key}");
            else Assert.True(outcome.Refusal is NotPermitted, $"{name} should be forbidden, but: {outcome.Refusal?.Key ?? "done"}");
        }
    }
}
