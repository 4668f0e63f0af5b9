using System.Xml.Linq;
using Portal.Web.Hosting;

namespace Portal.Tests.Web;

/// <summary>The source tree as the tests of words read it.</summary>
internal static class Sources
{
    public const string Chinese = "zh-Hans";

    private static readonly string[] Projects = ["Portal.Core", "Portal.Smtp", "Portal.Web"];

    /// <summary>Code and pages with their text; no tests, nothing generated.</summary>
    public static IReadOnlyList<(string Path, string Text)> Code { get; } =
        [.. Files("*.cs").Concat(Files("*.razor")).Where(f => !f.Contains("/Migrations/", StringComparison.Ordinal)).Select(f => (Relative(f), File.ReadAllText(f)))];

    /// <summary>Resource files of the neutral language, without extension.</summary>
    public static IReadOnlyList<string> Resources { get; } =
        [.. Files("*.resx").Where(f => !Path.GetFileNameWithoutExtension(f).Contains('.', StringComparison.Ordinal)).Select(f => Path.ChangeExtension(Relative(f), null)).Order()];

    /// <summary>The resource of a type, such as "MailboxesPage"; null when there is none.</summary>
    public static string? ResourceOf(string type) => Resources.SingleOrDefault(r => Path.GetFileName(r) == type);

    /// <summary>Words of a resource in a language; "" is the neutral one.</summary>
    public static IReadOnlyDictionary<string, string> Words(string resource, string language = "")
    {
        var file = Path.Combine(SourceTree.Root!, $"{resource}{(language.Length == 0 ? "" : "." + language)}.resx");
        return File.Exists(file)
            ? XDocument.Load(file).Root!.Elements("data").ToDictionary(d => d.Attribute("name")!.Value, d => d.Element("value")!.Value)
            : new Dictionary<string, string>();
    }

    private static IEnumerable<string> Files(string pattern) =>
        Projects.SelectMany(p => Directory.EnumerateFiles(Path.Combine(SourceTree.Root!, p), pattern, SearchOption.AllDirectories))
            .Select(f => f.Replace('\\', '/'))
            .Where(f => !f.Contains("/obj/", StringComparison.Ordinal) && !f.Contains("/bin/", StringComparison.Ordinal));

    private static string Relative(string file) => Path.GetRelativePath(SourceTree.Root!, file).Replace('\\', '/');
}
