using MimeKit;

namespace Portal.Core.Messages;

/// <summary>
/// How much structure a message may have to be taken apart (DESIGN §10). Counted by a reader that builds nothing, before a parser that
/// builds a tree sees the bytes: a bomb costs one pass and no memory.
/// </summary>
internal static class MimeLimits
{
    public const int MaxDepth = 100;
    public const int MaxParts = 10_000;
    public const int MaxFields = 50_000;

    /// <summary>Parser settings that stop where the limits do.</summary>
    public static ParserOptions Options { get; } = new() { MaxMimeDepth = MaxDepth + 1, MaxAddressGroupDepth = 10 };

    /// <summary>Whether the message at the stream's position can be taken apart; leaves the position at the start again.</summary>
    public static async Task<bool> HoldAsync(Stream message, CancellationToken cancel)
    {
        var start = message.Position;
        try
        {
            await new Counter(message).ReadMessageAsync(cancel);
            return true;
        }
        catch (LimitPassed)
        {
            return false;
        }
        catch (FormatException)   // no header where one must be
        {
            return false;
        }
        finally
        {
            message.Position = start;
        }
    }

    private sealed class Counter(Stream message) : MimeReader(MimeLimits.Options, message, MimeFormat.Entity)
    {
        private int depth, parts, fields;

        protected override Task OnHeaderReadAsync(Header header, int beginLineNumber, CancellationToken cancellationToken)
        {
            if (++fields > MaxFields) throw new LimitPassed();
            return Task.CompletedTask;
        }

        protected override Task OnMultipartBeginAsync(ContentType contentType, long beginOffset, int beginLineNumber, CancellationToken cancellationToken) => Enter();

        protected override Task OnMultipartEndAsync(ContentType contentType, long beginOffset, int beginLineNumber, long headersEndOffset, long endOffset, int lines, CancellationToken cancellationToken) => Leave();

        protected override Task OnMessagePartBeginAsync(ContentType contentType, long beginOffset, int beginLineNumber, CancellationToken cancellationToken) => Enter();

        protected override Task OnMessagePartEndAsync(ContentType contentType, long beginOffset, int beginLineNumber, long headersEndOffset, long endOffset, int lines, CancellationToken cancellationToken) => Leave();

        protected override Task OnMimePartBeginAsync(ContentType contentType, long beginOffset, int beginLineNumber, CancellationToken cancellationToken)
        {
            if (++parts > MaxParts) throw new LimitPassed();
            return Task.CompletedTask;
        }

        private Task Enter()
        {
            if (++depth > MaxDepth || ++parts > MaxParts) throw new LimitPassed();
            return Task.CompletedTask;
        }

        private Task Leave()
        {
            depth--;
            return Task.CompletedTask;
        }
    }

    private sealed class LimitPassed : Exception;
}
