using Microsoft.Extensions.Options;
using Portal.Core.Data;
using Portal.Core.Permissions;

namespace Portal.Core.Messages;

/// <summary>
/// Files on their way into a letter, in the data folder, a folder an account. They live until the letter is saved or sent, 24 h at most.
/// Nobody finds another one's: the account is part of the path.
/// </summary>
public sealed class UploadStore(IOptions<StorageOptions> storage, DiskSpace disk, TimeProvider clock)
{
    /// <summary>What one account may have waiting.</summary>
    public const long MaxWaitingBytes = 200L << 20;

    private static readonly TimeSpan KeptFor = TimeSpan.FromHours(24);
    private readonly UploadRoom room = new(MaxWaitingBytes);

    private string Root => Path.Combine(storage.Value.DataFolder, "uploads");

    /// <summary>Takes a file as it flows in; one that there is no room for is refused as soon as that is known, and leaves nothing.</summary>
    /// <param name="actor">Needs <see cref="Capability.UseOwnMail"/>.</param>
    /// <param name="file">What the browser says of it.</param>
    /// <param name="content">The octets.</param>
    /// <param name="limitBytes">Largest file taken.</param>
    /// <param name="cancel">The upload was given up.</param>
    /// <returns><see cref="Invalid"/> AttachmentTooLarge (most octets); <see cref="Conflict"/> TooManyUploads, UploadDiskLow.</returns>
    public async Task<Outcome<LetterAttachment>> SaveAsync(Actor actor, UploadedFile file, Stream content, long limitBytes, CancellationToken cancel)
    {
        if (actor.AccountId is not { } owner || !actor.May(Capability.UseOwnMail)) return new NotPermitted(Capability.UseOwnMail);

        using var place = room.Enter(owner, () => WaitingBytes(owner));
        if (Refuse(place, 0, Math.Max(1, file.DeclaredBytes), limitBytes) is { } refused) return refused;

        var id = Guid.CreateVersion7();
        var length = 0L;
        var isWhole = false;
        try
        {
            Directory.CreateDirectory(FolderOf(owner));
            await using (var to = PrivateFile.Create(PathOf(owner, id), FileOptions.Asynchronous))
            {
                var buffer = new byte[64 * 1024];
                while (await content.ReadAsync(buffer, cancel) is > 0 and var count)
                {
                    if (Refuse(place, length, length + count, limitBytes) is { } late) return late;
                    length += count;
                    await to.WriteAsync(buffer.AsMemory(0, count), cancel);
                }
            }

            isWhole = true;   // only now: closing writes the last octets
            place.Keep(length);
        }
        catch (IOException e) when (DiskSpace.IsFull(e))
        {
            return new Conflict("UploadDiskLow");   // without a floor, or filled by others since the last look, the disk itself says so
        }
        finally
        {
            var path = PathOf(owner, id);
            if (!isWhole && File.Exists(path)) File.Delete(path);
        }

        var type = MimeKit.ContentType.TryParse(file.ContentType ?? "", out var declared) && declared is not { MediaType: "multipart" or "message" } ? declared : new MimeKit.ContentType("application", "octet-stream");
        return new LetterAttachment(MailText.FileName(file.Name, type, 1), type.MimeType, length, id, null, 0);
    }

    /// <summary>Drops what was waited for in vain.</summary>
    /// <returns>How many files went.</returns>
    public int Sweep()
    {
        if (!Directory.Exists(Root)) return 0;

        var before = (clock.GetUtcNow() - KeptFor).UtcDateTime;
        var old = new DirectoryInfo(Root).EnumerateFiles("*", SearchOption.AllDirectories).Where(f => f.LastWriteTimeUtc < before).ToList();
        foreach (var file in old) file.Delete();
        return old.Count;
    }

    /// <summary>Opens an upload of the account; null when there is none of that id.</summary>
    internal Stream? Open(Guid owner, Guid id)
    {
        try
        {
            return new FileStream(PathOf(owner, id), new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.Read, Share = FileShare.Read | FileShare.Delete, Options = FileOptions.Asynchronous });
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)   // swept, or never there
        {
            return null;
        }
    }

    internal void Delete(Guid owner, Guid id)
    {
        var file = new FileInfo(PathOf(owner, id));
        if (!file.Exists) return;
        var length = file.Length;
        file.Delete();
        room.GiveBack(owner, length);
    }

    /// <summary>Why a file that has so many octets can't grow to so many; null when there is room, which is taken then.</summary>
    private Refusal? Refuse(UploadRoom.Place place, long writtenBytes, long bytes, long limitBytes) =>
        bytes > limitBytes ? new Invalid("AttachmentTooLarge", limitBytes) { Field = "Attachment" }
        : disk.FreeBytes - (bytes - writtenBytes) < storage.Value.DiskFloorBytes ? new Conflict("UploadDiskLow")
        : place.TryReach(bytes) ? null
        : new Conflict("TooManyUploads");

    private long WaitingBytes(Guid owner)
    {
        var folder = new DirectoryInfo(FolderOf(owner));
        return folder.Exists ? folder.EnumerateFiles().Sum(f => f.Length) : 0;
    }

    private string FolderOf(Guid owner) => Path.Combine(Root, owner.ToString("N"));

    private string PathOf(Guid owner, Guid id) => Path.Combine(FolderOf(owner), id.ToString("N"));
}

/// <summary>What a browser says of a file it sends.</summary>
/// <param name="Name">As it names it; cleaned where it is used.</param>
/// <param name="ContentType">As it declares it; replaced when it is none.</param>
/// <param name="DeclaredBytes">Octets it announces; 0 when it does not.</param>
public sealed record UploadedFile(string Name, string? ContentType, long DeclaredBytes = 0);
