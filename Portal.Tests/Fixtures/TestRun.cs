using Portal.Tests.Fixtures;

[assembly: AssemblyFixture(typeof(TestRun))]

namespace Portal.Tests.Fixtures;

/// <summary>What is started once for all tests ends here, after the last.</summary>
public sealed class TestRun : IAsyncLifetime
{
    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await PostgresServer.StopSharedAsync();
        TestFolder.RemoveAll();
    }
}

/// <summary>Temporary folders of this run, removed at its end.</summary>
public static class TestFolder
{
    private static readonly string Root = Directory.CreateTempSubdirectory("portal-tests-").FullName;

    /// <summary>A new empty folder.</summary>
    public static string Create() => Directory.CreateDirectory(Path.Combine(Root, Guid.NewGuid().ToString("N")[..12])).FullName;

    internal static void RemoveAll()
    {
        if (Directory.Exists(Root)) Directory.Delete(Root, recursive: true);
    }
}
