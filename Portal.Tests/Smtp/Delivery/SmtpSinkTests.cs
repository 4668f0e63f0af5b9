using Portal.Core.Addresses;
using Portal.Core.Messages;
using Portal.Smtp.Delivery;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Smtp.Delivery;

/// <summary>Postfix's own receiver takes what we send, and what it stored is what we had.</summary>
public sealed class SmtpSinkTests
{
    [Fact]
    public async Task Postfix_receives_what_the_courier_sends()
    {
        var folder = TestFolder.Create();
        using var sink = SmtpSink.Start(folder);
        var content = "Subject: to Postfix\r\n\r\n.dot\r\n..\r\nFrom here\r\nh\u00e9\r\n"u8.ToArray();
        var options = new DeliveryOptions { HostName = "mx.portal.test" };
        await using var connection = await SmtpConnection.OpenAsync(new PeerAddress("sink", new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, sink.Port), RouteTls.Opportunistic), options, TimeProvider.System, CancellationToken.None);

        for (var i = 0; i < 20; i++)
        {
            var result = await connection.SendAsync(
                new OutgoingMail
                {
                    ReversePath = "alice@portal.test",
                    Recipients = [new("bob@example.org"), new("carol@example.org")],
                    SizeBytes = content.Length,
                    Needs = MessageNeeds.EightBit,
                    OpenContentAsync = _ => Task.FromResult<Stream>(new MemoryStream(content)),
                },
                CancellationToken.None);
            Assert.All(result.Replies, r => Assert.True(r!.Value.IsDelivered));
        }

        await connection.QuitAsync();

        var dumped = System.IO.Directory.GetFiles(folder, "mail.*");
        Assert.Equal(20, dumped.Length);
        // smtp-sink stores the message with LF, below X- fields of its own.
        var wanted = System.Text.Encoding.UTF8.GetString(content).Replace("\r\n", "\n", StringComparison.Ordinal);
        Assert.All(dumped, file => Assert.EndsWith(wanted, File.ReadAllText(file).TrimEnd('\n') + "\n", StringComparison.Ordinal));
        Assert.Contains("X-Rcpt-Args: <carol@example.org>", File.ReadAllText(dumped[0]), StringComparison.Ordinal);
    }
}
