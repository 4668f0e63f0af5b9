using System.IO.Pipelines;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using Portal.Smtp;
using Portal.Smtp.Protocol;
using Portal.Smtp.Server;

namespace Portal.Tests.Smtp;

public class SmtpWireTests
{
    /// <summary>Six octets in, many out: who sends and never reads must not make us keep every reply.</summary>
    [Fact]
    public async Task Pipelined_commands_are_not_read_on_while_their_replies_are_not_taken()
    {
        var (input, output) = (new Pipe(), new Pipe(new PipeOptions(pauseWriterThreshold: 16 * 1024, resumeWriterThreshold: 1024)));
        await input.Writer.WriteAsync(Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("NOOP\r\n", 5_000))));
        await using var wire = new SmtpWire(new Ends(input.Reader, output.Writer), new SmtpDeadlines(new FakeTimeProvider()), new SmtpOptions(), () => { });
        var answered = 0;
        ValueTask<bool> read;

        for (read = wire.ReadLineAsync(512); read.IsCompleted; read = wire.ReadLineAsync(512), answered++)
        {
            Assert.True(await read, "all of it was read");
            wire.Write(new SmtpReply(250, "2.0.0", new string('x', 80)));
        }

        Assert.InRange(answered, 1, 1_000);
        output.Reader.AdvanceTo((await output.Reader.ReadAsync()).Buffer.End);
        Assert.True(await read);   // and goes on once they are
    }

    private sealed class Ends(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input => input;

        public PipeWriter Output => output;
    }
}
