using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Portal.Tests.Fixtures;

/// <summary>The real program as a process of its own: for starts, the command line, and kills.</summary>
public sealed class PortalProcess : IAsyncDisposable
{
    private readonly Process process;
    private readonly ConcurrentQueue<string> lines;
    private readonly TaskCompletionSource ready;

    private PortalProcess(Process process, ConcurrentQueue<string> lines, TaskCompletionSource ready) => (this.process, this.lines, this.ready) = (process, lines, ready);

    /// <summary>The built program, of the configuration the tests were built in.</summary>
    public static string Dll { get; } = Path.Combine(Repository.Root, "Portal.Web", "bin", Path.GetRelativePath(Path.Combine(Repository.Root, "Portal.Tests", "bin"), AppContext.BaseDirectory), "Portal.Web.dll");

    public int Id => process.Id;

    /// <summary>Standard output and error so far.</summary>
    public string Output => string.Join('\n', lines);

    /// <summary>Starts the server and waits for nothing: whoever kills it in the middle of its start.</summary>
    public static PortalProcess Launch(IReadOnlyDictionary<string, string?> settings) => Start(settings, [Dll], null);

    /// <summary>Starts the server and waits for the last line of its start.</summary>
    public static Task<PortalProcess> StartServerAsync(IReadOnlyDictionary<string, string?> settings) => StartServerAsync(settings, [Dll], null);

    /// <summary>Starts the server in another form.</summary>
    /// <param name="arguments">What dotnet is given: a dll, or "run …".</param>
    /// <param name="workingFolder">Null takes an empty one.</param>
    public static async Task<PortalProcess> StartServerAsync(IReadOnlyDictionary<string, string?> settings, string[] arguments, string? workingFolder)
    {
        var server = Start(settings, arguments, workingFolder);
        try
        {
            await server.ready.Task.WaitAsync(TimeSpan.FromMinutes(3));
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs a command to its end.</summary>
    public static async Task<(int Status, string Output, string Error)> RunAsync(IReadOnlyDictionary<string, string?> settings, string? input, params string[] arguments)
    {
        var (status, output, error) = await RunRawAsync(settings, input, arguments);
        return (status, Encoding.UTF8.GetString(output), error);
    }

    /// <inheritdoc cref="RunAsync"/>
    public static async Task<(int Status, byte[] Output, string Error)> RunRawAsync(IReadOnlyDictionary<string, string?> settings, string? input, params string[] arguments)
    {
        using var command = Process.Start(StartInfo(settings, [Dll, .. arguments], null)) ?? throw new InvalidOperationException("dotnet did not start");
        if (input is not null) await command.StandardInput.WriteAsync(input);
        command.StandardInput.Close();
        using var output = new MemoryStream();
        var error = command.StandardError.ReadToEndAsync();
        await command.StandardOutput.BaseStream.CopyToAsync(output);
        await command.WaitForExitAsync();
        return (command.ExitCode, output.ToArray(), await error);
    }

    /// <summary>SIGKILL: no handler of ours runs.</summary>
    public async Task KillAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
    }

    /// <summary>SIGTERM, and waits; the exit status.</summary>
    public async Task<int> StopAsync()
    {
        using var kill = Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]);
        await process.WaitForExitAsync();
        return process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited) await KillAsync();
        process.Dispose();
    }

    private static PortalProcess Start(IReadOnlyDictionary<string, string?> settings, string[] arguments, string? workingFolder)
    {
        var process = new Process { StartInfo = StartInfo(settings, arguments, workingFolder) };
        var lines = new ConcurrentQueue<string>();
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var ended = 0;
        void Hear(string? line)
        {
            if (line is null)
            {
                if (Interlocked.Increment(ref ended) == 2) ready.TrySetException(new InvalidOperationException($"The program ended: {string.Join('\n', lines)}"));
                return;
            }

            lines.Enqueue(line);
            if (line.Contains("Everything is kept in", StringComparison.Ordinal) || line.Contains("所有数据保存在", StringComparison.Ordinal)) ready.TrySetResult();
        }

        process.OutputDataReceived += (_, e) => Hear(e.Data);
        process.ErrorDataReceived += (_, e) => Hear(e.Data);
        process.Start();
        process.StandardInput.Close();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return new PortalProcess(process, lines, ready);
    }

    private static ProcessStartInfo StartInfo(IReadOnlyDictionary<string, string?> settings, string[] arguments, string? workingFolder)
    {
        var start = new ProcessStartInfo("dotnet", arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
            WorkingDirectory = workingFolder ?? TestFolder.Create(),
        };
        start.Environment["LANG"] = "en_US.UTF-8";
        foreach (var (key, value) in settings) start.Environment[key.Replace(":", "__", StringComparison.Ordinal)] = value;
        return start;
    }
}
