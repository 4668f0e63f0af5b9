using Microsoft.EntityFrameworkCore;
using Portal.Core.Alerts;
using Portal.Core.Messages;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Messages;

/// <summary>A message that can't be stored and comes again and again (DESIGN §3).</summary>
public sealed class SetAsideTests
{
    private const string Poison = "Subject: poison\r\n\r\nx\r\n";

    [Theory, BothDatabases]
    public async Task What_failed_three_times_breaks_no_batch_and_stands_in_the_banner_until_it_is_stored(DatabaseKind kind)
    {
        await using var bed = await WriterBed.OpenAsync(kind, "anna@portal.test");
        var batches = new List<IReadOnlyList<Acceptance>>();
        bed.Writer.Fault = (point, batch) =>
        {
            if (point == CommitPoint.Begun) batches.Add(batch);
            if (point == CommitPoint.BeforeCommit && batch.Any(a => a.Head.Subject == "poison")) throw new InvalidOperationException("injected");
        };
        for (var i = 0; i < 3; i++)
        {
            Assert.Empty(Notices(bed));
            Assert.Equal(WriteResult.Failed, await bed.DeliverAsync(Poison, 0));   // under another queue id each time
        }

        var notice = Assert.Single(Notices(bed));
        Assert.Equal(("MailSetAside", Capability.ViewLogs), (notice.Key, notice.Needs));

        batches.Clear();
        var results = await TogetherAsync(bed, await bed.AcceptAsync(Mail.Text, 0), await bed.AcceptAsync(Poison, 0), await bed.AcceptAsync(Mail.Text, 0));
        Assert.Equal([WriteResult.Committed, WriteResult.Failed, WriteResult.Committed], results);
        Assert.Equal([1, 2, 1], batches.Select(b => b.Count));   // the neighbours in one commit, never run again
        Assert.Equal("poison", Assert.Single(batches[2]).Head.Subject);

        bed.Writer.Fault = null;
        Assert.Equal(WriteResult.Committed, await bed.DeliverAsync(Poison, 0));
        Assert.Empty(Notices(bed));
    }

    [Theory, BothDatabases]
    public async Task What_nobody_sends_any_more_is_forgotten_after_a_day(DatabaseKind kind)
    {
        await using var bed = await WriterBed.OpenAsync(kind, "anna@portal.test");
        bed.Writer.Fault = (point, batch) =>
        {
            if (point == CommitPoint.BeforeCommit && batch.Any(a => a.Head.Subject == "poison")) throw new InvalidOperationException("injected");
        };
        for (var i = 0; i < 3; i++) await bed.DeliverAsync(Poison, 0);
        Assert.Single(Notices(bed));

        bed.Database.Clock.Advance(SetAside.Memory + TimeSpan.FromMinutes(1));
        Assert.Equal(WriteResult.Committed, await bed.DeliverAsync(Mail.Text, 0));

        Assert.Empty(Notices(bed));
    }

    private static IReadOnlyList<SystemNotice> Notices(WriterBed bed) => bed.Database.Get<SystemNotices>().Current;

    /// <summary>Has them wait together, behind a commit that is running.</summary>
    private static async Task<WriteResult[]> TogetherAsync(WriterBed bed, params Acceptance[] acceptances)
    {
        var waiting = new List<Task<WriteResult>>();
        var fault = bed.Writer.Fault;
        bed.Writer.Fault = (point, batch) =>
        {
            if (waiting.Count == 0) waiting.AddRange(acceptances.Select(bed.Writer.WriteAsync));
            fault?.Invoke(point, batch);
        };
        Assert.Equal(WriteResult.Committed, await bed.DeliverAsync(Mail.Text, 0));
        return await Task.WhenAll(waiting);
    }
}
