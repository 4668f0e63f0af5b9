using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;
using Portal.Core.Data;
using Portal.Tests.Fixtures;
using Portal.Web.Hosting;

namespace Portal.Tests.Web.Hosting;

/// <summary>docs/settings.md, appsettings.json and the options classes say the same.</summary>
public partial class SettingsTests
{
    private static readonly Assembly[] Ours = [typeof(StorageOptions).Assembly, Assembly.Load("Portal.Smtp"), typeof(HostingOptions).Assembly];

    private static readonly Dictionary<string, string?> InCode =
        Options().SelectMany(o => Settable(o.Type, o.Section)).GroupBy(s => s.Key).ToDictionary(g => g.Key, g => g.First().Default);

    [Fact]
    public void Every_setting_is_documented_with_its_default_and_nothing_else_is()
    {
        var documented = Row().Matches(File.ReadAllText(Path.Combine(Repository.Root, "docs", "settings.md"))).ToDictionary(m => m.Groups["key"].Value, m => m.Groups["default"].Value.Trim('`', ' '));

        Assert.Equal(InCode.Keys.Order(), documented.Keys.Order());
        foreach (var (key, value) in InCode.Where(s => s.Value is not null)) Assert.True(documented[key] == value, $"{key}: the code says {value}, docs/settings.md {documented[key]}");
    }

    [Fact]
    public void Every_setting_stands_in_the_settings_file_with_its_default_and_nothing_else_does()
    {
        var file = new ConfigurationBuilder().AddJsonFile(Path.Combine(Repository.Root, "appsettings.json")).Build();
        var written = file.AsEnumerable().Where(pair => !file.GetSection(pair.Key).GetChildren().Any()).ToDictionary(pair => pair.Key, pair => pair.Value is "True" or "False" ? pair.Value.ToLowerInvariant() : pair.Value);

        Assert.Equal(InCode.Keys.Order(), written.Keys.Order());
        foreach (var (key, value) in InCode) Assert.True((value ?? "") == (written[key] ?? ""), $"{key}: the code says {value}, appsettings.json {written[key]}");
    }

    private static IEnumerable<(Type Type, string Section)> Options() =>
        from type in Ours.SelectMany(a => a.GetTypes())
        let section = type.GetField("Section", BindingFlags.Public | BindingFlags.Static)?.GetRawConstantValue() as string
        where section is not null
        select (type, section);

    private static IEnumerable<(string Key, string? Default)> Settable(Type type, string section)
    {
        var defaults = Activator.CreateInstance(type)!;
        foreach (var property in type.GetProperties().Where(p => p.SetMethod is not null))
        {
            if (property.Name == "HostName" && section != "Portal") continue;   // taken from Portal:HostName
            var value = property.GetValue(defaults);
            if (value?.GetType() is { IsNested: true, IsClass: true } nested)
            {
                foreach (var inner in nested.GetProperties()) yield return ($"{section}:{property.Name}:{inner.Name}", Text(inner.GetValue(value)));
            }
            else
            {
                yield return ($"{section}:{property.Name}", Text(value));
            }
        }
    }

    private static string? Text(object? value) => value switch
    {
        null or "" or System.Collections.ICollection => null,   // worded in the document
        bool flag => flag ? "true" : "false",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture),
    };

    [GeneratedRegex(@"^\| `(?<key>Portal:[^`]+)` \| (?<default>[^|]*) \|", RegexOptions.Multiline)]
    private static partial Regex Row();
}
