using System.Security.Cryptography;
using System.Text;
using Portal.Smtp.Signatures;
using Portal.Tests.Smtp.Dns;

namespace Portal.Tests.Smtp.Signatures;

public sealed class DkimVerifierTests
{
    // RFC 6376 appendix A.2, with the key of appendix C. Continuation lines are indented by six, as the erratum says the signed message was.
    private const string Rfc6376 =
        "DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;\r\n" +
        "      c=simple/simple; q=dns/txt; i=joe@football.example.com;\r\n" +
        "      h=Received : From : To : Subject : Date : Message-ID;\r\n" +
        "      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n" +
        "      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB\r\n" +
        "      4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut\r\n" +
        "      KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV\r\n" +
        "      4bmp/YzhwvcubU4=;\r\n" +
        "Received: from client1.football.example.com  [192.0.2.1]\r\n" +
        "      by submitserver.example.com with SUBMISSION;\r\n" +
        "      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)\r\n" +
        "From: Joe SixPack <joe@football.example.com>\r\n" +
        "To: Suzie Q <suzie@shopping.example.net>\r\n" +
        "Subject: Is dinner ready?\r\n" +
        "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n" +
        "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n" +
        "\r\nHi.\r\n\r\nWe lost the game. Are you hungry yet?\r\n\r\nJoe.\r\n";

    // RFC 8463 appendix A.3.
    private const string Rfc8463 =
        "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n" +
        " d=football.example.com; i=@football.example.com;\r\n" +
        " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n" +
        " subject : date : message-id : from : subject : date;\r\n" +
        " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n" +
        " b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n" +
        " Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n" +
        "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n" +
        " d=football.example.com; i=@football.example.com;\r\n" +
        " q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n" +
        " date : message-id : from : subject : date;\r\n" +
        " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n" +
        " b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n" +
        " DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n" +
        " dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\r\n" +
        "From: Joe SixPack <joe@football.example.com>\r\n" +
        "To: Suzie Q <suzie@shopping.example.net>\r\n" +
        "Subject: Is dinner ready?\r\n" +
        "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n" +
        "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n" +
        "\r\nHi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n\r\n";

    private static readonly FakeDns RfcDns = new FakeDns()
        .Text("brisbane._domainkey.example.com", "v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB")
        .Text("brisbane._domainkey.football.example.com", "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
        .Text("test._domainkey.football.example.com", "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB");

    [Fact]
    public async Task The_example_of_rfc_6376_passes()
    {
        var result = await SignedMail.Of(Rfc6376).VerifyOneAsync(RfcDns);

        Assert.Equal((DkimStatus.Pass, ""), (result.Status, result.Reason));
        Assert.Equal(("example.com", "brisbane", "joe@football.example.com", "rsa-sha256", "AuUoFEfD"), (result.Domain, result.Selector, result.Identity, result.Algorithm, result.SignatureStart));
        Assert.False(result.IsTesting || result.HasUnsignedBody);
    }

    [Fact]
    public async Task Both_signatures_of_rfc_8463_pass()
    {
        var results = await SignedMail.Of(Rfc8463).VerifyAsync(RfcDns);

        Assert.Equal([("ed25519-sha256", DkimStatus.Pass), ("rsa-sha256", DkimStatus.Pass)], results.Select(r => (r.Algorithm, r.Status)));
    }

    [Theory]
    [InlineData("Hi.", "Hi!", "body hash differs")]
    [InlineData("Joe.\r\n", "Joe. \r\n", "body hash differs")]
    [InlineData("dinner", "supper", "signature differs")]
    [InlineData("Subject: Is", "Subject:  Is", "signature differs")]
    [InlineData("Subject:", "subject:", "signature differs")]
    [InlineData("      by submit", "     by submit", "signature differs")]
    [InlineData("; q=dns/txt", ";  q=dns/txt", "signature differs")]
    [InlineData("b=AuUo", "b=BuUo", "signature differs")]
    [InlineData("To: Suzie", "X: 1\r\nTo: Eve <e@example.net>\r\nTo: Suzie", null)]
    [InlineData("\r\n\r\nHi.", "\r\nTo: Eve <e@example.net>\r\n\r\nHi.", "signature differs")]
    public async Task A_message_that_changed_fails(string old, string changed, string? reason)
    {
        var result = await SignedMail.Of(Rfc6376).With(old, changed).VerifyOneAsync(RfcDns);

        Assert.Equal((reason is null ? DkimStatus.Pass : DkimStatus.Fail, reason ?? ""), (result.Status, result.Reason));
    }

    [Theory]
    [InlineData("Subject: Is dinner ready?", "SUBJECT :\tIs   dinner\r\n ready? ")]
    [InlineData("Joe.\r\n", "Joe. \t\r\n\r\n\r\n")]
    [InlineData(" s=test; t", "\ts=test;   t")]
    public async Task Relaxed_signatures_bear_new_white_space(string old, string changed) =>
        Assert.All(await SignedMail.Of(Rfc8463).With(old, changed).VerifyAsync(RfcDns), r => Assert.Equal(DkimStatus.Pass, r.Status));

    [Fact]
    public async Task A_field_that_was_signed_as_absent_must_stay_absent()
    {
        // "from", "subject" and "date" are named twice.
        Assert.All(await SignedMail.Of(Rfc8463).With("From: Joe", "From: Eve <eve@example.net>\r\nFrom: Joe").VerifyAsync(RfcDns), r => Assert.Equal("signature differs", r.Reason));
    }

    [Fact]
    public async Task A_message_without_signature_has_no_result() => Assert.Empty(await SignedMail.Of(SignedMail.Plain).VerifyAsync(RfcDns));

    [Theory]
    [InlineData(null, DkimStatus.PermError, "no key in the DNS")]
    [InlineData("", DkimStatus.PermError, "malformed key")]
    [InlineData("v=DKIM1; p=", DkimStatus.PermError, "key revoked")]
    [InlineData("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", DkimStatus.PermError, "key is for another algorithm")]
    [InlineData("FAIL", DkimStatus.TempError, "DNS failed")]
    internal async Task Without_a_key_there_is_no_pass(string? record, DkimStatus status, string reason)
    {
        var dns = new FakeDns();
        if (record == "FAIL") dns.Fail("brisbane._domainkey.example.com");
        else if (record is not null) dns.Text("brisbane._domainkey.example.com", record);

        var result = await SignedMail.Of(Rfc6376).VerifyOneAsync(dns);
        Assert.Equal((status, reason), (result.Status, result.Reason));

        // Nor does a changed message make the DNS's silence a failure.
        if (record == "FAIL") Assert.Equal(DkimStatus.TempError, (await SignedMail.Of(Rfc6376).With("Hi.", "Ho.").VerifyOneAsync(dns)).Status);
    }

    [Fact]
    public async Task A_testing_key_is_told()
    {
        var dns = TestKeys.Dns().Text("rsa._domainkey.example.org", $"t=y; p={TestKeys.RsaPublicKey}");
        var signed = SignedMail.Of(SignedMail.Plain).Sign(TestKeys.Rsa());

        Assert.True(await signed.VerifyOneAsync(dns) is { Status: DkimStatus.Pass, IsTesting: true });
        Assert.True(await signed.With("Bob,", "Eve,").VerifyOneAsync(dns) is { Status: DkimStatus.Fail, IsTesting: true });
    }

    [Theory]
    [InlineData("", "", DkimStatus.Pass, true)]
    [InlineData("Hello", "", DkimStatus.Pass, true)]
    [InlineData("Hello Bob,\r\n", "", DkimStatus.Pass, true)]
    [InlineData("Hello Bob,\r\n\r\nthis is all.\r\n", "", DkimStatus.Pass, false)]
    [InlineData("Hello Bob,\r\n\r\nthis is all.\r\n", "added\r\n", DkimStatus.Pass, true)]
    [InlineData("Hello Bob,\r\n\r\nthis is all.\r\nmore", "", DkimStatus.Fail, false)]
    internal async Task A_length_signs_the_beginning_of_the_body_and_no_more(string canonical, string added, DkimStatus status, bool hasRest)
    {
        var mail = Sign(SignedMail.Plain, $"l={canonical.Length}", SHA256.HashData(Encoding.ASCII.GetBytes(canonical)));

        var result = await SignedMail.Of([.. mail, .. Encoding.ASCII.GetBytes(added)]).VerifyOneAsync(TestKeys.Dns());

        Assert.Equal((status, hasRest), (result.Status, result.HasUnsignedBody));
        if (status == DkimStatus.Fail) Assert.Equal("body shorter than signed", result.Reason);
    }

    [Fact]
    public async Task An_expired_signature_is_refused()
    {
        var mail = SignedMail.Of(Sign(SignedMail.Plain, "x=2000000000"));

        Assert.Equal(DkimStatus.Pass, (await mail.VerifyOneAsync(TestKeys.Dns(), DateTimeOffset.FromUnixTimeSeconds(2000000299))).Status);
        var late = await mail.VerifyOneAsync(TestKeys.Dns(), DateTimeOffset.FromUnixTimeSeconds(2000000301));
        Assert.Equal((DkimStatus.PermError, "signature expired"), (late.Status, late.Reason));
    }

    [Fact]
    public async Task A_malformed_signature_does_not_spoil_the_next()
    {
        var mail = SignedMail.Of(SignedMail.Plain).Sign(TestKeys.Ed()).Under("DKIM-Signature: rubbish\r\nDKIM-Signature: v=1; a=rsa-sha1; d=example.org; s=x\r\n"u8.ToArray());

        var results = await mail.VerifyAsync(TestKeys.Dns());

        Assert.Equal([DkimStatus.Neutral, DkimStatus.Policy, DkimStatus.Pass], results.Select(r => r.Status));
        Assert.Equal("example.org", results[1].Domain);
    }

    [Fact]
    public async Task Ten_signatures_are_looked_at()
    {
        var mail = SignedMail.Of(SignedMail.Plain);
        for (var i = 0; i < 12; i++) mail = mail.Sign(TestKeys.Ed());

        var results = await mail.VerifyAsync(TestKeys.Dns());

        Assert.Equal(10, results.Count);
        Assert.All(results, r => Assert.Equal(DkimStatus.Pass, r.Status));
    }

    [Fact]
    public async Task A_header_that_is_too_long_to_know_does_not_pass()
    {
        var mail = SignedMail.Of(SignedMail.Plain).Sign(TestKeys.Ed()).With("\r\n\r\nHello", $"\r\n{string.Concat(Enumerable.Repeat("a:1\r\n", 2000))}\r\nHello");

        Assert.Equal((DkimStatus.Neutral, "too many header fields"), await mail.VerifyOneAsync(TestKeys.Dns()) is var r ? (r.Status, r.Reason) : default);
    }

    // A signature with tags that our own signer never writes.
    private static byte[] Sign(string message, string tag, byte[]? bodyHash = null)
    {
        var mail = SignedMail.Of(message);
        string[] names = ["From", "To"];
        var parts = tag.Split('=');
        var field = new SignatureField("DKIM-Signature").Tag("v", "1").Tag("a", "rsa-sha256").Tag("c", "relaxed/relaxed").Tag("d", "example.org").Tag("s", "rsa")
            .Tag(parts[0], parts[1]).Names("h", names).Tag("bh", Convert.ToBase64String(bodyHash ?? mail.Body.Relaxed!))
            .Sign(TestKeys.Rsa(), o => SignatureCheck.WriteFields(o, mail.Header, names, isRelaxed: true));
        return [.. field, .. mail.Octets];
    }
}
