using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Portal.Core.Data;

namespace Portal.Core.Messages;

/// <summary>Keeps large content outside the database; keys are Guids of ours, never reused.</summary>
public interface IBlobStore
{
    /// <summary>Begins a blob. What is not committed is gone when the writer is disposed.</summary>
    BlobWriter Create();

    /// <summary>Opens a committed blob; throws <see cref="FileNotFoundException"/> when there is none.</summary>
    Stream OpenRead(Guid key);

    /// <summary>Deletes a blob; nothing happens when there is none.</summary>
    void Delete(Guid key);

    /// <summary>Deletes what was begun before then and never committed, by a process that was killed.</summary>
    /// <returns>How many.</returns>
    int DeleteAbandoned(DateTimeOffset before);

    /// <summary>Every committed blob with the time it was stored, for the orphan sweep.</summary>
    IEnumerable<(Guid Key, DateTimeOffset StoredAt)> List();
}

/// <summary>A blob being written.</summary>
public abstract class BlobWriter : IDisposable
{
    public abstract Guid Key { get; }

    public abstract Stream Stream { get; }

    /// <summary>Returns once the blob is on disk, file and folder both synced: before the transaction that names it (DESIGN §3).</summary>
    public abstract Task CommitAsync(CancellationToken cancel);

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected abstract void Dispose(bool disposing);
}

/// <summary>Blobs as files in the data folder, spread over 256 folders that are made when the host starts, or before the first blob where there is none.</summary>
internal sealed partial class FileBlobStore : IBlobStore, IHostedService
{
    private readonly IOptions<StorageOptions> storage;
    private readonly Lazy<bool> folders;

    public FileBlobStore(IOptions<StorageOptions> storage)
    {
        this.storage = storage;
        // Each that comes first makes and syncs them all before it goes on; a failure is not remembered.
        folders = new Lazy<bool>(MakeFolders, LazyThreadSafetyMode.PublicationOnly);
    }

    private string Root => storage.Value.BlobFolder;

    private string IncomingFolder => Path.Combine(Root, "incoming");

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _ = folders.Value;
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public BlobWriter Create()
    {
        _ = folders.Value;
        return new Writer(this);
    }

    public Stream OpenRead(Guid key) =>
        new FileStream(PathOf(key), new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.Read, Share = FileShare.Read | FileShare.Delete, Options = FileOptions.Asynchronous | FileOptions.SequentialScan });

    public void Delete(Guid key)
    {
        var path = PathOf(key);
        if (File.Exists(path)) File.Delete(path);
    }

    public int DeleteAbandoned(DateTimeOffset before)
    {
        if (!Directory.Exists(IncomingFolder)) return 0;
        var deleted = 0;
        foreach (var file in Directory.EnumerateFiles(IncomingFolder, "*.part"))
        {
            if (File.GetLastWriteTimeUtc(file) >= before.UtcDateTime) continue;
            File.Delete(file);
            deleted++;
        }

        return deleted;
    }

    public IEnumerable<(Guid Key, DateTimeOffset StoredAt)> List()
    {
        if (!Directory.Exists(Root)) yield break;
        foreach (var file in Directory.EnumerateFiles(Root, "*", SearchOption.AllDirectories))
            if (Guid.TryParseExact(Path.GetFileName(file), "N", out var key))
                yield return (key, new DateTimeOffset(File.GetLastWriteTimeUtc(file), TimeSpan.Zero));
    }

    /// <summary>Makes all folders and puts their names on disk, once a process: a blob's commit has to sync its own folder only.</summary>
    private bool MakeFolders()
    {
        Directory.CreateDirectory(IncomingFolder);
        for (var last = 0; last <= byte.MaxValue; last++) Directory.CreateDirectory(FolderOf((byte)last));
        FolderSync.Sync(Root);
        FolderSync.Sync(Path.GetDirectoryName(Path.GetFullPath(Root))!);
        return true;
    }

    // The last byte of a Guid v7 is random, the first ones are time: spread by the last.
    private string FolderOf(Guid key) => FolderOf(key.ToByteArray(true)[15]);

    private string FolderOf(byte last) => Path.Combine(Root, last.ToString("x2", CultureInfo.InvariantCulture));

    private string PathOf(Guid key) => Path.Combine(FolderOf(key), key.ToString("N"));

    private sealed class Writer : BlobWriter
    {
        private readonly FileBlobStore store;
        private readonly string temporary;
        private readonly FileStream file;
        private bool committed;

        public Writer(FileBlobStore store)
        {
            this.store = store;
            temporary = Path.Combine(store.IncomingFolder, Key.ToString("N") + ".part");
            file = PrivateFile.Create(temporary, FileOptions.Asynchronous);
        }

        public override Guid Key { get; } = Guid.CreateVersion7();

        public override Stream Stream => file;

        public override async Task CommitAsync(CancellationToken cancel)
        {
            await file.FlushAsync(cancel);
            file.Flush(flushToDisk: true);
            await file.DisposeAsync();
            File.Move(temporary, store.PathOf(Key));
            FolderSync.Sync(store.FolderOf(Key));
            committed = true;
        }

        protected override void Dispose(bool disposing)
        {
            try
            {
                file.Dispose();
            }
            catch (IOException) when (!committed)
            {
                // A full disk has no room for the last octets of what is given up either; the file is closed all the same.
            }

            if (!committed && File.Exists(temporary)) File.Delete(temporary);
        }
    }
}

/// <summary>fsync of a folder, so that a file's name is on disk as well; .NET offers none.</summary>
internal static partial class FolderSync
{
    public static void Sync(string folder)
    {
        if (OperatingSystem.IsWindows()) return;   // NTFS journals names; there is no such call
        var handle = Open(folder, 0);
        if (handle < 0) throw new IOException($"The folder can't be opened to sync it (errno {Marshal.GetLastPInvokeError()}).");
        try
        {
            if (Fsync(handle) != 0) throw new IOException($"The folder can't be synced (errno {Marshal.GetLastPInvokeError()}).");
        }
        finally
        {
            _ = Close(handle);
        }
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(int handle);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int handle);
}
