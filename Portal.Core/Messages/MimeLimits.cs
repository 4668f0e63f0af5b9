using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;
using MimeKit;

namespace Portal.Core.Messages;

/// <summary>How much structure a message may have to be taken apart; one with more is shown as its source (DESIGN §10).</summary>
public sealed class MimeOptions
{
    public const string Section = "Portal:Mail:Mime";

    /// <summary>Multiparts and messages within each other.</summary>
    [Range(1, 200)]
    public int MaxDepth { get; init; } = 100;

    /// <summary>Parts in all.</summary>
    [Range(1, 100_000)]
    public int MaxParts { get; init; } = 10_000;
}

/// <summary>
/// Whether a message keeps the bounds of <see cref="MimeOptions"/>. Counted by a reader that builds nothing, before a parser that
/// builds a tree sees the bytes: a bomb costs one pass and no memory.
/// </summary>
public sealed class MimeLimits(IOptions<MimeOptions> options)
{
    internal const int MaxFields = 50_000;

    /// <summary>Parser settings that stop where the limits do.</summary>
    internal ParserOptions Parser { get; } = new() { MaxMimeDepth = options.Value.MaxDepth + 1, MaxAddressGroupDepth = 10 };

    /// <summary>Whether the message at the stream's position can be taken apart; leaves the position at the start again.</summary>
    internal async Task<bool> HoldAsync(Stream message, CancellationToken cancel)
    {
        var start = message.Position;
        try
        {
            await new Counter(message, Parser, options.Value).ReadMessageAsync(cancel);
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

    private sealed class Counter(Stream message, ParserOptions parser, MimeOptions limits) : MimeReader(parser, message, MimeFormat.Entity)
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
            if (++parts > limits.MaxParts) throw new LimitPassed();
            return Task.CompletedTask;
        }

        private Task Enter()
        {
            if (++depth > limits.MaxDepth || ++parts > limits.MaxParts) throw new LimitPassed();
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
