using System.Buffers;
using System.Text;
using Portal.Core.Queue;

namespace Portal.Smtp.Protocol;

/// <summary>What stands after RCPT (RFC 5321 §4.1.1.3) with the parameters of RFC 3461.</summary>
internal sealed record RcptArgument(SmtpPath ForwardPath)
{
    private static readonly SearchValues<char> TypeCharacters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.");

    public DsnNotify Notify { get; init; }

    /// <summary>ORCPT as given, "type;address", decoded; null when not given.</summary>
    public string? OriginalRecipient { get; init; }

    /// <summary>Reads the argument; the result is the refusal, or null when <paramref name="rcpt"/> holds it.</summary>
    public static SmtpReply? Parse(string argument, bool isUtf8, out RcptArgument rcpt)
    {
        rcpt = new RcptArgument(SmtpPath.Null);
        if (!argument.StartsWith("TO:", StringComparison.OrdinalIgnoreCase)) return SmtpReply.BadArgument;
        var text = argument.AsSpan(3).TrimStart(' ');
        if (!SmtpPath.TryParse(text, out var path, out var length) || path!.IsNull) return SmtpReply.BadRecipientAddress;
        if (!isUtf8 && !Ascii.IsValid(argument)) return SmtpReply.Utf8NotAnnounced;

        rcpt = new RcptArgument(path);
        var parameters = new EsmtpParameters(text[length..]);
        var (hasNotify, hasOriginal) = (false, false);
        while (parameters.MoveNext())
        {
            if (parameters.Is("NOTIFY") && !hasNotify)
            {
                hasNotify = true;
                if (!TryNotify(parameters.Value, out var notify)) return SmtpReply.BadArgument;
                rcpt = rcpt with { Notify = notify };
            }
            else if (parameters.Is("ORCPT") && !hasOriginal)
            {
                hasOriginal = true;
                var decoded = Xtext.Decode(parameters.Value);
                if (decoded is not { Length: <= 500 } || !IsTyped(decoded)) return SmtpReply.BadArgument;
                rcpt = rcpt with { OriginalRecipient = decoded };
            }
            else return parameters.Is("NOTIFY") || parameters.Is("ORCPT") ? SmtpReply.BadArgument : SmtpReply.UnknownParameter;
        }

        return parameters.IsValid ? null : SmtpReply.BadArgument;
    }

    // RFC 3461 §4.2: the type is an atom; anything else would become parameters of our own RCPT further on.
    private static bool IsTyped(string original) =>
        original.IndexOf(';', StringComparison.Ordinal) is var end and > 0 && original.AsSpan(0, end).IndexOfAnyExcept(TypeCharacters) < 0;

    // RFC 3461 §4.1: NEVER stands alone; the others may be combined.
    private static bool TryNotify(ReadOnlySpan<char> value, out DsnNotify notify)
    {
        notify = DsnNotify.Default;
        foreach (var part in value.Split(','))
        {
            var word = value[part];
            var flag = word.Equals("NEVER", StringComparison.OrdinalIgnoreCase) ? DsnNotify.Never
                : word.Equals("SUCCESS", StringComparison.OrdinalIgnoreCase) ? DsnNotify.Success
                : word.Equals("FAILURE", StringComparison.OrdinalIgnoreCase) ? DsnNotify.Failure
                : word.Equals("DELAY", StringComparison.OrdinalIgnoreCase) ? DsnNotify.Delay
                : DsnNotify.Default;
            if (flag == DsnNotify.Default) return false;
            notify |= flag;
        }

        return notify == DsnNotify.Never || !notify.HasFlag(DsnNotify.Never);
    }
}
