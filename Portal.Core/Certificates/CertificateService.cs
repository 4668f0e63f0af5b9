using System.Security.Cryptography;
using System.Text;
using Portal.Core.Permissions;

namespace Portal.Core.Certificates;

/// <summary>The certificates as administrators see them. Every method needs <see cref="Capability.ManageSettings"/> for everything.</summary>
public sealed class CertificateService(ServerCertificates certificates, TimeProvider clock)
{
    /// <summary>Every place that certificates are read from, the soonest end first; those that can't be used before all.</summary>
    public Task<Outcome<IReadOnlyList<CertificateRow>>> ListAsync(Actor actor, CancellationToken cancel) =>
        Task.FromResult<Outcome<IReadOnlyList<CertificateRow>>>(actor.MayEverywhere(Capability.ManageSettings) ? Rows() : new NotPermitted(Capability.ManageSettings));

    /// <summary>Reads all files at once, whether they seem changed or not.</summary>
    public async Task<Outcome<IReadOnlyList<CertificateRow>>> LookAgainAsync(Actor actor, CancellationToken cancel)
    {
        if (!actor.MayEverywhere(Capability.ManageSettings)) return new NotPermitted(Capability.ManageSettings);
        await Task.Run(() => certificates.Look(isImpatient: true), cancel);   // disks may be slow
        return Rows();
    }

    private List<CertificateRow> Rows()
    {
        var now = clock.GetUtcNow();
        var shown = certificates.Default(now);
        var table = certificates.Table;
        var rows = table.Places.Where(p => p.Current is not null || p.Trouble is not null).Select(place => new CertificateRow(IdOf(place.Source.File), place.Source.Origin, place.Source.File)
        {
            KeyFile = place.Source.KeyFile,
            Facts = place.Current is { } read ? CertificateFacts.Of(read) : null,
            IsDefault = place.Current == shown,
            ShownFor = place.Current is { } current ? [.. current.Names.Where(name => table.For(name, now) == current)] : [],
            ReadAt = place.ReadAt,
            TriedAt = place.TriedAt,
            Trouble = place.Trouble,
        }).ToList();
        if (certificates.IsStandIn(shown)) rows.Add(new(IdOf(certificates.SelfSignedFile), CertificateOrigin.SelfSigned, certificates.SelfSignedFile) { Facts = CertificateFacts.Of(shown), IsDefault = true });
        if (table.FolderTrouble is { } wrong) rows.Add(new(IdOf(wrong.File), CertificateOrigin.Folder, wrong.File) { Trouble = wrong });
        return [.. rows.OrderBy(r => r.Facts?.Until ?? default).ThenBy(r => r.File, StringComparer.Ordinal)];
    }

    private static string IdOf(string file) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(file)).AsSpan(0, 8));
}

/// <summary>A place that certificates are read from.</summary>
/// <param name="Id">Names it in an address; the same as long as the file has the same path.</param>
/// <param name="File">Certificate, PFX or, where <see cref="Facts"/> is null and the whole folder is in trouble, the folder.</param>
public sealed record CertificateRow(string Id, CertificateOrigin Origin, string File)
{
    /// <summary>File of the private key; null when it stands in <see cref="File"/>.</summary>
    public string? KeyFile { get; init; }

    /// <summary>What is in use; null when nothing could be read.</summary>
    public CertificateFacts? Facts { get; init; }

    /// <summary>Shown to whoever asks for no name, or for one that no other is for.</summary>
    public bool IsDefault { get; init; }

    /// <summary>Those of its names for which it, and no other, is shown.</summary>
    public IReadOnlyList<string> ShownFor { get; init; } = [];

    /// <summary>When what is in use was read; null when nothing was.</summary>
    public DateTimeOffset? ReadAt { get; init; }

    /// <summary>When the files were last read, with or without success.</summary>
    public DateTimeOffset? TriedAt { get; init; }

    /// <summary>Why the files as they are now can't be used; null when they can.</summary>
    public CertificateTrouble? Trouble { get; init; }

    /// <summary>Whether anybody is shown it.</summary>
    public bool IsInUse => IsDefault || ShownFor.Count > 0;
}
