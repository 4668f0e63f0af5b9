using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Portal.Smtp.Protocol;

namespace Portal.Tests.Smtp.Protocol;

public sealed class DotDecoderTests
{
    /// <summary>Octets that matter to line ends and dots, far more often than chance would bring them.</summary>
    internal static Gen<byte[]> Octets => Gen.Frequency(
        (3, Gen.Constant("\r\n"u8.ToArray())),
        (2, Gen.Constant("."u8.ToArray())),
        (2, Gen.Constant("\r\n.\r\n"u8.ToArray())),
        (1, Gen.Constant("\r"u8.ToArray())),
        (1, Gen.Constant("\n"u8.ToArray())),
        (3, Gen.Elements("a"u8.ToArray(), "text"u8.ToArray(), [0], [0xff]))).ListOf().Select(parts => parts.SelectMany(p => p).ToArray());

    [Property(MaxTest = 2000)]
    public Property Any_octets_in_any_pieces_decode_as_line_by_line() =>
        Prop.ForAll(Octets.ToArbitrary(), Gen.Choose(1, 9).NonEmptyListOf().ToArbitrary(), (octets, sizes) =>
        {
            var (content, used, isComplete) = Decode(octets, sizes);
            var expected = LineByLine(octets);
            Assert.Equal(expected.IsComplete, isComplete);
            if (!isComplete) return;   // what has no end is never taken
            Assert.Equal(expected.Content, content);
            Assert.Equal(expected.Used, used);
        });

    [Property(MaxTest = 1000)]
    public Property What_the_encoder_wrote_comes_back(byte[] text) =>
        Prop.ForAll(Gen.Choose(1, 9).NonEmptyListOf().ToArbitrary(), sizes =>
        {
            byte[] content = [.. text.Where(o => o is not ((byte)'\r' or (byte)'\n')), (byte)'\r', (byte)'\n'];
            var encoder = new DotEncoder();
            var wire = new byte[DotEncoder.MaxEncoded(content.Length)];
            var length = encoder.Encode(content, wire);
            byte[] sent = [.. wire[..length], .. encoder.End(), .. "NOOP\r\n"u8];

            var (decoded, used, isComplete) = Decode(sent, sizes);
            Assert.True(isComplete);
            Assert.Equal(content, decoded);
            Assert.Equal("NOOP\r\n"u8.ToArray(), sent[used..]);
        });

    [Theory]
    [InlineData("a\n.\nb\r\n.\r\n")]
    [InlineData("a\n.\r\nb\r\n.\r\n")]
    [InlineData("a\r.\rb\r\n.\r\n")]
    [InlineData("a\r.\r\nb\r\n.\r\n")]
    [InlineData("a\r\n.\nb\r\n.\r\n")]
    [InlineData("a\r\n.\rb\r\n.\r\n")]
    [InlineData("a\r\r\n.\r\r\nb\r\n.\r\n")]
    public void No_other_form_of_dot_and_break_ends_the_message(string sent)
    {
        var (_, used, isComplete) = Decode(System.Text.Encoding.ASCII.GetBytes(sent), [64]);
        Assert.True(isComplete);
        Assert.Equal(sent.Length, used);
    }

    private static (byte[] Content, int Used, bool IsComplete) Decode(byte[] octets, IEnumerable<int> sizes)
    {
        var decoder = new DotDecoder();
        var content = new List<byte>();
        var used = 0;
        var pieces = sizes.ToArray();
        for (var i = 0; used < octets.Length && !decoder.IsComplete; i++)
        {
            var piece = octets.AsMemory(used, Math.Min(pieces[i % pieces.Length], octets.Length - used));
            while (piece.Length > 0 && !decoder.IsComplete)
            {
                var taken = decoder.Decode(piece, out var found);
                Assert.True(taken > 0 || found.Length > 0);
                content.AddRange(found.Span);
                piece = piece[taken..];
                used += taken;
            }
        }

        return ([.. content], used, decoder.IsComplete);
    }

    // The grammar said plainly: cut at CRLF; a line that is only a dot ends; a dot before a line is taken off.
    private static (byte[] Content, int Used, bool IsComplete) LineByLine(byte[] octets)
    {
        var content = new List<byte>();
        var at = 0;
        while (true)
        {
            var end = octets.AsSpan(at).IndexOf("\r\n"u8);
            if (end < 0) return ([.. content], at, false);
            var line = octets[at..(at + end)];
            at += end + 2;
            if (line is [(byte)'.']) return ([.. content], at, true);
            content.AddRange(line is [(byte)'.', ..] ? line[1..] : line);
            content.AddRange("\r\n"u8);
        }
    }
}
