using System.Text;
using FsCheck.Xunit;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Portal.Core.Queue;
using Portal.Smtp.Delivery;
using Portal.Smtp.Protocol;

namespace Portal.Tests.Smtp.Delivery;

public sealed class ProtocolTests
{
    /// <summary>What the encoder makes the server's decoder takes apart: for any octets, in any pieces.</summary>
    [Property(MaxTest = 500)]
    public void Dots_come_off_as_they_went_on(byte[] chosen, byte pieces)
    {
        // Few kinds of octets, so that dots and line ends meet often.
        var content = chosen.Select(b => (b % 5) switch { 0 => (byte)'.', 1 => (byte)'\r', 2 => (byte)'\n', 3 => (byte)'a', _ => b }).ToArray();
        var encoder = new DotEncoder();
        using var wire = new MemoryStream();
        foreach (var piece in content.Chunk(Math.Max(1, (int)pieces)))
        {
            var encoded = new byte[DotEncoder.MaxEncoded(piece.Length)];
            wire.Write(encoded, 0, encoder.Encode(piece, encoded));
        }

        wire.Write(encoder.End());

        var decoder = new DotDecoder();
        using var decoded = new MemoryStream();
        ReadOnlyMemory<byte> input = wire.ToArray();
        while (!decoder.IsComplete)
        {
            Assert.False(input.IsEmpty, "the message has no end");
            input = input[decoder.Decode(input, out var part)..];
            decoded.Write(part.Span);
        }

        Assert.Equal(0, input.Length);
        byte[] wanted = content.AsSpan().EndsWith("\r\n"u8) || content.Length == 0 ? content : [.. content, .. "\r\n"u8];
        Assert.Equal(wanted, decoded.ToArray());
    }

    [Theory]
    [InlineData("250 OK", 250, null, "OK")]
    [InlineData("250", 250, null, "")]
    [InlineData("550 5.1.1 No such user", 550, "5.1.1", "No such user")]
    [InlineData("250 5.1.1 a status of another class is text", 250, null, "5.1.1 a status of another class is text")]
    [InlineData("354 2.0.0 there is no status here", 354, null, "2.0.0 there is no status here")]
    [InlineData("450 4.7.1", 450, "4.7.1", "")]
    [InlineData("450 a\u0007b\u001b[0m", 450, null, "a?b?[0m")]
    public void A_reply_is_read(string line, int code, string? status, string text)
    {
        var reply = new PeerReplyAssembler().Add(Encoding.UTF8.GetBytes(line))!;

        Assert.Equal((code, status, text), (reply.Code, reply.Status, Assert.Single(reply.Lines)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("25")]
    [InlineData("150 x")]
    [InlineData("650 x")]
    [InlineData("2x0 x")]
    [InlineData("250x")]
    [InlineData("hello")]
    public void What_is_no_reply_is_refused(string line) => Assert.Throws<FormatException>(() => new PeerReplyAssembler().Add(Encoding.UTF8.GetBytes(line)));

    [Fact]
    public void Lines_of_one_reply_have_one_code()
    {
        var assembler = new PeerReplyAssembler();
        Assert.Null(assembler.Add("250-a"u8));

        Assert.Throws<FormatException>(() => assembler.Add("550 b"u8));
    }

    [Property(MaxTest = 500)]
    public void No_octets_break_the_reply_reader(byte[] line)
    {
        try
        {
            var reply = new PeerReplyAssembler().Add(line);
            Assert.True(reply is null || reply.ToString().All(c => !char.IsControl(c)));
        }
        catch (FormatException)
        {
            // Refused, as it should be.
        }
    }

    [Theory]
    [InlineData("450 4.7.1 Greylisted for 300 s", DeferCause.Greylisted)]
    [InlineData("452 4.2.2 Full", DeferCause.RemoteQuota)]
    [InlineData("452 Insufficient", DeferCause.RemoteQuota)]
    [InlineData("451 4.7.0 Not yet", DeferCause.RemotePolicy)]
    [InlineData("451 4.3.0 Trouble", DeferCause.RemoteFault)]
    [InlineData("421 Later", DeferCause.RemoteFault)]
    public void Replies_sort_into_causes(string line, DeferCause cause) =>
        Assert.Equal(cause, ReplyCause.Of(new PeerReplyAssembler().Add(Encoding.UTF8.GetBytes(line))!));

    [Fact]
    public void Waits_double_from_five_minutes_to_four_hours_give_or_take_a_fifth()
    {
        var schedule = new RetrySchedule(Options.Create(new DeliveryOptions()), new FakeTimeProvider());

        Assert.Equal([5, 10, 20, 40, 80, 160, 240, 240], Enumerable.Range(1, 8).Select(n => schedule.Wait(n, 0.5).TotalMinutes));
        Assert.Equal(4, schedule.Wait(1, 0).TotalMinutes);
        Assert.Equal(6, schedule.Wait(1, 1).TotalMinutes, 0.001);
        Assert.Equal(240, schedule.Wait(1000, 0.5).TotalMinutes);
    }

    [Fact]
    public void The_last_try_is_when_the_mail_expires()
    {
        var clock = new FakeTimeProvider();
        var entry = new QueueEntry { ReversePath = "", ForwardPath = "b@example.org", RouteKey = "example.org", Attempt = 30, ExpiresAt = clock.GetUtcNow().AddMinutes(30) };

        Assert.Equal(entry.ExpiresAt, new RetrySchedule(Options.Create(new DeliveryOptions()), clock).NextAttempt(entry));
    }

    [Fact]
    public void The_port_is_blamed_when_three_servers_in_a_row_cannot_be_reached()
    {
        var health = new DeliveryHealth(new FakeTimeProvider());
        health.Record("up.example", 25, isReached: true, null);
        health.Record("a.example", 25, isReached: false, "timed out");
        health.Record("a.example", 25, isReached: false, "timed out");
        health.Record("b.example", 25, isReached: false, "timed out");
        Assert.False(health.Status().IsBlocked);

        health.Record("c.example", 25, isReached: false, "timed out");
        Assert.True(health.Status().IsBlocked);

        health.Record("up.example", 25, isReached: true, null);
        Assert.False(health.Status().IsBlocked);
    }
}
