namespace Portal.Tests.Fixtures;

/// <summary>The source tree the tests were built from.</summary>
public static class Repository
{
    public static string Root { get; } = Find();

    private static string Find()
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "Portal.sln"))) return at.FullName;
        }

        throw new InvalidOperationException("The tests run inside the source tree.");
    }
}
