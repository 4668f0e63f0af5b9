using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Portal.Tests.Fixtures;

/// <summary>A client that says what it is told and hears what comes back; a lost connection is an <see cref="IOException"/>.</summary>
public sealed class SmtpTalk : IDisposable
{
    private readonly TcpClient client = new() { NoDelay = true };
    private NetworkStream stream = null!;
    private StreamReader reader = null!;

    public static async Task<SmtpTalk> OpenAsync(int port)
    {
        var talk = new SmtpTalk();
        try
        {
            await talk.client.ConnectAsync(IPAddress.Loopback, port);
            talk.stream = talk.client.GetStream();
            talk.reader = new StreamReader(talk.stream, Encoding.UTF8);
            Assert.StartsWith("220", await talk.HearAsync(), StringComparison.Ordinal);
            Assert.StartsWith("250", await talk.AskAsync("EHLO client.example"), StringComparison.Ordinal);
            return talk;
        }
        catch (Exception e)
        {
            talk.Dispose();
            if (e is SocketException) throw new IOException("No connection", e);
            throw;
        }
    }

    public async Task<string> AskAsync(string line)
    {
        await stream.WriteAsync(Encoding.UTF8.GetBytes(line + "\r\n"));
        return await HearAsync();
    }

    /// <summary>Sends octets as they are; the next reply.</summary>
    public async Task<string> AskAsync(ReadOnlyMemory<byte> octets)
    {
        await stream.WriteAsync(octets);
        return await HearAsync();
    }

    /// <summary>Sends a text and waits for nothing.</summary>
    public Task TellAsync(string text) => stream.WriteAsync(Encoding.UTF8.GetBytes(text)).AsTask();

    /// <summary>Sends a message; the first reply that is no success, or the last.</summary>
    /// <param name="content">Header and body with CRLF at the end of each line; dot-stuffed here.</param>
    public async Task<string> SendAsync(string from, IReadOnlyList<string> recipients, string content)
    {
        foreach (var command in recipients.Select(r => $"RCPT TO:<{r}>").Prepend($"MAIL FROM:<{from}>"))
        {
            var reply = await AskAsync(command);
            if (reply[0] != '2') return reply;
        }

        var start = await AskAsync("DATA");
        if (start[0] != '3') return start;
        return await AskAsync(content.Replace("\r\n.", "\r\n..", StringComparison.Ordinal) + ".");
    }

    public void Dispose()
    {
        reader?.Dispose();
        client.Dispose();
    }

    private async Task<string> HearAsync()
    {
        while (true)
        {
            var line = await reader.ReadLineAsync() ?? throw new IOException("The server closed the connection");
            if (line.Length < 4 || line[3] == ' ') return line;
        }
    }
}
