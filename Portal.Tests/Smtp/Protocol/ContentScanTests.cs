using System.Text;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Portal.Smtp.Protocol;

namespace Portal.Tests.Smtp.Protocol;

public sealed class ContentScanTests
{
    [Property(MaxTest = 2000)]
    public Property Any_content_in_any_pieces_is_measured_as_in_one() =>
        Prop.ForAll(DotDecoderTests.Octets.ToArbitrary(), Gen.Choose(1, 9).NonEmptyListOf().ToArbitrary(), (octets, sizes) =>
        {
            var scan = new ContentScan();
            var pieces = sizes.ToArray();
            for (int at = 0, i = 0; at < octets.Length; i++)
            {
                var length = Math.Min(pieces[i % pieces.Length], octets.Length - at);
                scan.Scan(octets.AsSpan(at, length));
                at += length;
            }

            scan.Complete();
            var text = Encoding.Latin1.GetString(octets);
            var lines = text.Split("\r\n");
            Assert.Equal(lines.Any(l => l.Contains('\r') || l.Contains('\n')), scan.HasBareBreak);
            if (scan.HasBareBreak) return;   // refused, whatever else it is
            Assert.Equal(lines.Max(l => l.Length), scan.LongestLine);
            var isHeaderComplete = lines.SkipLast(1).Contains("");
            Assert.Equal(isHeaderComplete, scan.IsHeaderComplete);
            var header = lines.TakeWhile(l => l.Length > 0).Sum(l => l.Length + 2) + 2;
            Assert.Equal(isHeaderComplete ? header : octets.Length, scan.HeaderBytes);
        });
}
