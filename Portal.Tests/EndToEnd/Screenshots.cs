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
            {
                // The window is made as tall as the page: a picture of more than the window leaves out what lies in a sticky menu.
                await person.Page.SetViewportSizeAsync(width, height);
                var tall = await person.Page.EvaluateAsync<int>("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(document.documentElement.scrollHeight))))");
                await person.Page.SetViewportSizeAsync(width, Math.Clamp(tall, height, MaxHeight));
                var shot = string.Create(CultureInfo.InvariantCulture, $"{file}-{language}-{(dark ? "dark" : "light")}-{width}");
                await person.Page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(Folder, shot + ".png") });
                await person.Page.SetViewportSizeAsync(width, height);
                findings.AddRange((await LookAsync(person)).Select(finding => $"{shot}: {finding}"));
            }
        }

        return findings;
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
        if (await person.Page.Locator("h1").CountAsync() != 1) findings.Add("not one h1");
        if (await person.Page.Locator("main").CountAsync() != 1) findings.Add("not one main");
        return findings;
    }
}
