using System.Text;
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
    [InlineData("anna@[0x7f.0.0.1]")]
    [InlineData("anna@[IPv6:fe80::1%eth0]")]
    [InlineData("anna@[IPv6:::1%\r\nRSET]")]
    [InlineData("anna@[IPv6:::1%<b>]")]
    [InlineData("\"anna@example.org")]
    [InlineData("\"an\rna\"@example.org")]
    [InlineData("an<na@example.org")]
    [InlineData("anna@example.org\r\nRCPT TO:<x@y>")]
    public void What_the_grammar_forbids_is_no_address(string text) => Assert.False(MailAddress.TryParse(text, out _));

    [Fact]   // no theory: half a character does not survive the way to one
    public void Half_a_character_or_none_is_no_part_of_an_address()
    {
        foreach (var bad in new[] { "\ud800", "\udc00", "\udc00\ud800", "\ufffe", "\uffff", "\u0085" })
        {
            Assert.False(MailAddress.TryParse($"an{bad}na@example.org", out _));
            Assert.False(MailAddress.TryParse($"\"an{bad}na\"@example.org", out _));
            Assert.False(MailAddress.TryParse($"anna@b{bad}cher.example", out _));
        }
    }

    [Fact]
    public void Folding_is_final_also_where_only_the_small_letter_has_a_composed_form()
    {
        Assert.Equal(MailAddress.Parse("\u1e97ina@example.org"), MailAddress.Parse("T\u0308ina@example.org"));
        Assert.Equal(MailAddress.Fold("T\u0308ina"), MailAddress.Fold(MailAddress.Fold("T\u0308ina")));
    }

    [Fact]
    public void What_folding_would_make_longer_than_a_local_part_may_be_is_refused()
    {
        Assert.True(MailAddress.TryParse(new string('\u023a', 21) + "@example.org", out var address));   // 42 octets, 63 in lower case
        Assert.True(MailAddress.TryParse(address.Folded, out _));
        Assert.False(MailAddress.TryParse(new string('\u023a', 22) + "@example.org", out _));
    }

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

    [Property(MaxTest = 3_000)]
    public void Whatever_comes_is_read_or_refused_and_what_is_read_keeps_its_bounds(string? text)
    {
        var given = text + (text?.Contains('@', StringComparison.Ordinal) == true ? "" : "@example.org");
        if (!MailAddress.TryParse(given, out var address)) return;

        Assert.InRange(Encoding.UTF8.GetByteCount(address.LocalPart), 1, MailAddress.MaxLocalPartOctets);
        Assert.InRange(Encoding.UTF8.GetByteCount(address.FoldedLocalPart), 1, MailAddress.MaxLocalPartOctets);
        Assert.Equal(address.FoldedLocalPart, MailAddress.Fold(address.FoldedLocalPart));
        Assert.DoesNotContain(address.ToString(), char.IsControl);
    }

    [Property(MaxTest = 3_000)]
    public void Any_letters_before_the_at_sign_read_back_the_same_and_fold_once_and_for_all(ushort[] letters)
    {
        var local = new string([.. letters.Select(l => (char)(0xA0 + (l % 0x2F60))).Where(char.IsLetterOrDigit)]);
        if (!MailAddress.TryParse($"{local}@bücher.example", out var address)) return;

        Assert.Equal(local, address.LocalPart);
        Assert.True(address.NeedsUtf8);
        Assert.Equal("xn--bcher-kva.example", address.Domain.Value);
        Assert.True(MailAddress.TryParse(address.Folded, out var again));
        Assert.Equal(address, again);
        Assert.Equal(address.Folded, again.Folded);
        if (MailAddress.TryParse($"{local.Normalize(NormalizationForm.FormD)}@XN--BCHER-KVA.EXAMPLE", out var inParts)) Assert.Equal(address, inParts);   // typed in parts it may be too long
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
