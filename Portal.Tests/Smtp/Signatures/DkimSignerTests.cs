using System.Security.Cryptography;
using System.Text;
using MimeKit;
using Org.BouncyCastle.Crypto;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Security;
using Portal.Core.Domains;
using Portal.Smtp.Signatures;
using Kit = MimeKit.Cryptography;

namespace Portal.Tests.Smtp.Signatures;

public sealed class DkimSignerTests
{
    [Theory]
    [InlineData(SigningAlgorithm.RsaSha256)]
    [InlineData(SigningAlgorithm.Ed25519Sha256)]
    internal async Task What_we_sign_passes_here_and_at_MimeKit(SigningAlgorithm algorithm)
    {
        var signed = SignedMail.Of(SignedMail.Plain).Sign(TestKeys.Of(algorithm));

        var result = await signed.VerifyOneAsync(TestKeys.Dns());

        Assert.Equal((DkimStatus.Pass, "", "example.org", "@example.org"), (result.Status, result.Reason, result.Domain, result.Identity));
        Assert.False(result.HasUnsignedBody);
        var message = signed.ToMimeKit();
        Assert.True(await new Kit.DkimVerifier(new MimeKitKeys(TestKeys.Dns())).VerifyAsync(message, message.Headers[0]));
    }

    [Theory]
    [InlineData(Kit.DkimSignatureAlgorithm.RsaSha256, Kit.DkimCanonicalizationAlgorithm.Simple)]
    [InlineData(Kit.DkimSignatureAlgorithm.RsaSha256, Kit.DkimCanonicalizationAlgorithm.Relaxed)]
    [InlineData(Kit.DkimSignatureAlgorithm.Ed25519Sha256, Kit.DkimCanonicalizationAlgorithm.Simple)]
    [InlineData(Kit.DkimSignatureAlgorithm.Ed25519Sha256, Kit.DkimCanonicalizationAlgorithm.Relaxed)]
    public async Task What_MimeKit_signs_passes_here(Kit.DkimSignatureAlgorithm algorithm, Kit.DkimCanonicalizationAlgorithm form)
    {
        var isRsa = algorithm == Kit.DkimSignatureAlgorithm.RsaSha256;
        AsymmetricKeyParameter key = isRsa ? PrivateKeyFactory.CreateKey(TestKeys.RsaPrivateKey) : new Ed25519PrivateKeyParameters(TestKeys.EdPrivateKey, 0);
        var message = SignedMail.Of(SignedMail.Plain).ToMimeKit();
        var signer = new Kit.DkimSigner(key, "example.org", isRsa ? "rsa" : "ed", algorithm)
        {
            HeaderCanonicalizationAlgorithm = form,
            BodyCanonicalizationAlgorithm = form,
            AgentOrUserIdentifier = "@eng.example.org",
        };
        message.Prepare(EncodingConstraint.SevenBit);
        signer.Sign(message, ["From", "To", "Subject", "Date"]);
        var format = FormatOptions.Default.Clone();
        format.NewLineFormat = NewLineFormat.Dos;
        var octets = new MemoryStream();
        message.WriteTo(format, octets);

        var result = await SignedMail.Of(octets.ToArray()).VerifyOneAsync(TestKeys.Dns());

        Assert.Equal((DkimStatus.Pass, "", "@eng.example.org"), (result.Status, result.Reason, result.Identity));
    }

    [Theory]
    [InlineData("Alice", "Eve", "signature differs")]
    [InlineData("Subject: Two", "Subject: Three", "signature differs")]
    [InlineData("From: Alice", "From: Eve <eve@example.net>\r\nFrom: Alice", "signature differs")]
    [InlineData("\r\n\r\nHello", "\r\nSubject: more\r\n\r\nHello", "signature differs")]
    [InlineData("MIME-Version: ", "Cc: eve@example.net\r\nMIME-Version: ", "signature differs")]
    [InlineData("MIME-Version: ", "Reply-To: eve@example.net\r\nMIME-Version: ", "signature differs")]
    [InlineData("text/plain", "text/html", "signature differs")]
    [InlineData("Bob,", "Eve,", "body hash differs")]
    [InlineData("h=From", "h=Form", "From not signed")]
    [InlineData("a.example", "c.example", null)]
    [InlineData("Received:", "X-Spam: no\r\nReceived:", null)]
    public async Task What_changes_after_signing_is_seen(string old, string changed, string? reason)
    {
        var signed = SignedMail.Of(SignedMail.Plain).Sign(TestKeys.Rsa()).With(old, changed);
        if (changed == "h=Form") signed = signed.With("h=Form:From", "h=Form:Form");

        Assert.Equal(reason ?? "", (await signed.VerifyOneAsync(TestKeys.Dns())).Reason);
    }

    [Theory]
    [InlineData("\r\n")]
    [InlineData("From: a@example.org\r\n\r\n")]
    [InlineData("From: a@example.org\r\n\r\nno line end")]
    [InlineData("From: a@example.org\r\n\r\n\r\n\r\n")]
    [InlineData("From: a@example.org\r\nList-Id: <l.example.org>\r\nList-Unsubscribe: <https://l.example.org>\r\nReferences: <1@a>\r\n <2@a>\r\nTo: b@example.org\r\nTo: c@example.org\r\n\r\n  x\t y \r\n")]
    public async Task Any_message_can_be_signed(string message) =>
        Assert.Equal("", (await SignedMail.Of(message).Sign(TestKeys.Rsa()).VerifyOneAsync(TestKeys.Dns())).Reason);

    [Fact]
    public void The_field_is_folded_and_names_what_must_not_be_added()
    {
        var signed = SignedMail.Of(SignedMail.Plain).Sign(TestKeys.Rsa());
        var field = signed.Header[0];
        var lines = Encoding.ASCII.GetString(field.Octets.Span).Split("\r\n");

        Assert.All(lines, l => Assert.InRange(l.Length, 0, 78));
        Assert.All(lines[1..^1], l => Assert.StartsWith("\t", l, StringComparison.Ordinal));
        Assert.Equal("", lines[^1]);
        Assert.Equal(
            ["From", "From", "To", "To", "Cc", "Subject", "Subject", "Date", "Date", "Reply-To", "Message-ID", "MIME-Version", "Content-Type"],
            DkimSignature.Parse(field).SignedFields);
    }

    [Fact]
    public void One_key_signs_for_many_at_once()
    {
        var key = TestKeys.Rsa();
        var hash = SHA256.HashData("x"u8);
        var expected = key.Sign(hash);
        Parallel.For(0, 200, _ => Assert.Equal(expected, key.Sign(hash)));
    }

    [Theory]
    [InlineData(SigningAlgorithm.RsaSha256, "v=DKIM1; k=rsa; p=")]
    [InlineData(SigningAlgorithm.Ed25519Sha256, "v=DKIM1; k=ed25519; p=")]
    internal void A_new_key_has_a_record_that_reads_back(SigningAlgorithm algorithm, string start)
    {
        var (_, publicKey) = SigningKeys.Create(algorithm);
        var record = SigningKeys.RecordOf(algorithm, publicKey);
        Assert.Equal(start + publicKey, record);
        Assert.Null(DkimKeyRecord.Parse(record).Fault);
    }
}
