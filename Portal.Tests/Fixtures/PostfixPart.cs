using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;

namespace Portal.Tests.Fixtures;

/// <summary>A program of Postfix, which test.sh unpacks under artifacts/parts.</summary>
public static class PostfixPart
{
    public static ProcessStartInfo Of(string name, string folder, params IEnumerable<string> arguments)
    {
        var parts = Path.Combine(Repository.Root, "artifacts", "parts", "postfix");
        var program = Path.Combine(parts, "usr", "sbin", name);
        Assert.True(File.Exists(program), $"{program} is missing: ./test.sh unpacks it");
        return new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardError = true,
            Environment = { ["LD_LIBRARY_PATH"] = $"{parts}/usr/lib/postfix:{parts}/usr/lib/x86_64-linux-gnu:{parts}/usr/lib/aarch64-linux-gnu" },
        };
    }

    /// <summary>Runs one to its end, which must be a good one.</summary>
    public static async Task RunAsync(string name, string folder, params IEnumerable<string> arguments)
    {
        using var process = Process.Start(Of(name, folder, arguments))!;
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        var said = process.StandardError.ReadToEndAsync(patience.Token);
        await process.WaitForExitAsync(patience.Token);
        Assert.True(process.ExitCode == 0, $"{name} ended with {process.ExitCode}: {await said}");
    }
}

/// <summary>A running smtp-sink that keeps each message in a file "mail.*" of the folder, with LF, below X- fields of its own.</summary>
public sealed class SmtpSink : IDisposable
{
    private readonly Process process;

    private SmtpSink(Process process, int port) => (this.process, Port) = (process, port);

    public int Port { get; }

    public static SmtpSink Start(string folder, int? wanted = null)
    {
        var port = wanted ?? FreePort.Take();
        var process = Process.Start(PostfixPart.Of("smtp-sink", folder, "-u", Environment.UserName, "-d", Path.Combine(folder, "mail.%H%M%S."), string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}"), "100"))!;
        for (var tries = 0; ; tries++)
        {
            try
            {
                using var probe = new TcpClient("127.0.0.1", port);
                return new SmtpSink(process, port);
            }
            catch (SocketException) when (tries < 2_000 && !process.WaitForExit(10))
            {
                // Not yet listening.
            }
        }
    }

    public void Dispose()
    {
        process.Kill();
        process.WaitForExit();
        process.Dispose();
    }
}
