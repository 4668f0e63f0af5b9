using System.Globalization;
using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using Portal.Web.Hosting;

namespace Portal.Tests.EndToEnd;

/// <summary>Looks at pages as a critic does: takes each in both languages, both schemes, on a desktop and on a phone, and asks axe.</summary>
public sealed class Screenshots(Browser browser)
{
    private static readonly (int Width, int Height)[] Sizes = [(1280, 800), (360, 740)];

    private const int MaxHeight = 4000;

    /// <summary>What can be pressed or typed into and reaches over the right edge, unless it stands in something that scrolls, or that is there for screen readers only.</summary>
    private const string CutControls = """
        () => {
            const scrolls = e => e && (["auto", "scroll"].includes(getComputedStyle(e).overflowX) || scrolls(e.parentElement));
            const unseen = e => e && (e.getBoundingClientRect().width <= 1 || unseen(e.parentElement));
            return [...document.querySelectorAll("main a, main button, main input, main textarea, main [tabindex]")]
                .filter(e => e.checkVisibility({ visibilityProperty: true }) && !unseen(e) && e.getBoundingClientRect().right > innerWidth + 1 && !scrolls(e.parentElement))
                .map(e => e.outerHTML.slice(0, 200));
        }
        """;

    /// <summary>What a thumb misses in Mail, Account and Helpdesk on a phone: pressed or typed into, and, with the label or frame it stands in, under 44 px high.</summary>
    private const string SmallTargets = """
        () => innerWidth > 599 || !/^[/](mail|account|helpdesk)([/]|$)/.test(location.pathname) ? [] :
            [...document.querySelectorAll(":is(.bar, main, .mud-dialog) :is(button, input, select, textarea, .mud-button-root)")]
                .filter(e => e.type !== "hidden" && e.checkVisibility({ visibilityProperty: true }) && e.getBoundingClientRect().width > 1)
                .filter(e => Math.max(...[e, e.closest("label"), e.closest(".address-box, .mud-input")].map(x => x?.getBoundingClientRect().height ?? 0)) < 43.5)
                .map(e => e.outerHTML.slice(0, 200))
        """;

    /// <summary>The contrast between the most frequent colour of a picture and the one farthest from it (WCAG 2.2, relative luminance).</summary>
    private const string Contrast = """
        async data => {
            const image = new Image();
            image.src = "data:image/png;base64," + data;
            await image.decode();
            const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
            canvas.drawImage(image, 0, 0);
            const pixels = canvas.getImageData(4, 4, image.width - 8, image.height - 8).data, counts = new Map();
            const part = c => c <= 0.04045 * 255 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4;
            for (let i = 0; i < pixels.length; i += 4) {
                const light = 0.2126 * part(pixels[i]) + 0.7152 * part(pixels[i + 1]) + 0.0722 * part(pixels[i + 2]);
                counts.set(light, (counts.get(light) ?? 0) + 1);
            }
            const ground = [...counts].reduce((a, b) => a[1] >= b[1] ? a : b)[0];
            return Math.max(...[...counts.keys()].map(c => (Math.max(c, ground) + 0.05) / (Math.min(c, ground) + 0.05)));
        }
        """;

    public static string Folder { get; } = Directory.CreateDirectory(Path.Combine(SourceTree.Root!, "artifacts", "screenshots")).FullName;

    /// <summary>What a page is taken through before its picture, by its file name; null for nothing.</summary>
    public Func<Person, string, Task>? Prepare { get; init; }

    /// <summary>Takes the pages as this account; fails with everything found: serious findings of axe, faults of the console, sideways scroll.</summary>
    /// <param name="portal">Where the portal is.</param>
    /// <param name="name">Login name; null for a visitor.</param>
    /// <param name="pages">File name and address of each.</param>
    public async Task TakeAsync(Uri portal, string? name, string password, params (string Name, string Path)[] pages)
    {
        var looks = from language in new[] { "en", "zh-Hans" } from dark in new[] { false, true } select LookAsync(portal, language, dark, name, password, pages);
        var findings = (await Task.WhenAll(looks)).SelectMany(found => found).ToList();

        Assert.True(findings.Count == 0, string.Join('\n', findings));
    }

    private async Task<List<string>> LookAsync(Uri portal, string language, bool dark, string? name, string password, (string Name, string Path)[] pages)
    {
        var findings = new List<string>();
        await using var person = await browser.NewPersonAsync(portal, language, dark);
        if (name is not null) await person.SignInAsync(name, password);
        foreach (var (file, path) in pages)
        {
            await person.OpenAsync(path);
            if (Prepare is not null) await Prepare(person, file);
            foreach (var (width, height) in Sizes)
                findings.AddRange(await TakeAsync(person, string.Create(CultureInfo.InvariantCulture, $"{file}-{language}-{(dark ? "dark" : "light")}-{width}"), width, height));
        }

        return findings;
    }

    /// <summary>Takes the page on the screen at a size, and says what is wrong with it.</summary>
    /// <param name="shot">File name of the picture, without its ending.</param>
    public static async Task<IEnumerable<string>> TakeAsync(Person person, string shot, int width, int height)
    {
        // The window is made as tall as the page: a picture of more than the window leaves out what lies in a sticky menu.
        await person.Page.SetViewportSizeAsync(width, height);
        var tall = await person.Page.EvaluateAsync<int>("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(document.documentElement.scrollHeight))))");
        await person.Page.SetViewportSizeAsync(width, Math.Clamp(tall, height, MaxHeight));
        await person.Page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(Folder, shot + ".png") });
        await person.Page.SetViewportSizeAsync(width, height);
        return (await LookAsync(person)).Select(finding => $"{shot}: {finding}");
    }

    /// <summary>How well text can be read where no script may look: 1 is not at all, 21 black on white.</summary>
    public static async Task<double> ContrastAsync(ILocator part)
    {
        var picture = Convert.ToBase64String(await part.ScreenshotAsync());
        var desk = await part.Page.Context.NewPageAsync();   // of no portal, so under no policy of its
        return await desk.EvaluateAsync<double>(Contrast, picture);
    }

    /// <summary>What is wrong with the page on the screen.</summary>
    public static async Task<IReadOnlyList<string>> LookAsync(Person person)
    {
        var findings = new List<string>(person.Faults.Select(fault => $"console: {fault}"));
        person.Faults.Clear();
        // The body of a mail is a frame in which no script runs, axe neither.
        var axe = await person.Page.RunAxe(new AxeRunOptions { Iframes = false, RunOnly = new RunOnlyOptions { Type = "tag", Values = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] } });
        findings.AddRange(axe.Violations.Where(v => v.Impact is "serious" or "critical").Select(v => $"axe {v.Id}: {string.Join("; ", v.Nodes.Select(n => n.Html))}"));
        var sideways = await person.Page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - document.documentElement.clientWidth");
        if (sideways > 0) findings.Add($"scrolls sideways by {sideways} px");
        findings.AddRange((await person.Page.EvaluateAsync<string[]>(CutControls)).Select(control => $"cut at the right: {control}"));
        findings.AddRange((await person.Page.EvaluateAsync<string[]>(SmallTargets)).Select(control => $"too small for a thumb: {control}"));
        if (await person.Page.Locator("h1").CountAsync() != 1) findings.Add("not one h1");
        if (await person.Page.Locator("main").CountAsync() != 1) findings.Add("not one main");
        return findings;
    }
}
