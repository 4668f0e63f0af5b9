using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Portal.Core.Certificates;

/// <summary>Reads a certificate with its key, or says why that is impossible. Nothing that stands in a file makes it throw.</summary>
internal static class CertificateReader
{
    /// <summary>Largest file that is read; a chain with its key takes some 10 KB.</summary>
    public const int MaxFileBytes = 1024 * 1024;

    // ERROR_INVALID_PASSWORD: what .NET's reader of PFX says on every platform.
    private const int InvalidPassword = unchecked((int)0x80070056);

    public static bool TryRead(CertificateSource source, [NotNullWhen(true)] out ServerCertificate? read, [NotNullWhen(false)] out CertificateTrouble? trouble)
    {
        (read, trouble) = (null, null);
        if (!TryReadFile(source.File, out var file, out trouble)) return false;
        if (!TryReadPassword(source.PasswordFile, out var password, out trouble)) return false;
        var key = file;
        if (source is { IsPfx: false, KeyFile: { } keyFile } && !TryReadFile(keyFile, out key, out trouble)) return false;
        read = source.IsPfx ? FromPfx(file, password, out var fault) : FromPem(Encoding.Latin1.GetString(file), Encoding.Latin1.GetString(key), password, out fault);
        if (read is not null) return true;

        trouble = new(fault, fault == CertificateFault.NoCertificate || source.IsPfx ? source.File : source.KeyFile ?? source.File);
        return false;
    }

    private static ServerCertificate? FromPem(string text, string keyText, string? password, out CertificateFault fault)
    {
        fault = CertificateFault.NoCertificate;
        var all = new X509Certificate2Collection();
        try
        {
            all.ImportFromPem(text);
        }
        catch (CryptographicException)
        {
            return null;
        }

        if (all.Count == 0) return null;
        var isEncrypted = keyText.Contains("-----BEGIN ENCRYPTED PRIVATE KEY-----", StringComparison.Ordinal);
        if (KeyFault(keyText, isEncrypted, password) is { } wrong)
        {
            fault = wrong;
            return null;
        }

        try
        {
            var certificate = isEncrypted ? X509Certificate2.CreateFromEncryptedPem(text, keyText, password) : X509Certificate2.CreateFromPem(text, keyText);
            all.RemoveAt(0);   // the first is the certificate itself
            return new ServerCertificate(certificate, all);
        }
        catch (NotSupportedException)
        {
            fault = CertificateFault.KeyUnreadable;   // neither RSA nor ECDSA: TLS has no use for it
            return null;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            fault = HoldsKey(keyText, isEncrypted ? password : null) ? CertificateFault.KeyDoesNotFit : isEncrypted ? CertificateFault.PasswordWrong : CertificateFault.KeyUnreadable;
            return null;
        }
    }

    /// <summary>What can be told before the key is tried; null when nothing can.</summary>
    private static CertificateFault? KeyFault(string keyText, bool isEncrypted, string? password)
    {
        if (!keyText.Contains("PRIVATE KEY-----", StringComparison.Ordinal)) return CertificateFault.NoKey;
        return isEncrypted && password is null ? CertificateFault.PasswordMissing : null;
    }

    /// <summary>Whether the text holds a key at all, be it another certificate's.</summary>
    private static bool HoldsKey(string text, string? password)
    {
        using var rsa = RSA.Create();
        using var ecdsa = ECDsa.Create();
        foreach (AsymmetricAlgorithm kind in new AsymmetricAlgorithm[] { rsa, ecdsa })
        {
            try
            {
                if (password is null) kind.ImportFromPem(text);
                else kind.ImportFromEncryptedPem(text, password);
                return true;
            }
            catch (Exception e) when (e is CryptographicException or ArgumentException)
            {
                // Not of this kind.
            }
        }

        return false;
    }

    private static ServerCertificate? FromPfx(byte[] file, string? password, out CertificateFault fault)
    {
        fault = CertificateFault.NoCertificate;
        try
        {
            var all = X509CertificateLoader.LoadPkcs12Collection(file, password);
            if (all.Count > 0) fault = CertificateFault.NoKey;
            if (all.FirstOrDefault(c => c.HasPrivateKey) is not { } certificate) return null;
            all.Remove(certificate);
            return new ServerCertificate(certificate, all);
        }
        catch (NotSupportedException)
        {
            fault = CertificateFault.KeyUnreadable;
            return null;
        }
        catch (CryptographicException e)
        {
            if (e.HResult == InvalidPassword) fault = password is null ? CertificateFault.PasswordMissing : CertificateFault.PasswordWrong;
            return null;
        }
    }

    /// <summary>First line of the file; null where none is named.</summary>
    private static bool TryReadPassword(string? file, out string? password, [NotNullWhen(false)] out CertificateTrouble? trouble)
    {
        (password, trouble) = (null, null);
        if (file is null) return true;
        if (!TryReadFile(file, out var content, out trouble)) return false;
        password = Encoding.UTF8.GetString(content).TrimStart('\uFEFF').Split('\n')[0].TrimEnd('\r');
        return true;
    }

    private static bool TryReadFile(string file, out byte[] content, [NotNullWhen(false)] out CertificateTrouble? trouble)
    {
        content = [];
        var fault = ReadFile(file, ref content);
        trouble = fault is { } why ? new(why, file) : null;
        return trouble is null;
    }

    private static CertificateFault? ReadFile(string file, ref byte[] content)
    {
        try
        {
            var target = FileStamp.TargetOf(file);
            if (target is { Exists: true, Length: 0 }) return CertificateFault.FileEmpty;   // a pipe too, whose reader would wait
            if (target is { Exists: true, Length: > MaxFileBytes }) return CertificateFault.FileTooLarge;

            // One that seems not to be there is tried all the same: it may stand in a folder that is closed to us.
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var read = new byte[Math.Min(stream.Length, MaxFileBytes)];
            content = read[..stream.ReadAtLeast(read, read.Length, throwOnEndOfStream: false)];
            return null;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return new FileInfo(file).LinkTarget is null ? CertificateFault.FileMissing : CertificateFault.LinkBroken;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return CertificateFault.NotReadable;
        }
    }
}
