using System.Text.RegularExpressions;
using MudBlazor;
using MudBlazor.Utilities;
using Portal.Web;
using Portal.Web.Hosting;

namespace Portal.Tests.Web;

/// <summary>Every pair of colours the portal puts together can be read (WCAG 2.2, 1.4.3 and 1.4.11).</summary>
public partial class ThemeTests
{
    public static TheoryData<string> Schemes => ["light", "dark"];

    [Theory, MemberData(nameof(Schemes))]
    public void Text_reaches_4_5_on_every_ground(string scheme)
    {
        var palette = PaletteOf(scheme);
        foreach (var (name, text) in Texts(palette))
        {
            foreach (var (ground, colour) in new[] { ("Background", palette.Background), ("Surface", palette.Surface), ("BackgroundGray", palette.BackgroundGray), ("TableHover", palette.TableHover) })
                Assert.True(Contrast(text, colour) >= 4.5, $"{name} on {ground}, {scheme}: {Contrast(text, colour):0.00}");
        }
    }

    [Theory, MemberData(nameof(Schemes))]
    public void Text_on_filled_buttons_reaches_4_5(string scheme)
    {
        var palette = PaletteOf(scheme);
        foreach (var (name, text, ground) in new[]
        {
            ("Primary", palette.PrimaryContrastText, palette.Primary), ("Error", palette.ErrorContrastText, palette.Error), ("Success", palette.SuccessContrastText, palette.Success),
            ("Warning", palette.WarningContrastText, palette.Warning), ("Info", palette.InfoContrastText, palette.Info), ("Secondary", palette.SecondaryContrastText, palette.Secondary),
        })
            Assert.True(Contrast(text, ground) >= 4.5, $"{name}, {scheme}: {Contrast(text, ground):0.00}");
    }

    [Theory, MemberData(nameof(Schemes))]
    public void Lines_of_inputs_reach_3_on_every_ground(string scheme)
    {
        var palette = PaletteOf(scheme);
        foreach (var ground in new[] { palette.Background, palette.Surface, palette.BackgroundGray })
            Assert.True(Contrast(palette.LinesInputs, ground) >= 3, $"{scheme}: {Contrast(palette.LinesInputs, ground):0.00}");
    }

    [Theory, MemberData(nameof(Schemes))]
    public void Chips_reach_4_5_on_their_tints(string scheme)
    {
        var palette = PaletteOf(scheme);
        var tints = scheme == "dark" ? PortalTheme.DarkTints : PortalTheme.LightTints;
        foreach (var (name, text, tint) in new[]
        {
            ("green", palette.Success, tints.Green), ("amber", palette.Warning, tints.Amber), ("red", palette.Error, tints.Red),
            ("blue", palette.Info, tints.Blue), ("grey", palette.TextSecondary, tints.Grey), ("current page", palette.Primary, tints.Blue),
        })
            Assert.True(Contrast(text, new MudColor(tint)) >= 4.5, $"{name}, {scheme}: {Contrast(text, new MudColor(tint)):0.00}");
    }

    [Fact]
    public void No_file_but_the_theme_holds_a_colour()
    {
        var web = Path.Combine(SourceTree.Root!, "Portal.Web");
        var files = Directory.EnumerateFiles(web, "*.*", SearchOption.AllDirectories)
            .Where(f => Path.GetExtension(f) is ".css" or ".razor" && !f.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal) && !f.Contains($"{Path.DirectorySeparatorChar}bin{Path.DirectorySeparatorChar}", StringComparison.Ordinal));

        var found = files.SelectMany(f => HexColour().Matches(File.ReadAllText(f)).Select(m => $"{Path.GetRelativePath(web, f)}: {m.Value}")).ToList();

        Assert.Empty(found);
    }

    private static Palette PaletteOf(string scheme) => scheme == "dark" ? PortalTheme.Dark : PortalTheme.Light;

    private static IEnumerable<(string, MudColor)> Texts(Palette p) =>
    [
        ("TextPrimary", p.TextPrimary), ("TextSecondary", p.TextSecondary), ("Primary", p.Primary), ("Secondary", p.Secondary), ("Tertiary", p.Tertiary),
        ("Success", p.Success), ("Warning", p.Warning), ("Error", p.Error), ("Info", p.Info),
    ];

    private static double Contrast(MudColor one, MudColor other)
    {
        var (a, b) = (Luminance(one), Luminance(other));
        return (Math.Max(a, b) + 0.05) / (Math.Min(a, b) + 0.05);
    }

    // WCAG 2.2, relative luminance.
    private static double Luminance(MudColor colour)
    {
        return (0.2126 * Linear(colour.R)) + (0.7152 * Linear(colour.G)) + (0.0722 * Linear(colour.B));

        static double Linear(byte value)
        {
            var part = value / 255.0;
            return part <= 0.04045 ? part / 12.92 : Math.Pow((part + 0.055) / 1.055, 2.4);
        }
    }

    [GeneratedRegex(@"(?<=[:\s""'(,])#(?:[0-9a-fA-F]{8}|[0-9a-fA-F]{6}|[0-9a-fA-F]{3})\b")]
    private static partial Regex HexColour();
}
