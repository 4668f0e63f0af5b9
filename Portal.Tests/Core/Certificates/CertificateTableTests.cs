using Portal.Core.Certificates;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Certificates;

/// <summary>Which certificate is for which name.</summary>
public sealed class CertificateTableTests : IDisposable
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UtcNow;
    private readonly TestAuthority authority = new();
    private readonly string folder = TestFolder.Create();

    public void Dispose() => authority.Dispose();

    [Theory]
    [InlineData("mail.example.org", "exact")]
    [InlineData("MAIL.Example.ORG", "exact")]
    [InlineData("mail.example.org.", "exact")]
    [InlineData("imap.example.org", "wildcard")]
    [InlineData("a.b.example.org", null)]   // a wildcard stands for one label
    [InlineData("example.org", null)]
    [InlineData("*.example.org", "wildcard")]
    [InlineData("elsewhere.example", null)]
    [InlineData("localhost", null)]
    [InlineData("", null)]
    [InlineData(null, null)]
    [InlineData(".", null)]
    [InlineData("..example.org", null)]
    [InlineData("xn--bcher-kva.example", "idn")]
    [InlineData("bücher.example", "idn")]   // as the platform reads the A-label of a hello
    [InlineData("XN--BCHER-KVA.example", "idn")]
    [InlineData("under_score.example", "odd")]
    public void A_name_finds_the_exact_one_then_a_wildcard_for_its_first_label_then_none(string? name, string? wanted)
    {
        var table = Table(("exact", ["mail.example.org"], 90), ("wildcard", ["*.example.org"], 200), ("idn", ["xn--bcher-kva.example"], 90), ("odd", ["under_score.example"], 90));

        Assert.Equal(wanted, NameOf(table, table.For(name, Now)));
    }

    [Fact]
    public void Of_several_the_one_that_is_valid_longest_comes_first_and_what_is_not_valid_last()
    {
        var both = Table(("short", ["mail.example.org"], 10), ("long", ["mail.example.org"], 80));
        Assert.Equal("long", NameOf(both, both.For("mail.example.org", Now)));

        Assert.Equal("short", NameOf(both, both.For("mail.example.org", Now.AddDays(-20))));   // the other begins ten days ago

        var ended = Table(("ended", ["mail.example.org"], -1), ("wildcard", ["*.example.org"], 10));
        Assert.Equal("wildcard", NameOf(ended, ended.For("mail.example.org", Now)));
        Assert.Equal("ended", NameOf(ended, ended.For("mail.example.org", Now.AddDays(11))));
    }

    private CertificateTable Table(params (string Name, string[] Names, double Days)[] certificates) =>
        new([.. certificates.Select(c =>
        {
            var issued = authority.Issue(c.Names, c.Days);
            issued.WritePair(folder, c.Name);
            var source = new CertificateSource(CertificateOrigin.Folder, Path.Combine(folder, $"{c.Name}.pem"), Path.Combine(folder, $"{c.Name}.key"), null);
            Assert.True(CertificateReader.TryRead(source, out var read, out _));
            return new Shelved(source, read, Now, Now, null);
        })], null);

    private static string? NameOf(CertificateTable table, ServerCertificate? found) => found is null ? null : Path.GetFileNameWithoutExtension(table.Places.Single(p => p.Current == found).Source.File);
}
