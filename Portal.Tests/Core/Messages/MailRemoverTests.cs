using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Messages;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Messages;

public class MailRemoverTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, BothDatabases]
    public async Task What_was_removed_ends_after_14_days_and_not_before(DatabaseKind kind)
    {
        await using var bed = await MailBed.CreateAsync(kind);
        var first = await bed.DeliverAsync(bed.Anna, "Subject: 1\n\nx\n", SpecialUse.Trash);
        await bed.Mail.DeleteAsync(bed.Anna.Actor, [first], Cancel);
        bed.Database.Clock.Advance(TimeSpan.FromDays(13));
        var second = await bed.DeliverAsync(bed.Anna, "Subject: 2\n\nx\n", SpecialUse.Trash);
        await bed.Mail.DeleteAsync(bed.Anna.Actor, [second], Cancel);
        Assert.Equal(0, await bed.Remover.PurgeAsync(Cancel));

        bed.Database.Clock.Advance(TimeSpan.FromDays(2));

        Assert.Equal(1, await bed.Remover.PurgeAsync(Cancel));
        Assert.Equal([second], await bed.Database.ReadAsync(db => db.MailItems.Select(i => i.Id).ToListAsync()));
        Assert.Equal(1, (await bed.Sweeper.SweepAsync(0, Cancel)).Deleted);
    }

    [Theory, BothDatabases]
    public async Task Tombstones_are_kept_60_days(DatabaseKind kind)
    {
        await using var bed = await MailBed.CreateAsync(kind);
        await bed.Mail.DeleteAsync(bed.Anna.Actor, [await bed.DeliverAsync(bed.Anna, "Subject: 1\n\nx\n")], Cancel);
        bed.Database.Clock.Advance(TimeSpan.FromDays(59));
        Assert.Equal(0, await bed.Remover.PurgeTombstonesAsync(Cancel));

        bed.Database.Clock.Advance(TimeSpan.FromDays(2));

        Assert.Equal(1, await bed.Remover.PurgeTombstonesAsync(Cancel));
        Assert.Equal(0, await bed.Database.ReadAsync(db => db.Expunged.CountAsync()));
    }

    [Theory, BothDatabases]
    public async Task A_mailbox_is_cleared_in_turns_and_nobody_elses_is_touched(DatabaseKind kind)
    {
        await using var bed = await MailBed.CreateAsync(kind);
        await bed.DeliverAsync(bed.Anna, "Subject: 1\n\nx\n");
        await bed.Mail.DeleteAsync(bed.Anna.Actor, [await bed.DeliverAsync(bed.Anna, "Subject: 2\n\nx\n", SpecialUse.Trash)], Cancel);
        var berts = await bed.DeliverAsync(bed.Bert, "Subject: 3\n\nx\n");

        Assert.False(await bed.Remover.ClearMailboxAsync(bed.Anna.MailboxId, Cancel));
        Assert.True(await bed.Remover.ClearMailboxAsync(bed.Anna.MailboxId, Cancel));

        Assert.Equal(0, await bed.Database.ReadAsync(db => db.Folders.CountAsync(f => f.MailboxId == bed.Anna.MailboxId)));
        Assert.Equal([berts], await bed.Database.ReadAsync(db => db.MailItems.Select(i => i.Id).ToListAsync()));
    }

    [Fact]
    public async Task A_mailbox_is_cleared_without_a_walk_through_everybodys_items()
    {
        await using var bed = await MailBed.CreateAsync(DatabaseKind.Sqlite);
        await bed.DeliverAsync(bed.Anna, "Subject: 1\n\nx\n");
        using var sql = new SqlRecorder(bed.Database);

        Assert.False(await bed.Remover.ClearMailboxAsync(bed.Anna.MailboxId, Cancel));

        Assert.DoesNotContain(await sql.PlansAsync(), plan => plan.Split('\n').Any(l => l.StartsWith("SCAN ", StringComparison.Ordinal) && !l.Contains("USING", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_look_for_what_has_been_recoverable_long_enough_holds_up_nobody()
    {
        await using var bed = await MailBed.CreateAsync(DatabaseKind.Sqlite);
        using var turn = await bed.Database.Gate.EnterAsync(Cancel);

        Assert.Equal(0, await bed.Remover.PurgeAsync(Cancel));
    }

    [Fact]
    public void Nobody_else_deletes_items_messages_or_content()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root.FullName, "Portal.sln"))) root = root.Parent ?? throw new InvalidOperationException("The tests run outside the source tree.");
        var allowed = new Dictionary<string, string> { ["MailRemover.cs"] = "MailItems", ["ContentSweeper.cs"] = "Contents Messages" };
        var deletion = new Regex("""\b(MailItems|Messages|Contents)\b(?=[^;]*?\.(Remove|RemoveRange|ExecuteDelete|ExecuteDeleteAsync)\s*\()|DELETE\s+FROM\s+"?(MailItem|Message|Content)"?\b""", RegexOptions.IgnoreCase);

        var found = new List<string>();
        var seen = new HashSet<string>();
        foreach (var file in new[] { "Portal.Core", "Portal.Smtp", "Portal.Web" }.SelectMany(p => System.IO.Directory.EnumerateFiles(Path.Combine(root.FullName, p), "*.*", SearchOption.AllDirectories)))
        {
            if (!(file.EndsWith(".cs", StringComparison.Ordinal) || file.EndsWith(".razor", StringComparison.Ordinal)) || file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal)) continue;
            foreach (Match match in deletion.Matches(File.ReadAllText(file)))
            {
                var table = match.Groups[1].Success ? match.Groups[1].Value : match.Value;
                if (allowed.TryGetValue(Path.GetFileName(file), out var tables) && tables.Contains(table, StringComparison.Ordinal)) seen.Add(table);
                else found.Add($"{Path.GetFileName(file)}: {match.Value}");
            }
        }

        Assert.Empty(found);
        Assert.Equal(["Contents", "MailItems", "Messages"], seen.Order());   // the pattern does find what it looks for
    }
}
