using FsCheck.Xunit;
using Portal.Core.Addresses;

namespace Portal.Tests.Core.Addresses;

public class DomainNameTests
{
    [Theory]
    [InlineData("example.org", "example.org", "example.org")]
    [InlineData("Example.ORG", "example.org", "example.org")]
    [InlineData("bücher.example", "xn--bcher-kva.example", "bücher.example")]
    [InlineData("BU\u0308CHER.example", "xn--bcher-kva.example", "bücher.example")]
    [InlineData("XN--BCHER-KVA.example", "xn--bcher-kva.example", "bücher.example")]
    [InlineData("例子.测试", "xn--fsqu00a.xn--0zwm56d", "例子.测试")]
    [InlineData("例子。测试", "xn--fsqu00a.xn--0zwm56d", "例子.测试")]   // an ideographic full stop parts labels too (RFC 3490 §3.1)
    [InlineData("xn--a.example", "xn--a.example", "xn--a.example")]   // only looks like an A-label
    [InlineData("localhost", "localhost", "localhost")]
    [InlineData("a1.2b", "a1.2b", "a1.2b")]
    public void A_good_name_has_one_form_for_machines_and_one_for_people(string text, string value, string display)
    {
        Assert.True(DomainName.TryParse(text, out var domain));
        Assert.Equal((value, display), (domain.Value, domain.Display));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("example.org.")]
    [InlineData(".example.org")]
    [InlineData("example..org")]
    [InlineData("-example.org")]
    [InlineData("example-.org")]
    [InlineData("exa_mple.org")]
    [InlineData("exa mple.org")]
    [InlineData("192.0.2.1")]
    [InlineData("example.42")]
    [InlineData("bü\ufffecher.example")]
    [InlineData("exam\0ple.org")]
    [InlineData("example.org\r\n")]
    public void What_is_no_host_name_is_refused(string? text) => Assert.False(DomainName.TryParse(text, out _));

    [Fact]   // no theory: half a character does not survive the way to one
    public void Half_a_character_is_refused()
    {
        foreach (var half in new[] { "\ud800", "\udc00", "\udc00\ud800" }) Assert.False(DomainName.TryParse($"bü{half}cher.example", out _));
    }

    [Fact]
    public void A_label_has_at_most_63_octets_and_a_name_253_in_the_form_that_travels()
    {
        var label = new string('a', 63);
        Assert.True(DomainName.TryParse($"{label}.example", out _));
        Assert.False(DomainName.TryParse($"{label}a.example", out _));
        var longest = $"{label}.{label}.{label}.{new string('a', 61)}";
        Assert.True(DomainName.TryParse(longest, out _));
        Assert.False(DomainName.TryParse(longest + "a", out _));
        Assert.False(DomainName.TryParse(new string('ü', 63) + ".example", out _));   // 63 letters, more octets as A-label
        Assert.False(DomainName.TryParse(string.Join('.', Enumerable.Repeat("bücher", 30)), out _));
    }

    [Property(MaxTest = 5_000)]
    public void Whatever_comes_is_read_or_refused_and_what_is_read_is_a_host_name_that_reads_back(string? text, bool isLong)
    {
        var given = isLong ? string.Join('.', Enumerable.Repeat(text, 40)) : text;
        if (DomainName.TryParse(given, out var domain)) DemandHostName(domain);
    }

    [Property(MaxTest = 5_000)]
    public void Letters_of_any_script_read_back_from_both_forms(ushort[] letters, byte dot)
    {
        var text = new string([.. letters.Select(l => (char)(0x61 + (l % 0x9F00))).Where(char.IsLetterOrDigit)]);
        var name = $"{text[..Math.Min(dot % 8, text.Length)]}.{text[Math.Min(dot % 8, text.Length)..]}";
        if (DomainName.TryParse(name, out var domain)) DemandHostName(domain);
    }

    [Property(MaxTest = 5_000)]
    public void A_label_that_looks_encoded_reads_back_whatever_it_holds(ushort[] letters)
    {
        const string Alphabet = "abcdefghijklmnopqrstuvwxyz0123456789-";
        var name = $"xn--{new string([.. letters.Select(l => Alphabet[l % Alphabet.Length])])}.example";
        if (DomainName.TryParse(name, out var domain)) DemandHostName(domain);
    }

    private static void DemandHostName(DomainName domain)
    {
        Assert.InRange(domain.Value.Length, 1, 253);
        Assert.All(domain.Value.Split('.'), label => Assert.Matches("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", label));
        Assert.True(DomainName.TryParse(domain.Value, out var again));
        Assert.Equal(domain, again);
        Assert.True(DomainName.TryParse(domain.Display, out var shown), $"{domain.Value} is shown as «{domain.Display}», which is no domain");
        Assert.Equal(domain, shown);   // what people see is what it is
    }
}
