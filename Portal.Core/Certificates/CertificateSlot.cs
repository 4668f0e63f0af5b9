namespace Portal.Core.Certificates;

/// <summary>
/// A place that a certificate is read from: what it gave last stays in use until a whole new one is there. Of a pair whose files do not
/// come at once the first one changes nothing.
/// </summary>
internal sealed class CertificateSlot(CertificateSource source)
{
    /// <summary>So long something may be half there before it is told of, and gone before it is believed.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private SourceStamp stamp;
    private CertificateTrouble? trouble;
    private DateTimeOffset troubledSince;
    private DateTimeOffset? goneSince;

    public CertificateSource Source { get; private set; } = source;

    /// <summary>What is in use; null before the first one could be read.</summary>
    public ServerCertificate? Current { get; private set; }

    /// <summary>When <see cref="Current"/> was read; null when nothing was.</summary>
    public DateTimeOffset? ReadAt { get; private set; }

    /// <summary>When its files were last read, with or without success.</summary>
    public DateTimeOffset? TriedAt { get; private set; }

    /// <summary>What is wrong with the files as they are now, once it has lasted; null when nothing is.</summary>
    public CertificateTrouble? Told { get; private set; }

    /// <summary>Reads the files when they are others than before, or when somebody asks.</summary>
    /// <param name="isImpatient">Tells at once what is wrong: at the start, and to a person who asks.</param>
    public void Look(CertificateSource from, DateTimeOffset now, bool isImpatient)
    {
        (Source, goneSince) = (from, null);
        var found = from.Stamp();
        var isDue = isImpatient || TriedAt is null || found != stamp || (trouble is not null && now - TriedAt >= Patience);
        if (isDue) Read(found, now);
        Told = trouble is not null && (Told is not null || isImpatient || now - troubledSince >= Patience) ? trouble : null;
    }

    /// <summary>Its files are not in the folder any more. Whoever replaces them takes them away for a moment too.</summary>
    /// <returns>Whether that has lasted.</returns>
    public bool IsGone(DateTimeOffset now) => now - (goneSince ??= now) >= Patience;

    private void Read(SourceStamp found, DateTimeOffset now)
    {
        (stamp, TriedAt) = (found, now);
        if (CertificateReader.TryRead(Source, out var read, out var wrong))
        {
            trouble = null;
            if (Current?.IsSameAs(read) != true) (Current, ReadAt) = (read, now);   // the one replaced is left to the collector: handshakes under way still hold it
            return;
        }

        if (trouble is null) troubledSince = now;
        trouble = wrong;
    }
}
