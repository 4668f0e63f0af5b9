namespace Portal.Core.Messages;

/// <summary>What a list shows of a message's content.</summary>
public sealed record MailPreview(string? Text, bool HasAttachments);

/// <summary>Opens stored messages: exact bytes, or taken apart. Whoever calls has made sure that the actor may read it.</summary>
public sealed class MailOpener(ContentReader contents, MimeLimits limits)
{
    private const int MemoryLimit = 1024 * 1024;

    /// <summary>The stored bytes, exactly.</summary>
    internal async Task<Stream> OpenRawAsync(long messageId, CancellationToken cancel) =>
        await contents.OpenAsync(messageId, cancel) ?? throw new InvalidOperationException($"Message {messageId} is referred to but has no content.");

    /// <summary>The message taken apart; dispose it.</summary>
    internal async Task<OpenMail> OpenAsync(long messageId, CancellationToken cancel)
    {
        var source = await SeekableAsync(messageId, cancel);
        try
        {
            return await OpenMail.ReadAsync(source, limits, cancel);
        }
        catch
        {
            await source.DisposeAsync();
            throw;
        }
    }

    /// <summary>The start of its text, from the first megabyte; null when there is no content.</summary>
    internal async Task<MailPreview?> PreviewAsync(long messageId, CancellationToken cancel)
    {
        await using var raw = await contents.OpenAsync(messageId, cancel);
        if (raw is null) return null;

        var head = new byte[MemoryLimit];
        var length = await raw.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancel);
        using var mail = await OpenMail.ReadAsync(new MemoryStream(head, 0, length, writable: false), limits, cancel);

        // Over a megabyte the attachment may begin behind what was read; nobody writes that much text.
        return new MailPreview(MailText.Preview(mail.Text, mail.Html), mail.Attachments.Any() || (length == head.Length && mail.IsReadable));
    }

    /// <summary>Room for so many octets that can be read again: in memory, or in a temporary file.</summary>
    internal static Stream Buffer(long expectedBytes) => expectedBytes <= MemoryLimit ? new MemoryStream() : TemporaryFile();

    private async Task<Stream> SeekableAsync(long messageId, CancellationToken cancel)
    {
        await using var raw = await OpenRawAsync(messageId, cancel);
        Stream copy = new MemoryStream();
        try
        {
            var buffer = new byte[64 * 1024];
            while (await raw.ReadAsync(buffer, cancel) is > 0 and var count)
            {
                if (copy is MemoryStream memory && copy.Length + count > MemoryLimit)
                {
                    copy = TemporaryFile();
                    memory.Position = 0;
                    await memory.CopyToAsync(copy, cancel);
                    await memory.DisposeAsync();
                }

                await copy.WriteAsync(buffer.AsMemory(0, count), cancel);
            }

            copy.Position = 0;
            return copy;
        }
        catch
        {
            await copy.DisposeAsync();
            throw;
        }
    }

    /// <summary>A file of nobody else's that is gone when it is closed, or when the process ends.</summary>
    private static FileStream TemporaryFile() => new(Path.Combine(Path.GetTempPath(), $"portal-{Guid.NewGuid():N}"), new FileStreamOptions
    {
        Mode = FileMode.CreateNew,
        Access = FileAccess.ReadWrite,
        Share = FileShare.None,
        Options = FileOptions.Asynchronous | FileOptions.DeleteOnClose,
        UnixCreateMode = OperatingSystem.IsWindows() ? null : UnixFileMode.UserRead | UnixFileMode.UserWrite,
    });
}
