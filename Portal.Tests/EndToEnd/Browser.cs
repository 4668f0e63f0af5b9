using Microsoft.Playwright;

namespace Portal.Tests.EndToEnd;

/// <summary>Debian's Chromium, started once for all tests of the screen.</summary>
public sealed class Browser : IAsyncLifetime
{
    private static readonly string[] Arguments =
    [
        "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ];

    private IPlaywright? playwright;
    private IBrowser? chromium;

    public async ValueTask InitializeAsync()
    {
        Assertions.SetDefaultExpectTimeout(30_000);
        playwright = await Playwright.CreateAsync();
        chromium = await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions { ExecutablePath = Find(), Args = Arguments });
    }

    /// <summary>A person at a screen: cookies of their own, English, light, a desktop's width unless said otherwise. Every fault of a script or request is noted.</summary>
    public async Task<Person> NewPersonAsync(Uri portal, string language = "en", bool dark = false, int width = 1280, int height = 800)
    {
        var context = await chromium!.NewContextAsync(new BrowserNewContextOptions
        {
            BaseURL = portal.ToString(),
            Locale = language == "zh-Hans" ? "zh-CN" : language,
            ColorScheme = dark ? ColorScheme.Dark : ColorScheme.Light,
            ReducedMotion = ReducedMotion.Reduce,
            ViewportSize = new ViewportSize { Width = width, Height = height },
            TimezoneId = "Europe/Berlin",
            IgnoreHTTPSErrors = true,
        });
        context.SetDefaultTimeout(60_000);
        return new Person(context, await context.NewPageAsync());
    }

    public async ValueTask DisposeAsync()
    {
        if (chromium is not null) await chromium.DisposeAsync();
        playwright?.Dispose();
    }

    private static string Find() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Select(folder => Path.Combine(folder, "chromium")).FirstOrDefault(File.Exists)
        ?? throw new InvalidOperationException("chromium is not installed: ./test.sh installs what the tests need.");
}

/// <summary>A browser window of one person.</summary>
public sealed class Person : IAsyncDisposable
{
    private readonly IBrowserContext context;

    internal Person(IBrowserContext context, IPage page)
    {
        (this.context, Page) = (context, page);
        page.Console += (_, message) =>
        {
            // The browser also complains of a page that is meant to answer 404.
            if (message.Type == "error" && !(message.Text.Contains("404", StringComparison.Ordinal) && message.Location.StartsWith(page.Url, StringComparison.Ordinal))) Faults.Add(message.Text);
        };
        page.PageError += (_, error) => Faults.Add(error);
    }

    public IPage Page { get; }

    /// <summary>What the console complained of: scripts, refused styles, missing files.</summary>
    public List<string> Faults { get; } = [];

    public async Task SignInAsync(string name, string password)
    {
        await Page.GotoAsync("sign-in");
        await Page.FillAsync("#name", name);
        await Page.FillAsync("#password", password);
        await Page.ClickAsync("button[type=submit]");
        await Page.WaitForURLAsync(url => !url.Contains("sign-in", StringComparison.Ordinal), new() { WaitUntil = WaitUntilState.Commit });   // whoever goes on waits for more by InteractiveAsync
    }

    /// <summary>Opens a page and waits until its circuit listens.</summary>
    public async Task OpenAsync(string path)
    {
        await Page.GotoAsync(path);
        await InteractiveAsync();
    }

    /// <summary>Waits until the page on the screen has its circuit and no list is loading.</summary>
    public Task InteractiveAsync() =>
        Page.WaitForFunctionAsync("() => (!document.querySelector('.shell') || document.body.dataset.live === 'true') && !document.querySelector('[aria-busy=true]')");

    public ValueTask DisposeAsync() => context.DisposeAsync();
}
