using System.Text.RegularExpressions;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core;

/// <summary>Whoever reads a comment can follow what it cites: the page is in docs, and has the section.</summary>
public partial class CitationTests
{
    private static readonly string[] Places = ["Portal.Core", "Portal.Smtp", "Portal.Web", "Portal.Tests", "docs", "bench", "eng"];
    private static readonly string[] Endings = [".cs", ".razor", ".md", ".css", ".js", ".sh", ".smtp"];

    [Fact]
    public void Every_page_that_is_cited_has_the_section()
    {
        var pages = new Dictionary<string, HashSet<string>> { ["DESIGN"] = SectionsOf("design.md"), ["PORTAL"] = SectionsOf("portal.md") };
        var cited = Files().SelectMany(f => Citation().Matches(File.ReadAllText(f)).Select(m => (Path: Relative(f), Match: m))).ToList();

        Assert.Empty(cited.Where(c => !IsThere(c.Match, pages)).Select(c => $"{c.Path}: {c.Match.Value}"));
        Assert.All(pages.Keys, page => Assert.Contains(cited, c => c.Match.Groups["page"].Value == page));   // the pattern does find what it looks for
    }

    /// <summary>A page without a section is too long to be looked through.</summary>
    private static bool IsThere(Match citation, Dictionary<string, HashSet<string>> pages)
    {
        var sections = citation.Groups["section"].Captures.Select(s => s.Value).ToList();
        return sections.Count > 0 && pages.TryGetValue(citation.Groups["page"].Value, out var known) && sections.TrueForAll(known.Contains);
    }

    private static HashSet<string> SectionsOf(string page) =>
        [.. Heading().Matches(File.ReadAllText(Path.Combine(Repository.Root, "docs", page))).Select(m => m.Groups["section"].Value)];

    private static IEnumerable<string> Files() =>
        Places.SelectMany(p => Directory.EnumerateFiles(Path.Combine(Repository.Root, p), "*", SearchOption.AllDirectories))
            .Concat(Directory.EnumerateFiles(Repository.Root, "*.md"))
            .Where(f => Endings.Contains(Path.GetExtension(f)) && Path.GetFileName(f) != $"{nameof(CitationTests)}.cs")
            .Where(f => !Relative(f).Contains("/obj/", StringComparison.Ordinal) && !Relative(f).Contains("/bin/", StringComparison.Ordinal));

    private static string Relative(string file) => Path.GetRelativePath(Repository.Root, file).Replace('\\', '/');

    // Not what follows an @: addresses are written in capitals too.
    [GeneratedRegex(@"(?<!@)\b(?<page>DESIGN|PORTAL|TRUST|STYLE|PEERS|DEPENDENCIES)\b(?: §(?<section>\d+)(?:, §(?<section>\d+))*)?")]
    private static partial Regex Citation();

    [GeneratedRegex(@"^## (?<section>\d+)\. ", RegexOptions.Multiline)]
    private static partial Regex Heading();
}
