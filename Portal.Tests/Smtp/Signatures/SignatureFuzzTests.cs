using System.Text;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Portal.Smtp.Signatures;

namespace Portal.Tests.Smtp.Signatures;

public sealed class SignatureFuzzTests
{
    private static readonly SignedMail Good = Sealed();

    private static Gen<byte[]> Headers => Gen.Elements(
        "DKIM-Signature:", "ARC-Seal:", "ARC-Message-Signature:", "ARC-Authentication-Results:", "From: a@example.org\r\n", "\r\n", "\r\n ", " ", ";", "=", ":", "@",
        "v=1", "a=rsa-sha256", "a=ed25519-sha256", "c=relaxed/relaxed", "c=", "d=example.org", "s=rsa", "s=ed", "i=1", "i=2", "i=@x.example.org", "h=from", "h=from:from:to", "l=0", "l=9",
        "bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "b=AAEC", "cv=none", "cv=pass", "t=1", "x=2", "=3D", "ü", "\0", "\r", "\n").ListOf()
        .Select(parts => Encoding.UTF8.GetBytes(string.Concat(parts)));

    [Property(MaxTest = 2000)]
    public Property Pieces_of_signatures_in_any_order_never_throw() =>
        Prop.ForAll(Headers.ToArbitrary(), header => Verify([.. header, .. "\r\n\r\nbody\r\n"u8]));

    [Property(MaxTest = 500)]
    public void Any_octets_never_throw(byte[] octets) => Verify(octets);

    [Property(MaxTest = 1000)]
    public Property A_good_message_with_octets_changed_never_throws() =>
        Prop.ForAll(Gen.Zip(Gen.Choose(0, Good.Octets.Length - 1), Gen.Choose(0, 255)).NonEmptyListOf().ToArbitrary(), changes =>
        {
            var octets = (byte[])Good.Octets.Clone();
            foreach (var (at, octet) in changes.Take(5)) octets[at] = (byte)octet;
            Verify(octets);
        });

    [Property(MaxTest = 1000)]
    public void Any_key_record_never_throws(string? text, byte[] key, bool isEd)
    {
        var hash = new byte[32];
        foreach (var record in new[] { text ?? "", $"k={(isEd ? "ed25519" : "rsa")}; p={Convert.ToBase64String(key)}", $"p=MIGfMA0G{Convert.ToBase64String(key)}" })
        {
            var parsed = DkimKeyRecord.Parse(record);
            if (parsed.Fault is null) Assert.False(parsed.Verifies(hash, key));
        }
    }

    [Property(MaxTest = 500)]
    public Property A_good_key_with_octets_changed_never_throws() =>
        Prop.ForAll(Gen.Zip(Gen.Choose(0, 290), Gen.Choose(0, 255)).NonEmptyListOf().ToArbitrary(), changes =>
        {
            foreach (var record in new[] { TestKeys.RsaRecord, TestKeys.EdRecord })
            {
                var key = Convert.FromBase64String(record[(record.IndexOf("p=", StringComparison.Ordinal) + 2)..]);
                foreach (var (at, octet) in changes.Take(3)) key[at % key.Length] = (byte)octet;
                var parsed = DkimKeyRecord.Parse($"{record[..record.IndexOf("p=", StringComparison.Ordinal)]}p={Convert.ToBase64String(key)}");
                if (parsed.Fault is null) Assert.False(parsed.Verifies(new byte[32], new byte[record == TestKeys.EdRecord ? 64 : 256]));
            }
        });

    private static void Verify(byte[] octets)
    {
        var mail = SignedMail.Of(octets);
        var results = mail.VerifyAsync(TestKeys.Dns()).GetAwaiter().GetResult();
        Assert.All(results, r => Assert.Equal(r.Status == DkimStatus.Pass, r.Reason.Length == 0));
        mail.VerifyArcAsync(TestKeys.Dns()).GetAwaiter().GetResult();
    }

    private static SignedMail Sealed()
    {
        var mail = SignedMail.Of(SignedMail.Plain).Sign(TestKeys.Rsa()).Sign(TestKeys.Ed()).Seal(TestKeys.Ed(), ArcResult.None);
        return mail.Seal(TestKeys.Rsa(), new ArcResult(ArcStatus.Pass, ""));
    }
}
