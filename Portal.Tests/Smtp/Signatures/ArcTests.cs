using System.Text;
using Portal.Smtp.Signatures;
using Kit = MimeKit.Cryptography;

namespace Portal.Tests.Smtp.Signatures;

public sealed class ArcTests
{
    private static readonly Portal.Tests.Smtp.Dns.FakeDns Dns = TestKeys.Dns("one.example", "two.example", "three.example");

    [Fact]
    public async Task A_chain_of_three_passes_here_and_at_MimeKit()
    {
        var mail = await ThreeHopsAsync();

        var result = await mail.VerifyArcAsync(Dns);

        Assert.Equal((ArcStatus.Pass, "", 0), (result.Status, result.Reason, result.OldestPass));
        Assert.Equal([new ArcHop(3, "three.example", "rsa"), new ArcHop(2, "two.example", "rsa"), new ArcHop(1, "one.example", "rsa")], result.Sealers);
        Assert.Equal("mx1.example; spf=pass smtp.mailfrom=example.org; dkim=pass header.d=example.org", result.AuthenticationResults[1].Replace("\t", " ", StringComparison.Ordinal));
        Assert.Equal(Kit.ArcSignatureValidationResult.Pass, (await new Kit.ArcVerifier(new MimeKitKeys(Dns)).VerifyAsync(mail.ToMimeKit())).Chain);
    }

    [Fact]
    public async Task A_chain_sealed_with_ed25519_passes()
    {
        var mail = SignedMail.Of(SignedMail.Plain);
        mail = mail.Seal(TestKeys.Ed(), ArcResult.None).Under("Received: x\r\n"u8.ToArray());
        mail = mail.Seal(TestKeys.Ed(), await mail.VerifyArcAsync(Dns));

        Assert.Equal(ArcStatus.Pass, (await mail.VerifyArcAsync(Dns)).Status);
    }

    [Fact]
    public async Task A_message_without_a_chain_has_none() => Assert.Equal(ArcResult.None, await SignedMail.Of(SignedMail.Plain).VerifyArcAsync(Dns));

    [Theory]
    [InlineData("Bob,", "Eve,", "body hash differs")]
    [InlineData("Subject: Two", "Subject: Three", "signature differs")]
    [InlineData("From: Alice", "From: Eve <e@example.net>\r\nFrom: Alice", "signature differs")]
    [InlineData("mx1.example", "mx9.example", "signature differs")]
    [InlineData("mx2.example", "mx9.example", "signature differs")]
    [InlineData("mx3.example", "mx9.example", "signature differs")]
    [InlineData("ARC-Seal: i=1;", "ARC-Seal: i=4;", "ARC sets incomplete")]
    [InlineData("ARC-Seal: i=2;", "ARC-Seal: i=1;", "wrong cv in a seal")]
    [InlineData("ARC-Seal: i=2;", "X-Seal: i=2;", "ARC sets incomplete")]
    [InlineData("ARC-Message-Signature: i=1;", "X: i=1;", "ARC sets incomplete")]
    [InlineData("ARC-Authentication-Results: i=3;", "X: i=3;", "ARC sets incomplete")]
    [InlineData("ARC-Authentication-Results: i=3;", "ARC-Authentication-Results: x=3;", "ARC sets incomplete")]
    [InlineData("ARC-Authentication-Results: i=3;", "ARC-Authentication-Results: i=3; x\r\nARC-Authentication-Results: i=3;", "ARC sets incomplete")]
    [InlineData("cv=none", "cv=pass", "wrong cv in a seal")]
    [InlineData("cv=pass", "cv=none", "wrong cv in a seal")]
    [InlineData("ARC-Seal: i=1;", "ARC-Seal: i=1; h=from;", "malformed list of signed fields")]
    [InlineData("ARC-Seal: i=3; a=rsa-sha256", "ARC-Seal: i=3; a=rsa-sha1", "rsa-sha1 is not accepted")]
    [InlineData("ARC-Message-Signature: i=3; a=rsa-sha256", "ARC-Message-Signature: i=3; a=rsa-sha1", "rsa-sha1 is not accepted")]
    [InlineData("ARC-Seal: i=3; a=rsa-sha256;", "ARC-Seal: i=3; a=rsa-sha256; junk", "ARC sets incomplete")]
    public async Task A_chain_that_was_touched_fails(string old, string changed, string reason)
    {
        var result = await (await ThreeHopsAsync()).With(old, changed).VerifyArcAsync(Dns);

        Assert.Equal((ArcStatus.Fail, reason), (result.Status, result.Reason));
        Assert.Null(result.OldestPass);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_touched_seal_fails_wherever_it_stands(int instance)
    {
        var mail = await ThreeHopsAsync();
        var seal = ArcChain.Of(mail.Header).Sets[instance - 1].Seal;
        var text = Encoding.ASCII.GetString(seal.Field.Octets.Span);

        Assert.Equal("signature differs", (await mail.With(text, text.Replace("t=1", "t=2", StringComparison.Ordinal)).VerifyArcAsync(Dns)).Reason);
    }

    [Theory]
    [InlineData("one.example")]
    [InlineData("two.example")]
    [InlineData("three.example")]
    public async Task A_silent_dns_leaves_the_chain_unknown(string domain)
    {
        var mail = await ThreeHopsAsync();
        var dns = TestKeys.Dns("one.example", "two.example", "three.example").Fail($"rsa._domainkey.{domain}");

        var result = await mail.VerifyArcAsync(dns);

        Assert.Equal((ArcStatus.TempError, "DNS failed"), (result.Status, result.Reason));
        Assert.Empty(ArcSealer.Seal(TestKeys.Rsa(), mail.Header, mail.Body.Relaxed!, "mx.example; none", result, SignedMail.Now));
    }

    [Fact]
    public async Task A_hop_that_changes_the_message_is_the_oldest_that_passes()
    {
        var mail = await HopAsync(SignedMail.Of(SignedMail.Plain), 1);
        mail = await HopAsync(mail, 2, m => m.With("Subject: Two", "Subject: [list] Two"));
        mail = await HopAsync(mail, 3);

        var result = await mail.VerifyArcAsync(Dns);

        Assert.Equal((ArcStatus.Pass, 2), (result.Status, result.OldestPass));
        Assert.Equal(Kit.ArcSignatureValidationResult.Pass, (await new Kit.ArcVerifier(new MimeKitKeys(Dns)).VerifyAsync(mail.ToMimeKit())).Chain);
    }

    [Fact]
    public async Task Who_finds_a_chain_broken_ends_it()
    {
        var broken = (await ThreeHopsAsync()).With("Subject: Two", "Subject: Three");
        var found = await broken.VerifyArcAsync(Dns);
        Assert.Equal(ArcStatus.Fail, found.Status);

        var ended = broken.Seal(TestKeys.Rsa("one.example"), found);
        var chain = ArcChain.Of(ended.Header);

        Assert.Equal((4, true), (chain.Highest, chain.HasEnded));
        var result = await ended.VerifyArcAsync(Dns);
        Assert.Equal((ArcStatus.Fail, "an earlier hop found the chain broken"), (result.Status, result.Reason));
        Assert.Empty(ArcSealer.Seal(TestKeys.Rsa(), ended.Header, ended.Body.Relaxed!, "mx.example; none", result, SignedMail.Now));

        // RFC 8617 §5.1.2: its seal covers its own set only.
        var fields = ended.Header;
        var seal = fields.Named(ArcChain.Seal, 1).Select(ArcSeal.Parse).Single();
        using var hash = new HashWriter();
        ArcSeal.WriteCovered(hash, [], fields.Named(ArcChain.Results, 1).Single(), fields.Named(ArcChain.MessageSignature, 1).Single());
        HeaderCanonicalisation.WriteUnsigned(hash, seal.Field, isRelaxed: true);
        Assert.True(DkimKeyRecord.Parse(TestKeys.RsaRecord).Verifies(hash.Current(), seal.Signature.Span));
    }

    [Fact]
    public async Task Fifty_sets_are_the_end()
    {
        var mail = SignedMail.Of(SignedMail.Plain);
        for (var i = 1; i <= 50; i++) mail = mail.Seal(TestKeys.Ed(), i == 1 ? ArcResult.None : new ArcResult(ArcStatus.Pass, ""));

        var result = await mail.VerifyArcAsync(Dns);

        Assert.Equal((ArcStatus.Pass, 50, 0), (result.Status, result.Sealers.Count, result.OldestPass));
        Assert.Empty(ArcSealer.Seal(TestKeys.Ed(), mail.Header, mail.Body.Relaxed!, "mx.example; none", result, SignedMail.Now));
        Assert.Equal("too many ARC sets", (await mail.Under("ARC-Seal: i=51; cv=pass\r\n"u8.ToArray()).VerifyArcAsync(Dns)).Reason);
    }

    [Fact]
    public async Task A_chain_that_nobody_verified_is_not_sealed()
    {
        var mail = await ThreeHopsAsync();
        Assert.Empty(ArcSealer.Seal(TestKeys.Rsa(), mail.Header, mail.Body.Relaxed!, "mx.example; none", ArcResult.None, SignedMail.Now));
    }

    [Fact]
    public async Task The_message_signature_must_not_cover_seals()
    {
        var mail = (await ThreeHopsAsync()).With("h=From:From", "h=ARC-Seal:From:From");
        Assert.Equal("ARC-Seal among the signed fields", (await mail.VerifyArcAsync(Dns)).Reason);
    }

    [Fact]
    public async Task A_chain_that_leaves_body_unsigned_says_so()
    {
        var mail = SignedMail.Of(SignedMail.Plain);
        var key = TestKeys.Ed();
        var results = ArcResultsField.Compose(1, "mx.example; none");
        var signature = new SignatureField(ArcChain.MessageSignature).Tag("i", "1").Tag("a", "ed25519-sha256").Tag("c", "relaxed/relaxed").Tag("d", "example.org").Tag("s", "ed")
            .Tag("l", "0").Names("h", ["From"]).Tag("bh", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
            .Sign(key, o => SignatureCheck.WriteFields(o, mail.Header, ["From"], isRelaxed: true));
        Assert.True(HeaderField.TryRead(results, out var resultsField) & HeaderField.TryRead(signature, out var signatureField));
        var seal = new SignatureField(ArcChain.Seal).Tag("i", "1").Tag("a", "ed25519-sha256").Tag("cv", "none").Tag("d", "example.org").Tag("s", "ed")
            .Sign(key, o => ArcSeal.WriteCovered(o, [], resultsField, signatureField));

        Assert.True(await mail.Under([.. seal, .. signature, .. results]).VerifyArcAsync(Dns) is { Status: ArcStatus.Pass, HasUnsignedBody: true });
        Assert.False((await (await ThreeHopsAsync()).VerifyArcAsync(Dns)).HasUnsignedBody);
    }

    private static async Task<SignedMail> ThreeHopsAsync()
    {
        var mail = SignedMail.Of(SignedMail.Plain).Sign(TestKeys.Rsa());
        for (var i = 1; i <= 3; i++) mail = await HopAsync(mail, i);
        return mail;
    }

    private static async Task<SignedMail> HopAsync(SignedMail mail, int hop, Func<SignedMail, SignedMail>? change = null)
    {
        var received = await mail.VerifyArcAsync(Dns);
        mail = mail.Under(Encoding.ASCII.GetBytes($"Received: from hop{hop}\r\n"));
        mail = change?.Invoke(mail) ?? mail;
        var domain = hop switch { 1 => "one.example", 2 => "two.example", _ => "three.example" };
        return mail.Seal(TestKeys.Rsa(domain), received, $"mx{hop}.example; spf=pass smtp.mailfrom=example.org;\r\n dkim=pass header.d=example.org");
    }
}
