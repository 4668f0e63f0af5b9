using System.Security.Cryptography;
using System.Text;
using Portal.Smtp.Signatures;

namespace Portal.Tests.Smtp.Signatures;

public sealed class DkimKeyRecordTests
{
    private const string EdKey = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

    [Theory]
    [InlineData("v=DKIM1; k=ed25519; p={ed}", null)]
    [InlineData("k=ed25519; p={ed}", null)]
    [InlineData("v=DKIM1; p={rsa}", null)]
    [InlineData("p={rsa}", null)]
    [InlineData("p={rsa};", null)]
    [InlineData("v=DKIM1; k=rsa; h=sha1:sha256; s=email; n=note; g=*; t=y:s; p={rsa}", null)]
    [InlineData("v=DKIM1; p={bare}", null)]
    [InlineData("v=DKIM1; p=", "key revoked")]
    [InlineData("v=DKIM1; k=other; p=", "key revoked")]
    [InlineData("v=DKIM1; k=other; p=AAEC", "key is for another algorithm")]
    [InlineData("k=rsa; v=DKIM1; p={rsa}", "malformed key")]
    [InlineData("v=DKIM2; p={rsa}", "malformed key")]
    [InlineData("v=spf1 include:example.com -all", "malformed key")]
    [InlineData("v=DKIM1; k=rsa", "malformed key")]
    [InlineData("v=DKIM1; p={rsa}; p={rsa}", "malformed key")]
    [InlineData("v=DKIM1; p=*", "malformed key")]
    [InlineData("v=DKIM1; p=AAEC", "malformed key")]
    [InlineData("v=DKIM1; p=MA==", "malformed key")]
    [InlineData("v=DKIM1; p={ed}", "malformed key")]
    [InlineData("v=DKIM1; k=ed25519; p={rsa}", "malformed key")]
    [InlineData("v=DKIM1; k=ed25519; p=AAEC", "malformed key")]
    [InlineData("", "malformed key")]
    [InlineData("v=DKIM1; p={512}", "key too short")]
    [InlineData("v=DKIM1; p={1024}", null)]
    [InlineData("v=DKIM1; p={4096}", null)]
    public void A_record_is_a_key_or_says_why_not(string text, string? reason)
    {
        var record = DkimKeyRecord.Parse(Fill(text));
        Assert.Equal(reason, record.Fault?.Reason);
    }

    [Fact]
    public void A_key_of_more_than_8192_bits_is_refused()
    {
        // A modulus of the length: making the key would take minutes.
        var modulus = new byte[1040];
        modulus.AsSpan().Fill(0xff);
        using var rsa = RSA.Create(new RSAParameters { Modulus = modulus, Exponent = [1, 0, 1] });
        Assert.Equal("key too long", DkimKeyRecord.Parse($"p={Convert.ToBase64String(rsa.ExportSubjectPublicKeyInfo())}").Fault?.Reason);
    }

    [Fact]
    public void A_record_beyond_all_measure_is_not_read() =>
        Assert.Equal("malformed key", DkimKeyRecord.Parse($"p={new string('A', 20_000)}").Fault?.Reason);

    [Theory]
    [InlineData("h=sha1; p={rsa}", "rsa-sha256", "key does not allow the hash")]
    [InlineData("h=; p={rsa}", "rsa-sha256", "key does not allow the hash")]
    [InlineData("s=tlsrpt; p={rsa}", "rsa-sha256", "key is not for mail")]
    [InlineData("s=tlsrpt:*; p={rsa}", "rsa-sha256", null)]
    [InlineData("p={rsa}", "ed25519-sha256", "key is for another algorithm")]
    [InlineData("k=ed25519; p={ed}", "rsa-sha256", "key is for another algorithm")]
    [InlineData("t=s; p={rsa}", "rsa-sha256", "identity outside the domain")]
    [InlineData("t=y; p={rsa}", "rsa-sha256", null)]
    [InlineData("p=", "rsa-sha256", "key revoked")]
    public void A_key_serves_only_what_it_says(string text, string algorithm, string? reason)
    {
        HeaderField.TryRead(Encoding.ASCII.GetBytes($"DKIM-Signature: v=1; a={algorithm}; d=example.org; i=@sub.example.org; s=s; h=from; bh={EdKey}; b=AAEC"), out var field);
        var signature = DkimSignature.Parse(field);
        Assert.Null(signature.Fault);
        Assert.Equal(reason, DkimKeyRecord.Parse(Fill(text)).FaultFor(signature)?.Reason);
    }

    [Fact]
    public void Of_several_records_the_first_that_is_a_key_counts()
    {
        Assert.Null(DkimKeyRecord.Choose(["v=spf1 -all", "text", Fill("p={rsa}"), "p="]).Fault);
        Assert.Equal("key revoked", DkimKeyRecord.Choose(["p=", Fill("p={rsa}")]).Fault?.Reason);
        Assert.Equal("malformed key", DkimKeyRecord.Choose(["v=spf1 -all", "text"]).Fault?.Reason);
        Assert.Equal("no key in the DNS", DkimKeyRecord.Choose([]).Fault?.Reason);
    }

    private static string Fill(string text)
    {
        text = text.Replace("{ed}", EdKey, StringComparison.Ordinal).Replace("{rsa}", TestKeys.RsaPublicKey, StringComparison.Ordinal);
        if (text.Contains("{bare}", StringComparison.Ordinal)) text = text.Replace("{bare}", Made(2048, r => r.ExportRSAPublicKey()), StringComparison.Ordinal);
        foreach (var bits in new[] { 512, 1024, 4096 })
        {
            if (text.Contains($"{{{bits}}}", StringComparison.Ordinal)) text = text.Replace($"{{{bits}}}", Made(bits, r => r.ExportSubjectPublicKeyInfo()), StringComparison.Ordinal);
        }

        return text;
    }

    // No real key is needed to be read as one.
    private static string Made(int bits, Func<RSA, byte[]> export)
    {
        var modulus = new byte[bits / 8];
        modulus.AsSpan().Fill(0xff);
        using var rsa = RSA.Create(new RSAParameters { Modulus = modulus, Exponent = [1, 0, 1] });
        return Convert.ToBase64String(export(rsa));
    }
}
