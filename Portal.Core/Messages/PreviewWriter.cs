using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Portal.Core.Data;

namespace Portal.Core.Messages;

/// <summary>
/// Fills preview and attachment mark of messages when somebody first lists them: never in the delivery (DESIGN §5), and never for mail
/// nobody looks at.
/// </summary>
public sealed partial class PreviewWriter(IDbContextFactory<PortalDbContext> databases, WriteGate gate, MailOpener opener, ILogger<PreviewWriter> logger)
{
    /// <summary>Raised when previews are to be made anew.</summary>
    public const int ParserVersion = 1;

    /// <summary>The rows with previews where they lacked them; at most a page.</summary>
    internal async Task<IReadOnlyList<MailRow>> FillAsync(IReadOnlyList<MailRow> rows, CancellationToken cancel)
    {
        var found = new Dictionary<long, MailPreview>();
        foreach (var row in rows.Where(r => r.ParserVersion < ParserVersion).DistinctBy(r => r.MessageId))
            if (await opener.PreviewAsync(row.MessageId, cancel) is { } preview) found[row.MessageId] = preview;
        if (found.Count == 0) return rows;

        try
        {
            await SaveAsync(found, cancel);
        }
        catch (DbException e)   // a full disk must not keep people from reading; the next listing tries again
        {
            LogNotSaved(logger, found.Count, e);
        }

        return [.. rows.Select(r => found.TryGetValue(r.MessageId, out var p) ? r with { Preview = p.Text, HasAttachments = p.HasAttachments } : r)];
    }

    private async Task SaveAsync(Dictionary<long, MailPreview> found, CancellationToken cancel)
    {
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        await using var transaction = await db.Database.BeginTransactionAsync(cancel);
        foreach (var (id, preview) in found.OrderBy(f => f.Key))
        {
            await db.Messages.Where(m => m.Id == id).ExecuteUpdateAsync(
                m => m.SetProperty(x => x.Preview, preview.Text).SetProperty(x => x.HasAttachments, preview.HasAttachments).SetProperty(x => x.ParserVersion, ParserVersion),
                cancel);
        }

        await transaction.CommitAsync(cancel);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Count} previews could not be saved")]
    private static partial void LogNotSaved(ILogger logger, int count, Exception error);
}
