using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Portal.Core.Data;
using Portal.Core.Messages;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Messages;

/// <summary>What one account may have waiting, and what the disk has room for; nothing here touches the database.</summary>
public class UploadStoreTests
{
    private static readonly Actor Anna = Actor.ForAccount(Guid.CreateVersion7(), "anna@portal.test", [new HeldRole(Role.User, Scope.Everything)], Channel.Portal, null);
    private static readonly Actor Bert = Actor.ForAccount(Guid.CreateVersion7(), "bert@portal.test", [new HeldRole(Role.User, Scope.Everything)], Channel.Portal, null);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Room_is_taken_when_an_upload_begins_and_given_back_when_it_is_given_up()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Sqlite);
        var uploads = database.Get<UploadStore>();
        using var givenUp = new CancellationTokenSource();
        var first = uploads.SaveAsync(Anna, new UploadedFile("a", null, UploadStore.MaxWaitingBytes - 1000), new Endless(), long.MaxValue, givenUp.Token);

        Assert.Equal("TooManyUploads", await RefusalOfAsync(uploads, Anna, octets: 10, declaredBytes: 1001));
        Assert.Equal("TooManyUploads", await RefusalOfAsync(uploads, Anna, octets: 1001));   // undeclared: cut where the room ends
        Assert.Null(await RefusalOfAsync(uploads, Anna, octets: 600));
        Assert.Equal("TooManyUploads", await RefusalOfAsync(uploads, Anna, octets: 401));
        Assert.Null(await RefusalOfAsync(uploads, Bert, octets: 1001));

        await givenUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        Assert.Null(await RefusalOfAsync(uploads, Anna, octets: 5000));
        Assert.Equal([600L, 1001, 5000], Directory.GetFiles(Path.Combine(database.DataFolder, "uploads"), "*", SearchOption.AllDirectories).Select(f => new FileInfo(f).Length).Order());
    }

    [Fact]
    public async Task A_file_that_becomes_smaller_than_declared_keeps_only_what_it_has()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Sqlite);
        var uploads = database.Get<UploadStore>();
        using var givenUp = new CancellationTokenSource();
        var other = uploads.SaveAsync(Anna, new UploadedFile("a", null, 1), new Endless(), long.MaxValue, givenUp.Token);   // so that the sum is not counted anew

        Assert.Null(await RefusalOfAsync(uploads, Anna, octets: 10, declaredBytes: UploadStore.MaxWaitingBytes - 1));

        Assert.Null(await RefusalOfAsync(uploads, Anna, octets: 10, declaredBytes: UploadStore.MaxWaitingBytes - 11));
        await givenUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => other);
    }

    [Fact]
    public async Task A_disk_without_room_refuses_before_the_first_octet_and_one_that_gets_there_cuts_the_file()
    {
        var storage = new StorageOptions { DataFolder = TestFolder.Create(), DiskFloorBytes = 0 };
        var clock = new FakeTimeProvider(TestDatabase.Start);
        var uploads = new UploadStore(Options.Create(storage), new DiskSpace(Options.Create(storage), clock), clock);
        Assert.Null(await RefusalOfAsync(uploads, Anna, octets: 10));
        Assert.Equal("UploadDiskLow", await RefusalOfAsync(uploads, Anna, octets: 10, declaredBytes: long.MaxValue / 2));

        var filling = new MemoryStream(new byte[200_000]);
        var late = await uploads.SaveAsync(Anna, new UploadedFile("b", null), new Watched(filling, at => storage.DiskFloorBytes = at > 100_000 ? long.MaxValue / 2 : 0), long.MaxValue, Cancel);

        Assert.Equal(("UploadDiskLow", true), (late.Refusal?.Key, filling.Position < filling.Length));
        Assert.Single(Directory.GetFiles(storage.DataFolder, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task A_disk_without_a_byte_left_refuses_in_words_and_leaves_nothing()
    {
        await using var disk = await SmallDisk.CreateAsync(2);
        var storage = new StorageOptions { DataFolder = disk.Folder, DiskFloorBytes = 0 };
        var clock = new FakeTimeProvider(TestDatabase.Start);
        var space = new DiskSpace(Options.Create(storage), clock);
        var uploads = new UploadStore(Options.Create(storage), space, clock);
        Assert.True(space.FreeBytes > 1_000_000);   // the last look; the disk fills up after it
        disk.FillTo(leaveBytes: 0);

        Assert.Equal("UploadDiskLow", await RefusalOfAsync(uploads, Anna, octets: 10));
        Assert.Equal("UploadDiskLow", await RefusalOfAsync(uploads, Anna, octets: 200_000));

        Assert.Equal(["filler"], Directory.GetFiles(disk.Folder, "*", SearchOption.AllDirectories).Select(Path.GetFileName));
        disk.Empty();
        Assert.Null(await RefusalOfAsync(uploads, Anna, octets: 200_000));
    }

    private static async Task<string?> RefusalOfAsync(UploadStore uploads, Actor actor, int octets, long declaredBytes = 0)
    {
        var saved = await uploads.SaveAsync(actor, new UploadedFile("b", null, declaredBytes), new MemoryStream(new byte[octets]), long.MaxValue, Cancel);
        return saved.IsDone ? null : saved.Refusal.Key;
    }

    /// <summary>An upload on its way: its next octet does not come.</summary>
    private sealed class Endless : MemoryStream
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await new TaskCompletionSource().Task.WaitAsync(cancellationToken);
            return 0;
        }
    }

    /// <summary>Tells how far it has been read.</summary>
    private sealed class Watched(Stream inner, Action<long> tell) : MemoryStream
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var read = await inner.ReadAsync(buffer, cancellationToken);
            tell(inner.Position);
            return read;
        }
    }
}
