using System.Text;
using Portal.Core.Domains;
using Portal.Smtp.Signatures;

namespace Portal.Tests.Smtp.Signatures;

public sealed class DkimSignatureTests
{
    private const string BodyHash = "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=";
    private const string Good = $"v=1; a=rsa-sha256; d=example.org; s=sel; h=From:To; bh={BodyHash}; b=AAECAwQFBgcICQ==";

    [Fact]
    public void A_good_field_is_read()
    {
        var signature = Parse(
            "v=1; a=ed25519-sha256; c = relaxed ; d=Example.ORG; s=s_1.Sub; i=j=20ohn=40x@Sub.example.org; l=10; q=dns/txt:other; " +
            $"t=100; x=200; z=From:a|To:b; h=From : To\r\n : cc; bh={BodyHash}; b=AAEC\r\n AwQF BgcICQ==; unknown=1");

        Assert.Null(signature.Fault);
        Assert.Equal(SigningAlgorithm.Ed25519Sha256, signature.Algorithm);
        Assert.True(signature.IsHeaderRelaxed);
        Assert.False(signature.IsBodyRelaxed);
        Assert.Equal(("example.org", "s_1.sub", "j ohn@x@Sub.example.org", "sub.example.org"), (signature.Domain, signature.Selector, signature.Identity, signature.IdentityDomain));
        Assert.Equal((10L, 200L), (signature.BodyLength, signature.ExpiresAt));
        Assert.Equal(["From", "To", "cc"], signature.SignedFields);
        Assert.Equal("AAECAwQF", signature.SignatureStart);
        Assert.Equal(10, signature.Signature.Length);
        Assert.Equal(32, signature.BodyHash.Length);
    }

    [Fact]
    public void What_is_not_given_has_its_default()
    {
        var signature = Parse(Good);
        Assert.Null(signature.Fault);
        Assert.Equal("@example.org", signature.Identity);
        Assert.False(signature.IsHeaderRelaxed || signature.IsBodyRelaxed);
        Assert.Null(signature.BodyLength);
        Assert.Null(signature.ExpiresAt);
    }

    [Theory]
    [InlineData("v=1; ", "", "required tag missing")]
    [InlineData("v=1", "v=2", "unknown version")]
    [InlineData("v=1", "v=1.0", "unknown version")]
    [InlineData("a=rsa-sha256; ", "", "required tag missing")]
    [InlineData("rsa-sha256", "rsa-sha1", "rsa-sha1 is not accepted")]
    [InlineData("rsa-sha256", "RSA-SHA256", "unknown algorithm")]
    [InlineData("rsa-sha256", "rsa-sha512", "unknown algorithm")]
    [InlineData("rsa-sha256", "", "unknown algorithm")]
    [InlineData("d=example.org; ", "", "required tag missing")]
    [InlineData("d=example.org", "d=", "malformed domain")]
    [InlineData("d=example.org", "d=org", "malformed domain")]
    [InlineData("d=example.org", "d=example.org.", "malformed domain")]
    [InlineData("d=example.org", "d=exa mple.org", "malformed domain")]
    [InlineData("d=example.org", "d=-a.org", "malformed domain")]
    [InlineData("d=example.org", "d=a..org", "malformed domain")]
    [InlineData("d=example.org", "d=\"x\".org", "malformed domain")]
    [InlineData("s=sel; ", "", "required tag missing")]
    [InlineData("s=sel", "s=", "malformed selector")]
    [InlineData("s=sel", "s=a b", "malformed selector")]
    [InlineData("s=sel", "s=a/b", "malformed selector")]
    [InlineData("b=AAECAwQFBgcICQ==", "", "required tag missing")]
    [InlineData("b=AAECAwQFBgcICQ==", "b=", "malformed signature value")]
    [InlineData("b=AAECAwQFBgcICQ==", "b=AAE", "malformed signature value")]
    [InlineData("b=AAECAwQFBgcICQ==", "b=A*EC", "malformed signature value")]
    [InlineData($"bh={BodyHash}; ", "", "required tag missing")]
    [InlineData($"bh={BodyHash}", "bh=", "malformed body hash")]
    [InlineData($"bh={BodyHash}", "bh=AAEC", "malformed body hash")]
    [InlineData("h=From:To; ", "", "required tag missing")]
    [InlineData("h=From:To", "h=", "malformed list of signed fields")]
    [InlineData("h=From:To", "h=::", "malformed list of signed fields")]
    [InlineData("h=From:To", "h=To:Subject", "From not signed")]
    [InlineData("v=1", "v=1; c=relaxed/", "unknown canonicalisation")]
    [InlineData("v=1", "v=1; c=", "unknown canonicalisation")]
    [InlineData("v=1", "v=1; c=nofws/simple", "unknown canonicalisation")]
    [InlineData("v=1", "v=1; c=simple/relaxed/simple", "unknown canonicalisation")]
    [InlineData("v=1", "v=1; i=a@example.com", "identity outside the domain")]
    [InlineData("v=1", "v=1; i=a@badexample.org", "identity outside the domain")]
    [InlineData("v=1", "v=1; i=a@org", "identity outside the domain")]
    [InlineData("v=1", "v=1; i=example.org", "malformed identity")]
    [InlineData("v=1", "v=1; i=", "malformed identity")]
    [InlineData("v=1", "v=1; i=a@", "malformed identity")]
    [InlineData("v=1", "v=1; i=a=0D@example.org", "malformed identity")]
    [InlineData("v=1", "v=1; i=a=4@example.org", "malformed identity")]
    [InlineData("v=1", "v=1; l=-1", "malformed body length")]
    [InlineData("v=1", "v=1; l=", "malformed body length")]
    [InlineData("v=1", "v=1; l=1k", "malformed body length")]
    [InlineData("v=1", "v=1; q=http", "unknown query method")]
    [InlineData("v=1", "v=1; q=", "unknown query method")]
    [InlineData("v=1", "v=1; t=x", "malformed time")]
    [InlineData("v=1", "v=1; t=1234567890123", "malformed time")]
    [InlineData("v=1", "v=1; x=", "malformed time")]
    [InlineData("v=1", "v=1; t=100; x=100", "expires before it was signed")]
    [InlineData("v=1", "v=1; t=100; x=99", "expires before it was signed")]
    [InlineData("v=1", "v=1; v=1", "tag given twice")]
    [InlineData("v=1", "v", "malformed tag list")]
    public void A_bad_tag_says_which(string old, string changed, string reason)
    {
        Assert.Contains(old, Good, StringComparison.Ordinal);
        Assert.Equal(reason, Parse(Good.Replace(old, changed, StringComparison.Ordinal)).Fault?.Reason);
    }

    [Fact]
    public void A_body_length_beyond_every_number_is_read() =>
        Assert.Equal(long.MaxValue, Parse($"{Good}; l={new string('9', 76)}").BodyLength);

    [Fact]
    public void Too_long_names_and_lists_are_refused()
    {
        Assert.Equal("malformed list of signed fields", Parse(Good.Replace("h=From:To", $"h=From{string.Concat(Enumerable.Repeat(":a", 1000))}", StringComparison.Ordinal)).Fault?.Reason);
        Assert.Equal("malformed selector", Parse(Good.Replace("s=sel", $"s={string.Join('.', Enumerable.Repeat(new string('a', 60), 4))}", StringComparison.Ordinal)).Fault?.Reason);
        Assert.Equal("malformed selector", Parse(Good.Replace("s=sel", $"s={new string('a', 64)}", StringComparison.Ordinal)).Fault?.Reason);
    }

    [Fact]
    public void An_internationalised_domain_is_looked_up_in_its_ascii_form() =>
        Assert.Equal("xn--bcher-kva.example", Parse(Good.Replace("example.org", "bücher.example", StringComparison.Ordinal)).Domain);

    [Fact]
    public void A_signature_holds_for_five_minutes_longer_than_it_says()
    {
        var signature = Parse($"{Good}; x=1000");
        Assert.False(signature.HasExpired(DateTimeOffset.FromUnixTimeSeconds(1300)));
        Assert.True(signature.HasExpired(DateTimeOffset.FromUnixTimeSeconds(1301)));
        Assert.False(Parse(Good).HasExpired(DateTimeOffset.MaxValue));
    }

    private static DkimSignature Parse(string value)
    {
        Assert.True(HeaderField.TryRead(Encoding.UTF8.GetBytes($"DKIM-Signature: {value}\r\n"), out var field));
        return DkimSignature.Parse(field);
    }
}
