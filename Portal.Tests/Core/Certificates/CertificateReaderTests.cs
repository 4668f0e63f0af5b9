using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Portal.Core.Certificates;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Certificates;

/// <summary>Whatever stands in the files, reading them gives a certificate or a reason.</summary>
public sealed class CertificateReaderTests : IDisposable
{
    private readonly TestAuthority authority = new();
    private readonly string folder = TestFolder.Create();

    public void Dispose() => authority.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void RSA_and_ECDSA_are_read_from_a_pair_from_one_file_and_from_a_PFX(bool isRsa)
    {
        var certificate = authority.Issue("mail.example.org", isRsa: isRsa);
        var (pair, one, pfx) = (Write("a.pem", certificate.Chain), Write("b.pem", certificate.Key + certificate.Chain), Path.Combine(folder, "c.pfx"));
        File.WriteAllBytes(pfx, certificate.Pfx("secret"));

        foreach (var source in new[] { Source(pair, Write("a.key", certificate.Key)), Source(one), Source(pfx, password: Write("c.pass", "secret\r\nnot this\n")) })
        {
            Assert.True(CertificateReader.TryRead(source, out var read, out var trouble), trouble?.Fault.ToString());
            Assert.Equal(certificate.Certificate.Thumbprint, read.Certificate.Thumbprint);
            Assert.True(read.Certificate.HasPrivateKey);
            Assert.Equal(["mail.example.org"], read.Names);
            Assert.Equal("CN=Test Intermediate", Assert.Single(read.Intermediates).Subject);
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public void A_PFX_without_a_password_needs_none(string? password)
    {
        File.WriteAllBytes(Path.Combine(folder, "a.p12"), authority.Issue("mail.example.org").Pfx(password));

        Assert.True(CertificateReader.TryRead(Source(Path.Combine(folder, "a.p12")), out _, out _));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Older_forms_of_keys_words_between_and_line_ends_of_Windows_are_borne(bool isRsa)
    {
        var certificate = authority.Issue("mail.example.org", isRsa: isRsa);
        var source = Source(Write("a.pem", $"\uFEFFsubject=CN = mail.example.org\n\n{certificate.Chain}".ReplaceLineEndings("\r\n")), Write("a.key", certificate.TraditionalKey.ReplaceLineEndings("\r\n")));

        Assert.True(CertificateReader.TryRead(source, out var read, out var trouble), trouble?.Fault.ToString());
        Assert.Single(read.Intermediates);
    }

    [Fact]
    public void A_key_with_a_password_is_opened_with_it()
    {
        var certificate = authority.Issue("mail.example.org");
        var source = Source(Write("a.pem", certificate.Chain), Write("a.key", certificate.EncryptedKey("sécret 電")), Write("a.pass", "sécret 電"));

        Assert.True(CertificateReader.TryRead(source, out _, out _));
    }

    public static TheoryData<string, CertificateFault, string> Faults => new()
    {
        { "no certificate file", CertificateFault.FileMissing, "a.pem" },
        { "no key file", CertificateFault.FileMissing, "a.key" },
        { "no password file", CertificateFault.FileMissing, "a.pass" },
        { "a link to nowhere", CertificateFault.LinkBroken, "a.pem" },
        { "links in a circle", CertificateFault.NotReadable, "a.pem" },
        { "a folder", CertificateFault.NotReadable, "a.key" },
        { "empty", CertificateFault.FileEmpty, "a.pem" },
        { "too large", CertificateFault.FileTooLarge, "a.pem" },
        { "half a certificate", CertificateFault.NoCertificate, "a.pem" },
        { "noise for a certificate", CertificateFault.NoCertificate, "a.pem" },
        { "noise between the lines", CertificateFault.NoCertificate, "a.pem" },
        { "noise in a PFX", CertificateFault.NoCertificate, "a.pfx" },
        { "half a PFX", CertificateFault.NoCertificate, "a.pfx" },
        { "a PFX without a key", CertificateFault.NoKey, "a.pfx" },
        { "a PFX whose password is wrong", CertificateFault.PasswordWrong, "a.pfx" },
        { "a PFX whose password is missing", CertificateFault.PasswordMissing, "a.pfx" },
        { "no key in one file", CertificateFault.NoKey, "a.pem" },
        { "half a key", CertificateFault.KeyUnreadable, "a.key" },
        { "noise for a key", CertificateFault.KeyUnreadable, "a.key" },
        { "a kind of key that TLS has no use for", CertificateFault.KeyUnreadable, "a.key" },
        { "another's key", CertificateFault.KeyDoesNotFit, "a.key" },
        { "a key of the other kind", CertificateFault.KeyDoesNotFit, "a.key" },
        { "a wrong password", CertificateFault.PasswordWrong, "a.key" },
        { "a missing password", CertificateFault.PasswordMissing, "a.key" },
    };

    [Theory, MemberData(nameof(Faults))]
    public void What_is_wrong_is_said_with_the_file(string what, CertificateFault fault, string file)
    {
        var source = Broken(what, authority.Issue("mail.example.org"));

        Assert.False(CertificateReader.TryRead(source, out var read, out var trouble));
        Assert.Null(read);
        Assert.Equal(new CertificateTrouble(fault, Path.Combine(folder, file)), trouble);
    }

    [Fact]
    public void A_file_that_is_closed_to_us_is_said_so_also_where_its_folder_is_closed()
    {
        var (open, closed) = (Directory.CreateTempSubdirectory("portal-tests-open-").FullName, Path.Combine(folder, "closed"));
        try
        {
            File.SetUnixFileMode(open, (UnixFileMode)0b111_101_101);
            Directory.CreateDirectory(closed, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            foreach (var place in new[] { open, closed }) authority.Issue("mail.example.org").WritePair(place, "a");
            File.SetUnixFileMode(Path.Combine(open, "a.key"), UnixFileMode.UserRead);

            var troubles = AsNobody(() => new[] { open, closed }.Select(place =>
            {
                _ = CertificateReader.TryRead(Source(Path.Combine(place, "a.pem"), Path.Combine(place, "a.key")), out _, out var trouble);
                return trouble;
            }).ToList());

            Assert.Equal([new CertificateTrouble(CertificateFault.NotReadable, Path.Combine(open, "a.key")), new CertificateTrouble(CertificateFault.NotReadable, Path.Combine(closed, "a.pem"))], troubles);
        }
        finally
        {
            Directory.Delete(open, recursive: true);
        }
    }

    /// <summary>Root reads everything; this thread is nobody, towards files only.</summary>
    private static T AsNobody<T>(Func<T> act)
    {
        T result = default!;
        var thread = new Thread(() =>
        {
            _ = SetFileUser(65534);
            result = act();
            _ = SetFileUser(0);
        });
        thread.Start();
        thread.Join();
        return result;
    }

    private CertificateSource Broken(string what, TestCertificate good)
    {
        var (pem, key, pass, pfx) = (Path.Combine(folder, "a.pem"), Path.Combine(folder, "a.key"), Path.Combine(folder, "a.pass"), Path.Combine(folder, "a.pfx"));
        Write("a.pem", good.Chain);
        Write("a.key", good.Key);
        switch (what)
        {
            case "no certificate file": File.Delete(pem); break;
            case "no key file": File.Delete(key); break;
            case "no password file": return Source(pem, key, pass);
            case "a link to nowhere": File.Delete(pem); File.CreateSymbolicLink(pem, Path.Combine(folder, "gone")); break;
            case "links in a circle": File.Delete(pem); File.CreateSymbolicLink(pem, pem); break;
            case "a folder": File.Delete(key); Directory.CreateDirectory(key); break;
            case "empty": Write("a.pem", ""); break;
            case "too large": Write("a.pem", good.Chain + new string('\n', CertificateReader.MaxFileBytes)); break;
            case "half a certificate": Write("a.pem", good.Chain[..300]); break;
            case "noise for a certificate": Write("a.pem", "\0\u0001 nothing of the kind"); break;
            case "noise between the lines": Write("a.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"); break;
            case "noise in a PFX": File.WriteAllBytes(pfx, [1, 2, 3, 4]); return Source(pfx);
            case "half a PFX": File.WriteAllBytes(pfx, good.Pfx("x")[..500]); return Source(pfx, password: Write("a.pass", "x"));
            case "a PFX without a key":
                File.WriteAllBytes(pfx, new X509Certificate2Collection(X509Certificate2.CreateFromPem(authority.RootPem)).Export(X509ContentType.Pfx, "x")!);
                return Source(pfx, password: Write("a.pass", "x"));
            case "a PFX whose password is wrong": File.WriteAllBytes(pfx, good.Pfx("right")); return Source(pfx, password: Write("a.pass", "wrong"));
            case "a PFX whose password is missing": File.WriteAllBytes(pfx, good.Pfx("right")); return Source(pfx);
            case "no key in one file": return Source(pem);
            case "half a key": Write("a.key", good.Key[..60]); break;
            case "noise for a key": Write("a.key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"); break;
            case "a kind of key that TLS has no use for":
                using (var agreeing = ECDsa.Create(ECCurve.NamedCurves.nistP256))
                {
                    var request = new CertificateRequest("CN=mail.example.org", agreeing, HashAlgorithmName.SHA256);
                    request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyAgreement, critical: true));
                    using var made = request.Create(request.SubjectName, X509SignatureGenerator.CreateForECDsa(agreeing), DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1), [1]);
                    Write("a.pem", made.ExportCertificatePem());
                    Write("a.key", agreeing.ExportPkcs8PrivateKeyPem());
                }

                break;
            case "another's key": Write("a.key", authority.Issue("other.example.org").Key); break;
            case "a key of the other kind": Write("a.key", authority.Issue("other.example.org", isRsa: true).Key); break;
            case "a wrong password": Write("a.key", good.EncryptedKey("right")); return Source(pem, key, Write("a.pass", "wrong"));
            case "a missing password": Write("a.key", good.EncryptedKey("right")); break;
            default: throw new ArgumentException(what);
        }

        return Source(pem, key);
    }

    private string Write(string name, string text)
    {
        var file = Path.Combine(folder, name);
        File.WriteAllText(file, text);
        return file;
    }

    private static CertificateSource Source(string file, string? key = null, string? password = null) => new(CertificateOrigin.Folder, file, key, password);

    [DllImport("libc", EntryPoint = "setfsuid")]
    private static extern int SetFileUser(int user);
}
