using System.Diagnostics;

namespace Portal.Tests.Fixtures;

/// <summary>A program of a package that test.sh unpacks under artifacts/parts and does not install.</summary>
public static class UnpackedPart
{
    public static ProcessStartInfo Of(string package, string name, string folder, params IEnumerable<string> arguments)
    {
        var parts = Path.Combine(Repository.Root, "artifacts", "parts", package);
        var program = Path.Combine(parts, "usr", "sbin", name);
        Assert.True(File.Exists(program), $"{program} is missing: ./test.sh unpacks it");
        return new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardError = true,
            Environment = { ["LD_LIBRARY_PATH"] = $"{parts}/usr/lib/{package}:{parts}/usr/lib/x86_64-linux-gnu:{parts}/usr/lib/aarch64-linux-gnu" },
        };
    }

    /// <summary>Runs one to its end, which must be a good one.</summary>
    /// <returns>What it wrote.</returns>
    public static async Task<string> RunAsync(string package, string name, string folder, params IEnumerable<string> arguments)
    {
        var start = Of(package, name, folder, arguments);
        start.RedirectStandardOutput = true;
        using var process = Process.Start(start)!;
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        var (wrote, faults) = (process.StandardOutput.ReadToEndAsync(patience.Token), process.StandardError.ReadToEndAsync(patience.Token));
        await process.WaitForExitAsync(patience.Token);
        Assert.True(process.ExitCode == 0, $"{name} ended with {process.ExitCode}: {await faults}");
        return await wrote;
    }
}
