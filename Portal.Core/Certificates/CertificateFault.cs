namespace Portal.Core.Certificates;

/// <summary>Why a certificate can't be used; "Fault_…" in the words of the page.</summary>
public enum CertificateFault
{
    /// <summary>A file is not there.</summary>
    FileMissing,

    /// <summary>A symbolic link leads to nothing.</summary>
    LinkBroken,

    /// <summary>This user may not read the file, or the disk does not give it.</summary>
    NotReadable,
    FileEmpty,

    /// <summary>Larger than <see cref="CertificateReader.MaxFileBytes"/>.</summary>
    FileTooLarge,

    /// <summary>Holds no certificate that can be read; half written ones too.</summary>
    NoCertificate,

    /// <summary>Neither beside the certificate nor in its file is a private key.</summary>
    NoKey,

    /// <summary>There is a key, but what stands in it is none; half written ones too.</summary>
    KeyUnreadable,

    /// <summary>The key is another certificate's.</summary>
    KeyDoesNotFit,

    /// <summary>The key or the PFX is encrypted, and no password is given.</summary>
    PasswordMissing,
    PasswordWrong,

    /// <summary>The folder of the settings is not there.</summary>
    FolderMissing,
    FolderNotReadable,

    /// <summary>More in the folder than is looked at; what is beyond is not read.</summary>
    FolderTooFull,
}

/// <summary>What is wrong, and with which file.</summary>
public sealed record CertificateTrouble(CertificateFault Fault, string File);
