using System.Buffers;
using System.Reflection;
using System.Text;
using Portal.Smtp.Protocol;

namespace Portal.Tests.Smtp.Protocol;

public sealed class SmtpReplyTests
{
    [Fact]
    public void Every_reply_has_a_status_of_its_class_and_fits_a_line()
    {
        var replies = typeof(SmtpReply).GetFields(BindingFlags.Public | BindingFlags.Static).Select(f => f.GetValue(null)).OfType<SmtpReply>().ToList();

        Assert.True(replies.Count > 40);
        foreach (var reply in replies)
        {
            var output = new ArrayBufferWriter<byte>();
            reply.WriteTo(output);
            Assert.InRange(output.WrittenCount, 5, 512);   // RFC 5321 §4.5.3.1.5
            Assert.True(Ascii.IsValid(output.WrittenSpan));
            // RFC 2034 §4: the class of the status is that of the code; 3yz has none.
            if (reply.Code / 100 != 3) Assert.StartsWith($"{reply.Code / 100}.", reply.Status, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Several_lines_have_a_hyphen_on_all_but_the_last()
    {
        var output = new ArrayBufferWriter<byte>();

        new SmtpReply(250, "2.0.0", "one\ntwo\nthree").WriteTo(output);

        Assert.Equal("250-2.0.0 one\r\n250-2.0.0 two\r\n250 2.0.0 three\r\n", Encoding.ASCII.GetString(output.WrittenSpan));
    }
}
