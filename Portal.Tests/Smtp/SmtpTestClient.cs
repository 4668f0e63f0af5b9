using System.IO.Pipelines;
using System.Net.Security;
using System.Text;
using Portal.Smtp.Server;

namespace Portal.Tests.Smtp;

/// <summary>The other end of a session in memory: sends octets as they are, reads reply lines.</summary>
internal sealed class SmtpTestClient : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly PipeWriter output;
    private readonly PipeReader input;
    private readonly StopRequest stopping;
    private readonly Action abort;
    private readonly List<byte> unread = [];
    private Stream stream;

    public SmtpTestClient(PipeReader input, PipeWriter output, Task session, StopRequest stopping, Action abort)
    {
        (this.input, this.output, Session, this.stopping, this.abort) = (input, output, session, stopping, abort);
        stream = new DuplexPipeStream(input, output);
    }

    /// <summary>The handler's run; done when the server has ended the session.</summary>
    public Task Session { get; }

    public Task SendLineAsync(string line) => SendAsync($"{line}\r\n");

    public Task SendAsync(string text) => SendAsync(Encoding.UTF8.GetBytes(text));

    public async Task SendAsync(ReadOnlyMemory<byte> octets)
    {
        if (Session.IsFaulted) await Session;   // a bug: its own exception tells more than a closed connection
        await stream.WriteAsync(octets);
        await stream.FlushAsync();
    }

    /// <summary>The next line without its CRLF; null when the server has closed.</summary>
    public async Task<string?> ReadLineAsync(bool strict = true)
    {
        var buffer = new byte[4096];
        while (true)
        {
            var end = unread.IndexOf((byte)'\n');
            if (end >= 0)
            {
                Assert.True(!strict || (end > 0 && unread[end - 1] == '\r'), "A reply line ends in CRLF");
                var line = Encoding.UTF8.GetString([.. unread[..Math.Max(0, end - 1)]]);
                unread.RemoveRange(0, end + 1);
                return line;
            }

            var read = await stream.ReadAsync(buffer).AsTask().WaitAsync(Patience);
            if (read == 0)
            {
                if (Session.IsFaulted) await Session;
                return null;
            }

            unread.AddRange(buffer.AsSpan(0, read));
        }
    }

    /// <summary>The next reply; the lines of one with several are joined by a line feed.</summary>
    public async Task<string?> ReadReplyAsync()
    {
        var lines = new List<string>();
        while (await ReadLineAsync() is { } line)
        {
            lines.Add(line);
            if (line.Length < 4 || line[3] != '-') return string.Join('\n', lines);
        }

        return null;
    }

    /// <summary>Sends a line and gives its reply.</summary>
    public async Task<string?> AskAsync(string line)
    {
        await SendLineAsync(line);
        return await ReadReplyAsync();
    }

    public async Task StartTlsAsync()
    {
        var tls = new SslStream(stream, leaveInnerStreamOpen: true);
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "mx.portal.test",
            RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate?.Subject == "CN=mx.portal.test",   // self-signed, but the server's own
        }).WaitAsync(Patience);
        stream = tls;
    }

    /// <summary>Sends no more, but still reads.</summary>
    public async Task HangUpAsync() => await output.CompleteAsync();

    /// <summary>Breaks the connection, as a lost network does.</summary>
    public void Abort() => abort();

    /// <summary>Asks the session to end, as a stopping host does.</summary>
    public void RequestStop() => stopping.RequestClose();

    public async ValueTask DisposeAsync()
    {
        await output.CompleteAsync();
        await input.CompleteAsync();
        await Session.WaitAsync(Patience);
        stopping.Dispose();
    }
}
