using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;

namespace Portal.Tests.Fixtures;

/// <summary>A program of the distribution that listens on a port of loopback until disposed; one that is not there is a failure.</summary>
public sealed class RunningPart : IDisposable
{
    private readonly Process process;

    private RunningPart(Process process) => this.process = process;

    /// <summary>Starts it and waits until its port is open.</summary>
    public static async Task<RunningPart> StartAsync(string program, IEnumerable<string> arguments, Dictionary<string, string?> environment, int port)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (key, value) in environment) start.Environment[key] = value;
        var process = new Process { StartInfo = start };
        var said = new ConcurrentQueue<string?>();
        process.OutputDataReceived += (_, line) => said.Enqueue(line.Data);
        process.ErrorDataReceived += (_, line) => said.Enqueue(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        for (var tries = 0; ; tries++)
        {
            try
            {
                using var probe = new TcpClient();
                await probe.ConnectAsync("127.0.0.1", port);
                return new RunningPart(process);
            }
            catch (SocketException) when (tries < 2_000 && !process.WaitForExit(10))
            {
                // Not yet listening.
            }
            catch (SocketException e)
            {
                throw new InvalidOperationException($"{program} does not listen on {port}: {string.Join('\n', said)}", e);
            }
        }
    }

    public void Dispose()
    {
        if (!process.HasExited) process.Kill();
        process.WaitForExit();
        process.Dispose();
    }
}
