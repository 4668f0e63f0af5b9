using System.Text.RegularExpressions;
using Bunit;
using Portal.Web.Components.Shared;
using Portal.Web.Hosting;

namespace Portal.Tests.Web;

/// <summary>Waiting: under 300 ms nothing; then the final shape; over 2 s words (PORTAL §5).</summary>
public sealed partial class WaitingTests : PartsContext
{
    [Fact]
    public void A_screen_reader_is_told_the_words_and_not_each_row()
    {
        var waiting = Render<Waiting>(p => p.Add(w => w.Rows, 3));

        Assert.Equal(3, waiting.FindAll("[aria-busy=true] .skeleton").Count);
        Assert.Equal("Still loading…", Assert.Single(waiting.FindAll("[role=status]")).TextContent);
        Assert.Null(waiting.Find("[role=status]").Closest("[aria-busy]"));
    }

    [Theory]
    [InlineData(".waiting-shape", "opacity: 0", "appear .15s .3s forwards")]
    [InlineData(".waiting-words", "visibility: hidden", "tell .001s 2s forwards")]
    public async Task Each_part_appears_after_its_delay(string part, string before, string appears)
    {
        var style = await File.ReadAllTextAsync(Path.Combine(SourceTree.Root!, "Portal.Web/wwwroot/portal.css"), Xunit.TestContext.Current.CancellationToken);

        var rule = Assert.Single(Rules().Matches(style), m => m.Groups["selector"].Value.Trim() == part).Value;
        Assert.Contains(before, rule, StringComparison.Ordinal);
        Assert.Contains(appears, rule, StringComparison.Ordinal);
    }

    [GeneratedRegex("^(?<selector>[^{}@]+){[^}]*}", RegexOptions.Multiline)]
    private static partial Regex Rules();
}
