using Microsoft.Extensions.Options;
using Portal.Core.Data;
using Portal.Core.Messages;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Messages;

public class BlobStoreTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Blobs_written_at_once_on_first_use_all_come_back_and_every_folder_is_there()
    {
        var storage = new StorageOptions { DataFolder = TestFolder.Create() };
        var store = new FileBlobStore(Options.Create(storage));
        using var start = new Barrier(8);

        var keys = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Factory.StartNew(() => WriteAsync(store, start, (byte)i), Cancel, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap()));

        Assert.Equal(257, Directory.GetDirectories(storage.BlobFolder).Length);   // 256, and the one for what is being written
        for (var i = 0; i < keys.Length; i++)
        {
            await using var blob = store.OpenRead(keys[i]);
            Assert.Equal(i, blob.ReadByte());
        }
    }

    [Fact]
    public void What_stopped_the_first_blob_stops_no_later_one()
    {
        var storage = new StorageOptions { DataFolder = TestFolder.Create() };
        var store = new FileBlobStore(Options.Create(storage));
        File.WriteAllText(storage.BlobFolder, "in the way");
        Assert.ThrowsAny<IOException>(store.Create);

        File.Delete(storage.BlobFolder);

        store.Create().Dispose();
    }

    private static async Task<Guid> WriteAsync(FileBlobStore store, Barrier start, byte content)
    {
        start.SignalAndWait(Cancel);
        using var writer = store.Create();
        writer.Stream.WriteByte(content);
        await writer.CommitAsync(Cancel);
        return writer.Key;
    }
}
