using System.Resources;
using System.Text.RegularExpressions;
using MudBlazor;

namespace Portal.Tests.Web;

/// <summary>Both languages are whole, every word is used, and every key that is used has its word.</summary>
public partial class WordsTests
{
    public static TheoryData<string> Resources => [.. Sources.Resources];

    [Theory, MemberData(nameof(Resources))]
    public void Both_languages_have_the_same_keys_and_holes(string resource)
    {
        var (english, chinese) = (Sources.Words(resource), Sources.Words(resource, Sources.Chinese));

        Assert.Equal(english.Keys.Order(), chinese.Keys.Order());
        foreach (var (key, text) in english)
        {
            Assert.False(string.IsNullOrWhiteSpace(text) || string.IsNullOrWhiteSpace(chinese[key]), $"{resource}: {key} is empty");
            Assert.True(Holes(text).SetEquals(Holes(chinese[key])), $"{resource}: {key} has other holes: «{text}» «{chinese[key]}»");
        }
    }

    [Theory, MemberData(nameof(Resources))]
    public void Words_keep_to_the_style(string resource)
    {
        foreach (var (key, text) in Sources.Words(resource))
            Assert.False(Banned().IsMatch(text), $"{resource}: {key}: «{text}»");
        foreach (var (key, text) in Sources.Words(resource, Sources.Chinese))
            Assert.False(Glued().IsMatch(text), $"{resource}: {key}: a space stands between Chinese and Latin or digits: «{text}»");
    }

    [Theory, MemberData(nameof(Resources))]
    public void Every_word_is_used(string resource)
    {
        var name = Path.GetFileName(resource);
        var unused = Sources.Words(resource).Keys.Where(key => !IsUsed(name, key)).ToList();

        Assert.True(unused.Count == 0, $"{resource}: nobody says {string.Join(", ", unused)}");
    }

    [Fact]
    public void Every_key_a_page_says_has_its_word()
    {
        var missing = new List<string>();
        foreach (var (path, text) in Sources.Code.Where(c => c.Path.StartsWith("Portal.Web", StringComparison.Ordinal)))
        {
            // Parts of one component share what one of them injects.
            var stem = path.Replace(".razor.cs", ".razor", StringComparison.Ordinal);
            var injected = Sources.Code.Where(c => c.Path.Replace(".razor.cs", ".razor", StringComparison.Ordinal) == stem).SelectMany(c => Localizer().Matches(c.Text));
            foreach (var (variable, type) in injected.Select(m => (m.Groups["name"].Value, m.Groups["type"].Value.Split('.')[^1])).Distinct())
            {
                if (type == "Controls") continue;   // MudBlazor says its own keys
                var words = Sources.ResourceOf(type) is { } resource ? Sources.Words(resource) : null;
                foreach (var key in KeysSaid(text, variable))
                {
                    if (words is null || !words.Keys.Any(k => key.IsMatch(k))) missing.Add($"{path}: {type} has no {key}");
                }
            }
        }

        Assert.True(missing.Count == 0, string.Join('\n', missing));
    }

    [Fact]
    public void Every_refusal_has_its_word()
    {
        var words = Sources.Words(Sources.ResourceOf("Refusals")!);
        var missing = Sources.Code
            .SelectMany(c => Refused().Matches(c.Text).Select(m => (c.Path, Key: (m.Groups["kind"].Value == "NotFound" ? "NotFound" : "") + m.Groups["key"].Value)))
            .Where(r => !words.ContainsKey(r.Key)).Select(r => $"{r.Key} ({r.Path})").Distinct().ToList();

        Assert.True(missing.Count == 0, string.Join('\n', missing));
    }

    [Fact]
    public void Every_audited_action_has_its_word()
    {
        var words = Sources.Words(Sources.ResourceOf("Actions")!);
        var missing = Sources.Code
            .SelectMany(c => Audited().Matches(c.Text).Select(m => (c.Path, Key: m.Groups["key"].Value)))
            .Where(a => !words.ContainsKey(a.Key)).Select(a => $"{a.Key} ({a.Path})").Distinct().ToList();

        Assert.True(missing.Count == 0, string.Join('\n', missing));
    }

    [Fact]
    public void Words_for_controls_are_keys_of_MudBlazor()
    {
        var theirs = new ResourceManager("MudBlazor.Resources.LanguageResource", typeof(MudButton).Assembly);

        Assert.All(Sources.Words(Sources.ResourceOf("Controls")!).Keys, key => Assert.NotNull(theirs.GetString(key, System.Globalization.CultureInfo.InvariantCulture)));
    }

    private static bool IsUsed(string resource, string key)
    {
        if (resource == "Controls") return true;   // Words_for_controls_are_keys_of_MudBlazor looks at these
        var bare = key.EndsWith("_one", StringComparison.Ordinal) || key.EndsWith("_other", StringComparison.Ordinal) ? key[..key.LastIndexOf('_')] : key;
        if (Sources.Code.Any(c => c.Text.Contains($"\"{key}\"", StringComparison.Ordinal) || c.Text.Contains($"\"{bare}\"", StringComparison.Ordinal))) return true;
        if (key.StartsWith("NotFound", StringComparison.Ordinal) && Sources.Code.Any(c => c.Text.Contains($"NotFound(\"{key[8..]}\")", StringComparison.Ordinal))) return true;
        if (Sources.Code.Any(c => Interpolated().Matches(c.Text).Any(m => m.Groups["head"].Value.Length + m.Groups["tail"].Value.Length > 2
            && key.StartsWith(m.Groups["head"].Value, StringComparison.Ordinal) && key.EndsWith(m.Groups["tail"].Value, StringComparison.Ordinal)))) return true;

        // Banners and rules may be named by an enum: its member is the key.
        return Sources.Code.Any(c => Regex.IsMatch(c.Text, $@"^\s+{Regex.Escape(key)},?\s*$", RegexOptions.Multiline));
    }

    // What stands in L[…]: a literal, an interpolated one, or a choice between literals.
    private static IEnumerable<Regex> KeysSaid(string text, string variable)
    {
        foreach (Match said in Regex.Matches(text, $@"(?<![\w.]){variable}(?:\[|\.Plural\()(?<what>[^\]\)]*)"))
        {
            var isPlural = said.Value.StartsWith($"{variable}.Plural", StringComparison.Ordinal);
            var what = said.Groups["what"].Value;
            var literals = Literal().Matches(what).Cast<Match>();
            foreach (var literal in what.TrimStart().StartsWith('"') || what.TrimStart().StartsWith("$\"", StringComparison.Ordinal) ? literals.Take(1) : literals.Where(l => l.Groups["key"].Value.Length > 0))
            {
                var pattern = Regex.Escape(literal.Groups["key"].Value);
                if (literal.Value.StartsWith('$')) pattern = Regex.Replace(pattern, @"\\\{.*?(?:}|$)", ".+");
                yield return new Regex($"^{pattern}{(isPlural ? "_other" : "")}$");
            }
        }
    }

    private static HashSet<string> Holes(string text) => [.. Hole().Matches(text).Select(m => m.Value)];

    [GeneratedRegex(@"\{\w+\}")]
    private static partial Regex Hole();

    // PORTAL §9: no "please", no "successfully", no exclamation.
    [GeneratedRegex(@"\bplease\b|\bsuccessfully\b|!", RegexOptions.IgnoreCase)]
    private static partial Regex Banned();

    [GeneratedRegex(@"[一-鿿][A-Za-z0-9]|[A-Za-z0-9][一-鿿]|成功地|！")]
    private static partial Regex Glued();

    [GeneratedRegex(@"IStringLocalizer<(?<type>[\w.]+)>\s+(?<name>\w+)")]
    private static partial Regex Localizer();

    [GeneratedRegex(@"\$?""(?<key>[^""]*)""?")]
    private static partial Regex Literal();

    [GeneratedRegex(@"\$""(?<head>[\w.]*)\{[^""}]+\}(?<tail>[\w.]*)""")]
    private static partial Regex Interpolated();

    [GeneratedRegex(@"new (?:Portal\.Core\.|Core\.)?(?<kind>Invalid|Conflict|NotFound)\(""(?<key>\w+)""")]
    private static partial Regex Refused();

    [GeneratedRegex(@"AuditEntry\.Change\([^""]{0,200}""(?<key>[\w.]+)""")]
    private static partial Regex Audited();
}
