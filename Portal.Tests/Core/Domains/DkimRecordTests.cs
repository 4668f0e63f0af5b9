using Portal.Core.Domains;

namespace Portal.Tests.Core.Domains;

public sealed class DkimRecordTests
{
    private static readonly DkimRecord Rsa = DkimRecord.Of("portal.test", "r202611a", SigningAlgorithm.RsaSha256, "MIIB");

    [Fact]
    public void A_long_value_is_split_for_the_zone_and_reads_the_same()
    {
        var record = DkimRecord.Of("portal.test", "r202611a", SigningAlgorithm.RsaSha256, new string('A', 392));

        Assert.Equal([255, 155], record.Strings.Select(s => s.Length));
        Assert.Equal(record.Value, string.Concat(record.Strings));
        Assert.Equal($"r202611a._domainkey.portal.test. IN TXT ( \"{record.Strings[0]}\" \"{record.Strings[1]}\" )", record.ZoneLine);
        Assert.Equal("e._domainkey.portal.test. IN TXT \"v=DKIM1; k=ed25519; p=AAAA\"", DkimRecord.Of("portal.test", "e", SigningAlgorithm.Ed25519Sha256, "AAAA").ZoneLine);
    }

    [Theory]
    [InlineData("v=DKIM1; k=rsa; p=MIIB")]
    [InlineData("v=DKIM1;p=MIIB;")]
    [InlineData(" v = DKIM1 ; k = rsa ; h=sha1:sha256; s=email; t=s; n=ours; p= MI IB ; ")]
    [InlineData("k=rsa; p=MIIB")]
    public void The_same_key_however_it_is_written_is_found(string text) => Assert.Equal(KeyRecordState.Found, Rsa.Judge([text]));

    [Theory]
    [InlineData("v=DKIM1; k=rsa; p=MIIC")]
    [InlineData("v=DKIM1; k=rsa; p=miib")]
    [InlineData("v=DKIM1; k=rsa; p=")]
    [InlineData("v=DKIM1; k=ed25519; p=MIIB")]
    [InlineData("v=DKIM2; k=rsa; p=MIIB")]
    [InlineData("k=rsa; v=DKIM1; p=MIIB")]
    [InlineData("v=DKIM1; h=sha1; p=MIIB")]
    [InlineData("v=DKIM1; s=tlsrpt; p=MIIB")]
    [InlineData("v=DKIM1; p=MIIB; p=MIIC")]
    [InlineData("v=spf1 -all")]
    [InlineData("")]
    public void Anything_else_is_different(string text) => Assert.Equal(KeyRecordState.Different, Rsa.Judge([text]));

    [Fact]
    public void No_record_is_missing_and_two_are_different_though_one_be_right()
    {
        Assert.Equal(KeyRecordState.Missing, Rsa.Judge([]));
        Assert.Equal(KeyRecordState.Different, Rsa.Judge([Rsa.Value, "v=DKIM1; p="]));
    }

    [Theory]
    [InlineData("202611a")]
    [InlineData("202611a", "r202610c", "e202610c", "x", "other")]
    [InlineData("202611c", "r202611a", "e202611a", "r202611b", "e202611b")]
    [InlineData("202611c", "r202611b")]
    [InlineData(null, "r202611z")]
    public void A_selector_follows_the_last_of_its_month(string? suffix, params string[] taken) =>
        Assert.Equal(suffix, DkimKeySteps.SuffixOf(taken, new DateTimeOffset(2026, 11, 30, 23, 59, 0, TimeSpan.Zero)));
}
