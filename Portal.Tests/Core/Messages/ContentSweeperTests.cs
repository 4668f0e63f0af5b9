using System.Text;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Messages;
using Portal.Core.Queue;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Messages;

public class ContentSweeperTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static byte[] Large => Encoding.ASCII.GetBytes("Subject: large\r\n\r\n" + string.Concat(Enumerable.Range(0, 30_000).Select(_ => $"{Guid.NewGuid()}\r\n")));

    [Theory, BothDatabases]
    public async Task Content_nobody_refers_to_goes_after_a_day_and_its_blob_with_it(DatabaseKind kind)
    {
        await using var bed = await MailBed.CreateAsync(kind);
        await bed.AcceptAsync(Large);
        await bed.AcceptAsync("Subject: small\r\n\r\nx\r\n"u8.ToArray());
        await bed.DeliverAsync(bed.Anna, "Subject: kept\n\nx\n");
        Assert.Single(bed.Database.Get<IBlobStore>().List());

        Assert.Equal((null, 0), await bed.Sweeper.SweepAsync(0, Cancel));
        bed.Database.Clock.Advance(TimeSpan.FromHours(25));

        Assert.Equal((null, 2), await bed.Sweeper.SweepAsync(0, Cancel));
        Assert.Equal(["kept"], await bed.Database.ReadAsync(db => db.Messages.Select(m => m.Subject).ToListAsync()));
        Assert.Equal(1, await bed.Database.ReadAsync(db => db.Contents.CountAsync()));
        Assert.Empty(bed.Database.Get<IBlobStore>().List());
    }

    [Theory, BothDatabases]
    public async Task What_waits_in_the_queue_or_can_be_recovered_stays(DatabaseKind kind)
    {
        await using var bed = await MailBed.CreateAsync(kind);
        var queued = await bed.AcceptAsync("Subject: queued\r\n\r\nx\r\n"u8.ToArray());
        var message = await bed.Database.ReadAsync(db => db.Messages.SingleAsync(m => m.QueueId == queued));
        await bed.Database.WriteAsync(db => db.QueueEntries.Add(Entry(message)));
        await bed.Mail.DeleteAsync(bed.Anna.Actor, [await bed.DeliverAsync(bed.Anna, "Subject: recoverable\n\nx\n", SpecialUse.Trash)], Cancel);
        bed.Database.Clock.Advance(TimeSpan.FromDays(2));

        Assert.Equal((null, 0), await bed.Sweeper.SweepAsync(0, Cancel));
        Assert.Equal(2, await bed.Database.ReadAsync(db => db.Contents.CountAsync()));
    }

    [Theory, BothDatabases]
    public async Task A_turn_walks_over_a_bounded_number_of_messages_and_all_turns_over_every_one(DatabaseKind kind)
    {
        await using var bed = await MailBed.CreateAsync(kind);
        for (var i = 0; i < 4; i++) await bed.DeliverAsync(bed.Anna, "Subject: kept\n\nx\n");
        await bed.AcceptAsync("Subject: unused\r\n\r\nx\r\n"u8.ToArray());
        bed.Database.Clock.Advance(TimeSpan.FromHours(25));
        bed.Sweeper.WalkRows = 2;

        var (first, none) = await bed.Sweeper.SweepAsync(0, Cancel);
        var (second, _) = await bed.Sweeper.SweepAsync(first!.Value, Cancel);

        Assert.Equal(0, none);
        Assert.Equal((null, 1), await bed.Sweeper.SweepAsync(second!.Value, Cancel));
        Assert.Equal(4, await bed.Database.ReadAsync(db => db.Messages.CountAsync()));
    }

    [Theory, BothDatabases]
    public async Task A_reference_made_while_it_sweeps_wins_and_costs_the_others_nothing(DatabaseKind kind)
    {
        await using var bed = await MailBed.CreateAsync(kind);
        var wanted = await bed.AcceptAsync(Large);
        await bed.AcceptAsync(Large);
        var message = await bed.Database.ReadAsync(db => db.Messages.SingleAsync(m => m.QueueId == wanted));
        bed.Database.Clock.Advance(TimeSpan.FromHours(25));
        bed.Sweeper.BeforeDelete = () => bed.Database.WriteAsync(db => db.QueueEntries.Add(Entry(message)));

        Assert.Equal((null, 1), await bed.Sweeper.SweepAsync(0, Cancel));

        Assert.Equal(wanted, (await bed.Database.ReadAsync(db => db.Messages.SingleAsync())).QueueId);
        await using var raw = await bed.Database.Get<ContentReader>().OpenAsync(message.Id, Cancel);
        Assert.Equal(message.SizeBytes, await LengthAsync(raw!));
    }

    [Theory, BothDatabases]
    public async Task Sweeping_beside_deliveries_loses_nothing(DatabaseKind kind)
    {
        await using var bed = await MailBed.CreateAsync(kind);
        for (var i = 0; i < 30; i++) await bed.AcceptAsync(Encoding.ASCII.GetBytes($"Subject: old {i}\r\n\r\nx\r\n"));
        bed.Database.Clock.Advance(TimeSpan.FromHours(25));

        var deliveries = Task.WhenAll(Enumerable.Range(0, 40).Select(i => bed.AcceptAsync(
            Encoding.ASCII.GetBytes($"Subject: new {i}\r\n\r\nx\r\n"), new LocalDelivery(bed.Anna.MailboxId, SpecialUse.Inbox, MailFlags.None, -1))));
        var swept = 0;
        while (!deliveries.IsCompleted) swept += (await bed.Sweeper.SweepAsync(0, Cancel)).Deleted;
        await deliveries;
        swept += (await bed.Sweeper.SweepAsync(0, Cancel)).Deleted;

        Assert.Equal(30, swept);
        Assert.Equal(40, (await bed.ListAsync(bed.Anna, SpecialUse.Inbox)).Count);
        Assert.Equal(40, await bed.Database.ReadAsync(db => db.Contents.CountAsync()));
    }

    [Theory, BothDatabases]
    public async Task An_orphan_blob_goes_when_it_is_old_and_a_named_one_never(DatabaseKind kind)
    {
        await using var bed = await MailBed.CreateAsync(kind);
        var blobs = bed.Database.Get<IBlobStore>();
        await bed.AcceptAsync(Large);
        var named = blobs.List().Single().Key;
        Guid orphan;
        using (var writer = blobs.Create())
        {
            await writer.Stream.WriteAsync("left behind"u8.ToArray(), Cancel);
            await writer.CommitAsync(Cancel);
            orphan = writer.Key;
        }

        foreach (var file in System.IO.Directory.EnumerateFiles(Path.Combine(bed.DataFolder, "blobs"), "*", SearchOption.AllDirectories))
            File.SetLastWriteTimeUtc(file, TestDatabase.Start.UtcDateTime);   // they carry the machine's time, not the test's
        Assert.Equal(0, await bed.Sweeper.SweepBlobsAsync(Cancel));
        Assert.Contains(orphan, blobs.List().Select(b => b.Key));
        bed.Database.Clock.Advance(TimeSpan.FromHours(25));

        Assert.Equal(1, await bed.Sweeper.SweepBlobsAsync(Cancel));
        Assert.Equal([named], blobs.List().Select(b => b.Key));
    }

    [Fact]
    public async Task What_a_killed_process_had_begun_goes_after_a_day()
    {
        await using var bed = await MailBed.CreateAsync(DatabaseKind.Sqlite);
        var incoming = System.IO.Directory.CreateDirectory(Path.Combine(bed.DataFolder, "blobs", "incoming")).FullName;
        var (old, young) = (Path.Combine(incoming, "old.part"), Path.Combine(incoming, "young.part"));
        foreach (var file in new[] { old, young }) await File.WriteAllTextAsync(file, "half", Cancel);
        File.SetLastWriteTimeUtc(old, TestDatabase.Start.UtcDateTime.AddHours(-25));
        File.SetLastWriteTimeUtc(young, TestDatabase.Start.UtcDateTime);

        Assert.Equal(1, await bed.Sweeper.SweepBlobsAsync(Cancel));

        Assert.Equal([young], System.IO.Directory.GetFiles(incoming));
    }

    private static QueueEntry Entry(Message message) => new()
    {
        MessageId = message.Id,
        QueueId = message.QueueId,
        ReversePath = "anna@portal.test",
        ForwardPath = "carl@example.org",
        RouteKey = "example.org",
        CreatedAt = TestDatabase.Start,
    };

    private static async Task<long> LengthAsync(Stream stream)
    {
        var copy = new MemoryStream();
        await stream.CopyToAsync(copy, Cancel);
        return copy.Length;
    }
}
