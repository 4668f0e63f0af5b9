using System.Security.Cryptography;
using System.Text;
using Portal.Core.Data;

namespace Portal.Tests.Core.Data;

public class SecretBoxTests
{
    private static readonly byte[] Key = RandomNumberGenerator.GetBytes(32);

    [Fact]
    public void What_is_sealed_opens_for_its_column_only()
    {
        using var box = new SecretBox(Key);
        var sealedText = box.Seal("Route", "Password", "open sesame");

        Assert.Equal("open sesame", box.OpenText("Route", "Password", sealedText));
        Assert.DoesNotContain("sesame", Encoding.Latin1.GetString(sealedText), StringComparison.Ordinal);
        Assert.ThrowsAny<CryptographicException>(() => box.OpenText("Route", "UserName", sealedText));
        Assert.ThrowsAny<CryptographicException>(() => box.OpenText("Account", "Password", sealedText));
    }

    [Fact]
    public void Another_key_or_a_changed_bit_opens_nothing()
    {
        using var box = new SecretBox(Key);
        using var other = new SecretBox(RandomNumberGenerator.GetBytes(32));
        var sealedText = box.Seal("Route", "Password", "open sesame");

        Assert.Throws<CryptographicException>(() => other.OpenText("Route", "Password", sealedText));
        for (var i = 0; i < sealedText.Length; i++)
        {
            var changed = sealedText.ToArray();
            changed[i] ^= 1;
            Assert.ThrowsAny<CryptographicException>(() => box.OpenText("Route", "Password", changed));
        }
    }

    [Fact]
    public void The_same_secret_never_looks_the_same_twice()
    {
        using var box = new SecretBox(Key);

        Assert.NotEqual(box.Seal("Route", "Password", "open sesame"), box.Seal("Route", "Password", "open sesame"));
    }
}
