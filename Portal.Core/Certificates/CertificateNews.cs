using Microsoft.Extensions.Logging;
using Portal.Core.Alerts;
using Portal.Core.Permissions;

namespace Portal.Core.Certificates;

/// <summary>Tells of certificates that came, can't be used, run out or have expired: in the log once each, in the banner as long as it is so.</summary>
internal sealed partial class CertificateNews(SystemNotices notices, ILogger logger)
{
    /// <summary>So many days before the end administrators see it above every page.</summary>
    private const int BannerDays = 14;

    private readonly Dictionary<string, Shelved> before = [];
    private readonly HashSet<(string Thumbprint, int Days)> thresholds = [];
    private CertificateProblem problem;
    private CertificateTrouble? folderTrouble;

    /// <summary>Compares with what was told last.</summary>
    public void Tell(ServerCertificates certificates, DateTimeOffset now)
    {
        var table = certificates.Table;
        foreach (var place in table.Places) TellOf(place, before.GetValueOrDefault(place.Source.File));
        foreach (var (file, gone) in before.ExceptBy(table.Places.Select(p => p.Source.File), b => b.Key))
            if (gone.Current is { } last) LogGone(logger, string.Join(", ", last.Names), file);
        before.Clear();
        foreach (var place in table.Places) before[place.Source.File] = place;
        if (table.FolderTrouble is { } wrong && wrong != folderTrouble) LogFolder(logger, wrong.File, wrong.Fault);
        folderTrouble = table.FolderTrouble;

        TellOfProblem(table.Default, certificates.Problem);
        TellOfEnds(InUse(certificates, now), table.Default?.Current, now);
        var isTroubled = table.FolderTrouble is not null || table.Places.Any(p => p.Trouble is not null && !(p.Source.IsDefault && p.Current is null));
        Show("CertificateTrouble", isTroubled ? NoticeSeverity.Warning : null);
    }

    /// <summary>The self-signed one could not be kept: the next start makes another, and whoever trusts this one is asked again.</summary>
    public void TellUnsaved(string file, Exception why) => LogUnsaved(logger, file, why);

    /// <summary>The certificates that somebody is shown: those of files that another has replaced for all their names are left out.</summary>
    private static List<ServerCertificate> InUse(ServerCertificates certificates, DateTimeOffset now)
    {
        var (table, shown) = (certificates.Table, certificates.Default(now));
        return [.. table.Places.Select(p => p.Current).OfType<ServerCertificate>().Where(c => c == shown || c.Names.Any(name => table.For(name, now) == c))];
    }

    private void TellOf(Shelved place, Shelved? last)
    {
        if (place.Current is { } shown && shown.Certificate.Thumbprint != last?.Current?.Certificate.Thumbprint) LogShown(logger, string.Join(", ", shown.Names), place.Source.File, shown.Until);
        if (place.Trouble is not { } wrong || wrong == last?.Trouble) return;
        if (place.Current is null) LogUnusable(logger, place.Source.File, wrong.Fault, wrong.File);
        else LogKept(logger, place.Source.File, wrong.Fault, wrong.File, place.Current.Until);
    }

    private void TellOfProblem(Shelved? named, CertificateProblem now)
    {
        foreach (var other in Enum.GetValues<CertificateProblem>().Where(p => p != CertificateProblem.None && p != now)) notices.Clear(other.ToString());
        if (now != CertificateProblem.None) notices.Raise(now.ToString(), NoticeSeverity.Error);
        if (now != CertificateProblem.None && now != problem) LogProblem(logger, named!.Source.File, now);
        problem = now;
    }

    private void TellOfEnds(List<ServerCertificate> inUse, ServerCertificate? named, DateTimeOffset now)
    {
        thresholds.RemoveWhere(t => !inUse.Any(c => c.Certificate.Thumbprint == t.Thumbprint));
        foreach (var certificate in inUse)
        {
            if (CertificateFacts.Reached(certificate.Until, now) is not { } days || !thresholds.Add((certificate.Certificate.Thumbprint, days))) continue;
            if (days == 0) LogEnded(logger, string.Join(", ", certificate.Names), certificate.Until);
            else LogEnds(logger, string.Join(", ", certificate.Names), certificate.Until, days);
        }

        // Of the default one of the settings another banner tells.
        var ended = inUse.FirstOrDefault(c => c.Until <= now && c != named);
        var ending = inUse.Where(c => c.Until > now && c.Until - now <= TimeSpan.FromDays(BannerDays)).MinBy(c => c.Until);
        Show("CertificateEnded", ended is null ? null : NoticeSeverity.Error, ended?.Name ?? "");
        Show("CertificateEnds", ending is null ? null : NoticeSeverity.Warning, ending?.Name ?? "", ending is null ? 0 : (int)(ending.Until - now).TotalDays);
    }

    /// <summary>Puts a banner up for administrators, or takes it down.</summary>
    private void Show(string key, NoticeSeverity? severity, params object[] arguments)
    {
        if (severity is { } grave) notices.Raise(new SystemNotice(key, grave) { Needs = Capability.ManageSettings, Arguments = arguments });
        else notices.Clear(key);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "TLS shows {Names}, from {File}, until {Until:yyyy-MM-dd}")]
    private static partial void LogShown(ILogger logger, string names, string file, DateTimeOffset until);

    [LoggerMessage(Level = LogLevel.Error, Message = "The certificate {Certificate} can't be used: {Fault} ({File})")]
    private static partial void LogUnusable(ILogger logger, string certificate, CertificateFault fault, string file);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The certificate {Certificate} can't be renewed: {Fault} ({File}); the one read before stays in use, until {Until:yyyy-MM-dd}")]
    private static partial void LogKept(ILogger logger, string certificate, CertificateFault fault, string file, DateTimeOffset until);

    [LoggerMessage(Level = LogLevel.Error, Message = "The self-signed certificate can't be kept in {File}; it serves until the program ends")]
    private static partial void LogUnsaved(ILogger logger, string file, Exception why);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The certificate for {Names} is no longer shown: {File} is gone")]
    private static partial void LogGone(ILogger logger, string names, string file);

    [LoggerMessage(Level = LogLevel.Error, Message = "The folder of certificates {Folder} is not read, or not whole: {Fault}")]
    private static partial void LogFolder(ILogger logger, string folder, CertificateFault fault);

    [LoggerMessage(Level = LogLevel.Error, Message = "Portal:Tls:Certificate {File}: {Problem}; another certificate stands in")]
    private static partial void LogProblem(ILogger logger, string file, CertificateProblem problem);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The certificate for {Names} ends on {Until:yyyy-MM-dd HH:mm} UTC: {Days} days or less are left")]
    private static partial void LogEnds(ILogger logger, string names, DateTimeOffset until, int days);

    [LoggerMessage(Level = LogLevel.Error, Message = "The certificate for {Names} has expired on {Until:yyyy-MM-dd HH:mm} UTC; clients warn or go away")]
    private static partial void LogEnded(ILogger logger, string names, DateTimeOffset until);
}
