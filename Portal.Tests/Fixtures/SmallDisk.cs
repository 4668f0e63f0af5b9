using System.Diagnostics;
using System.Globalization;

namespace Portal.Tests.Fixtures;

/// <summary>A file system of a few megabytes in memory, to be filled.</summary>
public sealed class SmallDisk : IAsyncDisposable
{
    private SmallDisk(string folder) => Folder = folder;

    public string Folder { get; }

    private string Filler => Path.Combine(Folder, "filler");

    /// <summary>Mounts one; needs root, as CI and the README's test machine have.</summary>
    public static async Task<SmallDisk> CreateAsync(int megabytes)
    {
        var folder = TestFolder.Create();
        await RunAsync("mount", "-t", "tmpfs", "-o", string.Create(CultureInfo.InvariantCulture, $"size={megabytes}m"), "tmpfs", folder);
        return new SmallDisk(folder);
    }

    public void FillTo(long leaveBytes)
    {
        using var filler = new FileStream(Filler, FileMode.Append);
        var block = new byte[64 * 1024];
        try
        {
            for (var free = new DriveInfo(Folder).AvailableFreeSpace; free > leaveBytes; free = new DriveInfo(Folder).AvailableFreeSpace)
            {
                filler.Write(block, 0, (int)Math.Min(block.Length, free - leaveBytes));
                filler.Flush();
            }
        }
        catch (IOException) when (leaveBytes == 0)
        {
            // full: that was the wish
        }
    }

    public void Empty() => File.Delete(Filler);

    public async ValueTask DisposeAsync() => await RunAsync("umount", "-l", Folder);

    private static async Task RunAsync(string command, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(command, arguments) { RedirectStandardError = true })!;
        var error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0) throw new InvalidOperationException($"{command} {string.Join(' ', arguments)}: {error}");
    }
}
