using System.Text;
using Microsoft.Extensions.Time.Testing;
using MimeKit;
using MimeKit.Cryptography;
using Org.BouncyCastle.Crypto;
using Portal.Core.Domains;
using Portal.Smtp.Signatures;
using Portal.Tests.Smtp.Dns;

namespace Portal.Tests.Smtp.Signatures;

/// <summary>A message cut into what the verifiers take.</summary>
internal sealed class SignedMail
{
    public static readonly DateTimeOffset Now = new(2026, 11, 30, 12, 0, 0, TimeSpan.Zero);

    public const string Plain =
        "Received: from a.example by b.example; Mon, 30 Nov 2026 10:00:00 +0000\r\n" +
        "From: Alice <alice@example.org>\r\nTo: Bob <bob@example.net>\r\nSubject: Two\r\n  lines\r\n" +
        "Date: Mon, 30 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@example.org>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n" +
        "\r\n" +
        "Hello  Bob,\r\n\r\nthis is  all. \r\n\r\n\r\n";

    private SignedMail(byte[] octets)
    {
        Octets = octets;
        var end = octets.AsSpan().IndexOf("\r\n\r\n"u8);
        var headerEnd = end < 0 ? octets.Length : end + 4;
        Header = HeaderFields.Parse(octets.AsMemory(0, headerEnd));
        BodyOctets = octets[headerEnd..];
        Body = BodyDigests.Of(Header, forSigning: true);
        Body.Append(BodyOctets);
        Body.Complete();
    }

    public byte[] Octets { get; }

    public byte[] BodyOctets { get; }

    public HeaderFields Header { get; }

    public BodyDigests Body { get; }

    public static SignedMail Of(string text) => new(Encoding.UTF8.GetBytes(text));

    public static SignedMail Of(byte[] octets) => new(octets);

    /// <summary>The same with these octets above it.</summary>
    public SignedMail Under(byte[] fields) => new([.. fields, .. Octets]);

    public SignedMail With(string old, string changed)
    {
        var text = Encoding.Latin1.GetString(Octets);
        Assert.Contains(old, text, StringComparison.Ordinal);
        return new(Encoding.Latin1.GetBytes(text.Replace(old, changed, StringComparison.Ordinal)));
    }

    public Task<IReadOnlyList<DkimResult>> VerifyAsync(FakeDns dns, DateTimeOffset? now = null) =>
        new Portal.Smtp.Signatures.DkimVerifier(dns, new FakeTimeProvider(now ?? Now)).VerifyAsync(Header, Body, CancellationToken.None);

    public async Task<DkimResult> VerifyOneAsync(FakeDns dns, DateTimeOffset? now = null) => Assert.Single(await VerifyAsync(dns, now));

    public Task<ArcResult> VerifyArcAsync(FakeDns dns) =>
        new Portal.Smtp.Signatures.ArcVerifier(dns, new FakeTimeProvider(Now)).VerifyAsync(Header, Body, CancellationToken.None);

    public SignedMail Sign(SigningKey key) => Under(Portal.Smtp.Signatures.DkimSigner.Sign(key, Header, Body.Relaxed!, Now));

    public SignedMail Seal(SigningKey key, ArcResult received, string results = "mx.example; spf=pass smtp.mailfrom=example.org; dkim=pass header.d=example.org") =>
        Under(ArcSealer.Seal(key, Header, Body.Relaxed!, results, received, Now));

    public MimeMessage ToMimeKit() => MimeMessage.Load(new MemoryStream(Octets));
}

/// <summary>Keys made once: an RSA key takes its time.</summary>
internal static class TestKeys
{
    private static readonly (byte[] PrivateKey, string PublicKeyBase64) RsaPair = SigningKeys.Create(SigningAlgorithm.RsaSha256);
    private static readonly (byte[] PrivateKey, string PublicKeyBase64) EdPair = SigningKeys.Create(SigningAlgorithm.Ed25519Sha256);

    public static byte[] RsaPrivateKey => RsaPair.PrivateKey;

    public static byte[] EdPrivateKey => EdPair.PrivateKey;

    public static string RsaRecord => SigningKeys.RecordOf(SigningAlgorithm.RsaSha256, RsaPair.PublicKeyBase64);

    public static string EdRecord => SigningKeys.RecordOf(SigningAlgorithm.Ed25519Sha256, EdPair.PublicKeyBase64);

    public static string RsaPublicKey => RsaPair.PublicKeyBase64;

    public static SigningKey Rsa(string domain = "example.org") => new(domain, "rsa", SigningAlgorithm.RsaSha256, RsaPair.PrivateKey);

    public static SigningKey Ed(string domain = "example.org") => new(domain, "ed", SigningAlgorithm.Ed25519Sha256, EdPair.PrivateKey);

    public static SigningKey Of(SigningAlgorithm algorithm) => algorithm == SigningAlgorithm.RsaSha256 ? Rsa() : Ed();

    public static FakeDns Dns(params string[] domains)
    {
        var dns = new FakeDns();
        foreach (var domain in domains.Append("example.org")) dns.Text($"rsa._domainkey.{domain}", RsaRecord).Text($"ed._domainkey.{domain}", EdRecord);
        return dns;
    }
}

/// <summary>MimeKit's way to the same keys.</summary>
internal sealed class MimeKitKeys(FakeDns dns) : DkimPublicKeyLocatorBase
{
    public override AsymmetricKeyParameter LocatePublicKey(string methods, string domain, string selector, CancellationToken cancellationToken = default) =>
        GetPublicKey(dns.TextsAsync($"{selector}._domainkey.{domain}", cancellationToken).Result.Records[0]);

    public override Task<AsymmetricKeyParameter> LocatePublicKeyAsync(string methods, string domain, string selector, CancellationToken cancellationToken = default) =>
        Task.FromResult(LocatePublicKey(methods, domain, selector, cancellationToken));
}
