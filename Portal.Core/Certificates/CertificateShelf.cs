namespace Portal.Core.Certificates;

/// <summary>Every place that certificates are read from, and what the last look at them gave. One look at a time.</summary>
internal sealed class CertificateShelf(TlsOptions options, string dataFolder)
{
    private readonly string folder = options.FolderIn(dataFolder);
    private readonly Dictionary<string, CertificateSlot> slots = [];

    /// <summary>Looks at all files.</summary>
    /// <param name="isImpatient">Also at those that have not changed, and tells at once what is wrong.</param>
    public CertificateTable Look(DateTimeOffset now, bool isImpatient)
    {
        var named = CertificateSource.Named(options).DistinctBy(s => s.File).ToList();
        var found = CertificateFolder.Find(folder, options.Folder is null, out var trouble);
        List<CertificateSource> all = [.. named, .. found.ExceptBy(named.Select(s => s.File), s => s.File)];
        foreach (var source in all)
        {
            if (!slots.TryGetValue(source.File, out var slot)) slots[source.File] = slot = new(source);
            slot.Look(source, now, isImpatient);
        }

        // A folder that could not be read, or is away as a whole, has not lost what was in it.
        if (trouble is null or { Fault: CertificateFault.FolderTooFull } && Directory.Exists(folder)) Forget(all, isWhole: trouble is null, now);
        return new CertificateTable([.. slots.Values.Select(Shelved.Of)], trouble);
    }

    /// <param name="isWhole">False when the folder holds more than was looked at: what is not found may be there.</param>
    private void Forget(List<CertificateSource> there, bool isWhole, DateTimeOffset now)
    {
        foreach (var file in slots.Keys.Except(there.Select(s => s.File)).ToList())
        {
            var isHalfThere = (!isWhole && File.Exists(file)) || (slots[file].Source.KeyFile is { } key && File.Exists(key));   // of a pair the key may come first
            if (!isHalfThere && slots[file].IsGone(now)) slots.Remove(file);
        }
    }
}

/// <summary>What a place gave, at one moment.</summary>
/// <param name="Current">What is in use of it; null when nothing could be read yet.</param>
/// <param name="ReadAt">When that was read.</param>
/// <param name="TriedAt">When its files were last read, with or without success.</param>
/// <param name="Trouble">What is wrong with the files as they are now; null when nothing is, or has not been for long.</param>
internal sealed record Shelved(CertificateSource Source, ServerCertificate? Current, DateTimeOffset? ReadAt, DateTimeOffset? TriedAt, CertificateTrouble? Trouble)
{
    public static Shelved Of(CertificateSlot slot) => new(slot.Source, slot.Current, slot.ReadAt, slot.TriedAt, slot.Told);
}
