using Microsoft.Extensions.Options;
using Portal.Core.Data;
using Portal.Core.Permissions;

namespace Portal.Core.Messages;

/// <summary>
/// Files on their way into a letter, in the data folder, a folder an account. They live until the letter is saved or sent, 24 h at most.
/// Nobody finds another one's: the account is part of the path.
/// </summary>
public sealed class UploadStore(IOptions<StorageOptions> storage, TimeProvider clock)
{
    /// <summary>What one account may have waiting.</summary>
    public const long MaxWaitingBytes = 200L << 20;

    private static readonly TimeSpan KeptFor = TimeSpan.FromHours(24);

    private string Root => Path.Combine(storage.Value.DataFolder, "uploads");

    /// <summary>Takes a file as it flows in; a larger one is refused as soon as it is, and leaves nothing.</summary>
    /// <param name="actor">Needs <see cref="Capability.UseOwnMail"/>.</param>
    /// <param name="fileName">As the browser names it; cleaned here.</param>
    /// <param name="contentType">As the browser declares it; replaced when it is none.</param>
    /// <param name="content">The octets.</param>
    /// <param name="limitBytes">Largest file taken.</param>
    /// <param name="cancel">The upload was given up.</param>
    public async Task<Outcome<LetterAttachment>> SaveAsync(Actor actor, string fileName, string? contentType, Stream content, long limitBytes, CancellationToken cancel)
    {
        if (actor.AccountId is not { } owner || !actor.May(Capability.UseOwnMail)) return new NotPermitted(Capability.UseOwnMail);

        var folder = Directory.CreateDirectory(FolderOf(owner));
        if (folder.EnumerateFiles().Sum(f => f.Length) >= MaxWaitingBytes) return new Conflict("TooManyUploads");

        var id = Guid.CreateVersion7();
        var type = MimeKit.ContentType.TryParse(contentType ?? "", out var declared) && declared is not { MediaType: "multipart" or "message" } ? declared : new MimeKit.ContentType("application", "octet-stream");
        var length = 0L;
        var isWhole = false;
        try
        {
            await using var file = new FileStream(PathOf(owner, id), new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                Options = FileOptions.Asynchronous,
                UnixCreateMode = OperatingSystem.IsWindows() ? null : UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
            var buffer = new byte[64 * 1024];
            while (await content.ReadAsync(buffer, cancel) is > 0 and var count)
            {
                if ((length += count) > limitBytes) return new Invalid("AttachmentTooLarge", limitBytes) { Field = "Attachment" };
                await file.WriteAsync(buffer.AsMemory(0, count), cancel);
            }

            isWhole = true;
        }
        finally
        {
            if (!isWhole) File.Delete(PathOf(owner, id));
        }

        return new LetterAttachment(MailText.FileName(fileName, type, 1), type.MimeType, length, id, null, 0);
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
        if (File.Exists(PathOf(owner, id))) File.Delete(PathOf(owner, id));
    }

    private string FolderOf(Guid owner) => Path.Combine(Root, owner.ToString("N"));

    private string PathOf(Guid owner, Guid id) => Path.Combine(FolderOf(owner), id.ToString("N"));
}
