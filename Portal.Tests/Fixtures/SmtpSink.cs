using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;

namespace Portal.Tests.Fixtures;

/// <summary>A running smtp-sink that keeps each message in a file "mail.*" of the folder, with LF, below X- fields of its own.</summary>
public sealed class SmtpSink : IDisposable
{
    private readonly Process process;

    private SmtpSink(Process process, int port) => (this.process, Port) = (process, port);

    public int Port { get; }

    public static SmtpSink Start(string folder, int? wanted = null)
    {
        var port = wanted ?? FreePort.Take();
        var process = Process.Start(UnpackedPart.Of("postfix", "smtp-sink", folder, "-u", Environment.UserName, "-d", Path.Combine(folder, "mail.%H%M%S."), string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}"), "100"))!;
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
