using System.Security.Cryptography;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Portal.Smtp.Signatures;
using Portal.Tests.Smtp.Protocol;

namespace Portal.Tests.Smtp.Signatures;

public sealed class CanonicalisationTests
{
    public static TheoryData<string, string, string> Bodies => new()
    {
        // RFC 6376 §3.4.5
        { " C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n", " C\r\nD E\r\n" },
        // §3.4.3, §3.4.4: the empty body
        { "", "\r\n", "" },
        { "\r\n", "\r\n", "" },
        { "\r\n\r\n\r\n", "\r\n", "" },
        { " \t\r\n\r\n", " \t\r\n", "" },
        { " ", " \r\n", "" },
        // no line end at the end
        { "a", "a\r\n", "a\r\n" },
        { "a \t", "a \t\r\n", "a\r\n" },
        { "a\r\n\r\n ", "a\r\n\r\n \r\n", "a\r\n" },
        { "\r\n\r\na\r\n", "\r\n\r\na\r\n", "\r\n\r\na\r\n" },
        { "a\r\n \r\nb\r\n", "a\r\n \r\nb\r\n", "a\r\n\r\nb\r\n" },
        // a break that stands alone is text
        { "a\rb\nc\r", "a\rb\nc\r\r\n", "a\rb\nc\r\r\n" },
        { "a \r b\r\n", "a \r b\r\n", "a \r b\r\n" },
        { "a\r\r\nb", "a\r\r\nb\r\n", "a\r\r\nb\r\n" },
    };

    [Theory]
    [MemberData(nameof(Bodies))]
    public void A_body_has_its_canonical_hash_however_it_is_cut(string body, string simple, string relaxed)
    {
        var octets = Encoding.ASCII.GetBytes(body);
        for (var first = 0; first <= octets.Length; first++)
        {
            for (var second = first; second <= octets.Length; second++)
            {
                Assert.Equal(Hash(simple), Digest(octets, isRelaxed: false, first, second).Whole);
                Assert.Equal(Hash(relaxed), Digest(octets, isRelaxed: true, first, second).Whole);
            }
        }
    }

    [Property(MaxTest = 1000)]
    public Property Any_body_in_any_pieces_hashes_as_the_rules_say() =>
        Prop.ForAll(Gen.Zip(DotDecoderTests.Octets, Gen.Elements(" "u8.ToArray(), "\t"u8.ToArray(), "\r\n"u8.ToArray()).ListOf().Select(l => l.SelectMany(o => o).ToArray())).ToArbitrary(), Gen.Choose(1, 9).ToArbitrary(), (parts, size) =>
        {
            byte[] body = [.. parts.Item1, .. parts.Item2, .. parts.Item1];
            foreach (var isRelaxed in new[] { false, true })
            {
                var expected = Plainly(Encoding.Latin1.GetString(body), isRelaxed);
                using var digest = new BodyDigest(isRelaxed);
                digest.Want(0);
                digest.Want(expected.Length / 2);
                digest.Want(expected.Length);
                digest.Want(expected.Length + 1);
                foreach (var piece in body.Chunk(size)) digest.Append(piece);
                digest.Complete();
                Assert.Equal(Hash(expected), digest.Whole);
                Assert.Equal(expected.Length, digest.Length);
                Assert.Equal(Hash(""), digest.At(0));
                Assert.Equal(Hash(expected[..(expected.Length / 2)]), digest.At(expected.Length / 2));
                Assert.Equal(Hash(expected), digest.At(expected.Length));
                Assert.Null(digest.At(expected.Length + 1));
            }
        });

    [Fact]
    public void The_hashes_of_empty_bodies_are_those_of_the_standard()
    {
        Assert.Equal("frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=", Convert.ToBase64String(Digest([], isRelaxed: false, 0, 0).Whole!));
        Assert.Equal("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", Convert.ToBase64String(Digest([], isRelaxed: true, 0, 0).Whole!));
    }

    [Theory]
    // RFC 6376 §3.4.5
    [InlineData("A: X\r\n", "A: X\r\n", "a:X\r\n")]
    [InlineData("B : Y\t\r\n\tZ  \r\n", "B : Y\t\r\n\tZ  \r\n", "b:Y Z\r\n")]
    [InlineData("Subject:\r\n", "Subject:\r\n", "subject:\r\n")]
    [InlineData("Subject: \t \r\n", "Subject: \t \r\n", "subject:\r\n")]
    [InlineData("SUBJECT\t :a:b", "SUBJECT\t :a:b\r\n", "subject:a:b\r\n")]
    [InlineData("x:\r\n a\r\n \r\n b\r\n", "x:\r\n a\r\n \r\n b\r\n", "x:a b\r\n")]
    [InlineData("x: a\rb\r\n", "x: a\rb\r\n", "x:a\rb\r\n")]
    [InlineData("X-Ünïcode: ü\r\n", null, null)]
    [InlineData("x: Ü  Ü\r\n", "x: Ü  Ü\r\n", "x:Ü Ü\r\n")]
    public void A_field_has_its_canonical_form(string text, string? simple, string? relaxed)
    {
        var isField = HeaderField.TryRead(Encoding.UTF8.GetBytes(text), out var field);
        Assert.Equal(simple is not null, isField);
        if (!isField) return;
        Assert.Equal(Hash(simple!), Hash(o => HeaderCanonicalisation.Write(o, field, isRelaxed: false)));
        Assert.Equal(Hash(relaxed!), Hash(o => HeaderCanonicalisation.Write(o, field, isRelaxed: true)));
    }

    [Theory]
    [InlineData("S: a=b; b=xy\r\n z ; bh=q\r\n", "S: a=b; b=; bh=q", "s:a=b; b=; bh=q")]
    [InlineData("S: bh=q; b = xyz \r\n", "S: bh=q; b =", "s:bh=q; b =")]
    [InlineData("S: b=\r\n xyz;\r\n", "S: b=;", "s:b=;")]
    [InlineData("S: bb=1;\r\n\tb=", "S: bb=1;\r\n\tb=", "s:bb=1; b=")]
    [InlineData("S: none", "S: none", "s:none")]
    public void The_signature_is_left_out_of_its_own_field(string text, string simple, string relaxed)
    {
        Assert.True(HeaderField.TryRead(Encoding.UTF8.GetBytes(text), out var field));
        Assert.Equal(Hash(simple), Hash(o => HeaderCanonicalisation.WriteUnsigned(o, field, isRelaxed: false)));
        Assert.Equal(Hash(relaxed), Hash(o => HeaderCanonicalisation.WriteUnsigned(o, field, isRelaxed: true)));
    }

    [Fact]
    public void Fields_are_read_to_the_empty_line_and_what_is_none_is_passed_over()
    {
        var header = HeaderFields.Parse(" lost\r\nFrom x\r\nA: 1\r\n 2\r\nB:3\nsp ace: 4\r\n:5\r\na : 6\r\n\r\nC: 7\r\n"u8.ToArray());

        Assert.Equal(["A", "B", "a"], header.Select(f => Encoding.ASCII.GetString(f.Name)));
        Assert.Equal(" 1\r\n 2", Encoding.ASCII.GetString(header[0].Value));
        var selection = new FieldSelection(header);
        Assert.Equal(" 6", Encoding.ASCII.GetString(selection.Next("A")!.Value.Value));
        Assert.Equal(" 1\r\n 2", Encoding.ASCII.GetString(selection.Next("a")!.Value.Value));
        Assert.Null(selection.Next("a"));
        Assert.Null(selection.Next("a"));
        Assert.Null(selection.Next("c"));
    }

    [Fact]
    public void A_header_of_too_many_fields_says_that_it_was_cut()
    {
        var header = string.Concat(Enumerable.Repeat("a:1\r\n", HeaderFields.MaxFields));
        Assert.False(HeaderFields.Parse(Encoding.ASCII.GetBytes(header)).IsCut);
        Assert.True(HeaderFields.Parse(Encoding.ASCII.GetBytes(header + "b:2\r\n")).IsCut);
    }

    [Fact]
    public void A_message_without_signatures_costs_no_digest() =>
        Assert.Same(BodyDigests.None, BodyDigests.Of(HeaderFields.Parse("From: a@b.example\r\n"u8.ToArray())));

    private static BodyDigest Digest(byte[] body, bool isRelaxed, int first, int second)
    {
        using var digest = new BodyDigest(isRelaxed);
        digest.Append(body.AsSpan(0, first));
        digest.Append(body.AsSpan(first, second - first));
        digest.Append(body.AsSpan(second));
        digest.Complete();
        return digest;
    }

    private static byte[] Hash(string text) => SHA256.HashData(text.All(c => c < 256) && !text.Contains('Ü', StringComparison.Ordinal) ? Encoding.Latin1.GetBytes(text) : Encoding.UTF8.GetBytes(text));

    private static byte[] Hash(Action<HashWriter> write)
    {
        using var output = new HashWriter();
        write(output);
        return output.Current();
    }

    // RFC 6376 §3.4.3 and §3.4.4 word for word: lines, their ends, the empty ones at the end.
    private static string Plainly(string body, bool isRelaxed)
    {
        var lines = body.Split("\r\n").ToList();
        if (isRelaxed) lines = [.. lines.Select(l => string.Join(' ', l.Replace('\t', ' ').TrimEnd(' ').Split(' ').Where((part, i) => part.Length > 0 || i == 0)))];
        while (lines.Count > 0 && lines[^1].Length == 0) lines.RemoveAt(lines.Count - 1);
        return lines.Count == 0 ? (isRelaxed ? "" : "\r\n") : string.Join("\r\n", lines) + "\r\n";
    }
}
