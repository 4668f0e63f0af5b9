using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Portal.Tests.Smtp.Delivery;

/// <summary>A message as it came over the wire, transparency taken off and nothing else.</summary>
internal sealed record RecordedMail(string Mail, IReadOnlyList<string> Recipients, byte[] Content, int Connection, string Address)
{
    public string Text => Encoding.Latin1.GetString(Content);
}

/// <summary>An SMTP server on every loopback address that takes what comes, keeps it octet for octet, and answers RCPT as the test wants.</summary>
internal sealed class RecordingPeer : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Any, 0);
    private readonly CancellationTokenSource ending = new();
    private readonly ConcurrentBag<Task> sessions = [];
    private readonly Task accepting;
    private int connections;
    private bool isEnded;

    public RecordingPeer()
    {
        listener.Start();
        accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    public ConcurrentQueue<RecordedMail> Mails { get; } = new();

    public int Connections => Volatile.Read(ref connections);

    /// <summary>What EHLO offers.</summary>
    public string[] Extensions { get; set; } = ["PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 100000000", "CHUNKING", "BINARYMIME", "DSN"];

    /// <summary>The reply to MAIL; null takes the sender.</summary>
    public Func<string, string?> OnSender { get; set; } = _ => null;

    /// <summary>The reply to RCPT; null takes the recipient.</summary>
    public Func<string, string?> OnRecipient { get; set; } = _ => null;

    /// <summary>Awaited before the greeting, with the address that was called.</summary>
    public Func<string, Task> OnConnect { get; set; } = _ => Task.CompletedTask;

    /// <summary>Awaited before a command line is answered.</summary>
    public Func<string, Task> OnCommand { get; set; } = _ => Task.CompletedTask;

    /// <summary>Ends it; again is nothing.</summary>
    public async ValueTask DisposeAsync()
    {
        if (isEnded) return;
        isEnded = true;
        await ending.CancelAsync();
        listener.Stop();
        await accepting;
        await Task.WhenAll(sessions);
        ending.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) sessions.Add(SessionAsync(await listener.AcceptTcpClientAsync(ending.Token), Interlocked.Increment(ref connections)));
        }
        catch (Exception e) when (ending.IsCancellationRequested && (e is OperationCanceledException or InvalidOperationException))
        {
            // The test is over, and the listener closed.
        }
    }

    private async Task SessionAsync(TcpClient client, int number)
    {
        using (client)
        {
            try
            {
                await ServeAsync(client, number);
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
            {
                // The courier or the test has ended.
            }
        }
    }

    private async Task ServeAsync(TcpClient client, int number)
    {
        var wire = new Wire(client.GetStream(), ending.Token);
        var address = ((IPEndPoint)client.Client.LocalEndPoint!).Address.ToString();
        await OnConnect(address).WaitAsync(ending.Token);
        await wire.SayAsync("220 peer ESMTP");
        var (mail, recipients) = ("", new List<string>());
        using var content = new MemoryStream();
        while (await wire.ReadLineAsync() is { } line)
        {
            await OnCommand(line).WaitAsync(ending.Token);
            var verb = line.Split(' ', ':')[0].ToUpperInvariant();
            switch (verb)
            {
                case "EHLO":
                    await wire.SayAsync(string.Join("\r\n", Extensions.Select(e => "250-" + e).Prepend("250-peer").Append("250 HELP")));
                    break;
                case "MAIL":
                    (mail, recipients) = (line, []);
                    content.SetLength(0);
                    await wire.SayAsync(OnSender(line) ?? "250 2.1.0 OK");
                    break;
                case "RCPT":
                    var refusal = OnRecipient(line);
                    if (refusal is null) recipients.Add(line);
                    await wire.SayAsync(refusal ?? "250 2.1.5 OK");
                    break;
                case "DATA" when recipients.Count == 0:
                    await wire.SayAsync("554 5.5.1 No valid recipients");
                    break;
                case "DATA":
                    await wire.SayAsync("354 Go");
                    await wire.ReadDottedAsync(content);
                    await TakeAsync();
                    break;
                case "BDAT":
                    await wire.ReadOctetsAsync(content, int.Parse(line.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture));
                    if (line.EndsWith("LAST", StringComparison.Ordinal)) await TakeAsync();
                    else await wire.SayAsync("250 2.0.0 Chunk");
                    break;
                case "QUIT":
                    await wire.SayAsync("221 2.0.0 Bye");
                    return;
                default:
                    await wire.SayAsync("250 2.0.0 OK");
                    break;
            }
        }

        async Task TakeAsync()
        {
            Mails.Enqueue(new RecordedMail(mail, recipients, content.ToArray(), number, address));
            await wire.SayAsync("250 2.0.0 Queued");
        }
    }

    private sealed class Wire(NetworkStream stream, CancellationToken cancel)
    {
        private readonly BufferedStream buffered = new(stream, 64 * 1024);

        public Task SayAsync(string text) => stream.WriteAsync(Encoding.ASCII.GetBytes(text + "\r\n"), cancel).AsTask();

        public async Task<string?> ReadLineAsync() => await ReadRawLineAsync() is { } line ? Encoding.UTF8.GetString(line.AsSpan(0, line.Length - 2)) : null;

        public async Task ReadDottedAsync(MemoryStream content)
        {
            while (await ReadRawLineAsync() is { } line)
            {
                if (line.AsSpan().SequenceEqual(".\r\n"u8)) return;
                content.Write(line.AsSpan(line[0] == '.' ? 1 : 0));
            }

            throw new IOException("The courier left in the middle.");
        }

        public async Task ReadOctetsAsync(MemoryStream content, int count)
        {
            var octets = new byte[count];
            await buffered.ReadExactlyAsync(octets, cancel);
            content.Write(octets);
        }

        private async Task<byte[]?> ReadRawLineAsync()
        {
            var line = new List<byte>();
            var octet = new byte[1];
            while (await buffered.ReadAsync(octet, cancel) == 1)
            {
                line.Add(octet[0]);
                if (line is [.., 13, 10]) return [.. line];
            }

            return null;
        }
    }
}
