using FsCheck.Xunit;
using Portal.Core.Addresses;

namespace Portal.Tests.Core.Addresses;

public class MailAddressTests
{
    [Theory]
    [InlineData("anna@example.org", "anna@example.org")]
    [InlineData("Anna.Lee+News@Example.ORG", "anna.lee+news@example.org")]
    [InlineData("\"anna\"@example.org", "anna@example.org")]
    [InlineData("\"a b\"@example.org", "\"a b\"@example.org")]
    [InlineData("\"a\\\"b\"@example.org", "\"a\\\"b\"@example.org")]
    [InlineData("o'brien@example.org", "o'brien@example.org")]
    [InlineData("ÄNNE@bücher.example", "änne@xn--bcher-kva.example")]
    [InlineData("用户@例子.测试", "用户@xn--fsqu00a.xn--0zwm56d")]
    [InlineData("anna@[192.0.2.1]", "anna@[192.0.2.1]")]
    [InlineData("anna@[IPv6:2001:db8::1]", "anna@[ipv6:2001:db8::1]")]
    public void A_good_address_has_one_folded_form(string text, string folded)
    {
        Assert.True(MailAddress.TryParse(text, out var address));
        Assert.Equal(folded, address.Folded);
    }

    [Theory]
    [InlineData("")]
    [InlineData("anna")]
    [InlineData("@example.org")]
    [InlineData("anna@")]
    [InlineData(".anna@example.org")]
    [InlineData("an..na@example.org")]
    [InlineData("anna.@example.org")]
    [InlineData("an na@example.org")]
    [InlineData("anna@exa mple.org")]
    [InlineData("anna@-example.org")]
    [InlineData("anna@example-.org")]
    [InlineData("anna@example..org")]
    [InlineData("anna@example.org.")]
    [InlineData("anna@1.2.3.4")]
    [InlineData("anna@[1.2.3]")]
    [InlineData("anna@[300.1.1.1]")]
    [InlineData("\"anna@example.org")]
    [InlineData("\"an\rna\"@example.org")]
    [InlineData("an<na@example.org")]
    [InlineData("anna@example.org\r\nRCPT TO:<x@y>")]
    public void What_the_grammar_forbids_is_no_address(string text) => Assert.False(MailAddress.TryParse(text, out _));

    [Fact]
    public void Half_a_character_is_no_part_of_an_address() => Assert.False(MailAddress.TryParse("an\ud800na@example.org", out _));

    [Fact]
    public void A_local_part_has_at_most_64_octets()
    {
        Assert.True(MailAddress.TryParse(new string('a', 64) + "@example.org", out _));
        Assert.False(MailAddress.TryParse(new string('a', 65) + "@example.org", out _));
        Assert.False(MailAddress.TryParse(new string('ä', 33) + "@example.org", out _));
    }

    [Property(MaxTest = 2_000)]
    public void Whatever_is_read_reads_the_same_again(string? local, string? domain)
    {
        if (!MailAddress.TryParse($"{local}@{domain}", out var address)) return;

        Assert.True(MailAddress.TryParse(address.Folded, out var again));
        Assert.Equal(address.Folded, again.Folded);
        Assert.True(MailAddress.TryParse(address.ToString(), out var typed));
        Assert.Equal(address, typed);
        Assert.DoesNotContain(address.ToString(), c => c is '\r' or '\n' or '\0');
    }

    [Property(MaxTest = 2_000)]
    public void A_quoted_local_part_of_anything_printable_reads_back(string? text)
    {
        var local = new string([.. (text ?? "").Where(c => c is >= ' ' and < '\x7f')]);
        if (local.Length is 0 or > 64) return;

        var quoted = "\"" + local.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal) + "\"@example.org";
        Assert.True(MailAddress.TryParse(quoted, out var address));
        Assert.Equal(local, address.LocalPart);
    }
}
