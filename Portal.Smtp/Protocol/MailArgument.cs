using System.Globalization;
using System.Text;
using Portal.Core.Queue;

namespace Portal.Smtp.Protocol;

/// <summary>What stands after MAIL (RFC 5321 §4.1.1.2) with the parameters of RFC 1870, 3461, 4954, 6152 and 6531.</summary>
internal sealed record MailArgument(SmtpPath ReversePath)
{
    /// <summary>SIZE; 0 when not given.</summary>
    public long DeclaredSizeBytes { get; init; }

    public bool IsUtf8 { get; init; }

    public bool IsEightBit { get; init; }

    public DsnReturn Return { get; init; }

    /// <summary>ENVID, decoded; null when not given.</summary>
    public string? EnvelopeId { get; init; }

    /// <summary>Reads the argument; the result is the refusal, or null when <paramref name="mail"/> holds it.</summary>
    public static SmtpReply? Parse(string argument, out MailArgument mail)
    {
        mail = new MailArgument(SmtpPath.Null);
        if (!argument.StartsWith("FROM:", StringComparison.OrdinalIgnoreCase)) return SmtpReply.BadArgument;
        // RFC 5321 §3.3 has no space after the colon; clients that put one there are common enough to bear with.
        var text = argument.AsSpan(5).TrimStart(' ');
        if (!SmtpPath.TryParse(text, out var path, out var length)) return SmtpReply.BadSenderAddress;
        if (path!.IsBarePostmaster) return SmtpReply.BadSenderAddress;

        mail = new MailArgument(path);
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        var parameters = new EsmtpParameters(text[length..]);
        while (parameters.MoveNext())
        {
            if (!seen.Add(parameters.Keyword.ToString())) return SmtpReply.BadArgument;
            if (Take(parameters, ref mail) is { } refusal) return refusal;
        }

        if (!parameters.IsValid) return SmtpReply.BadArgument;
        return mail.IsUtf8 || Ascii.IsValid(argument) ? null : SmtpReply.Utf8NotAnnounced;   // RFC 6531 §3.4
    }

    private static SmtpReply? Take(EsmtpParameters parameter, ref MailArgument mail)
    {
        var value = parameter.Value;
        if (parameter.Is("SIZE")) return TakeSize(value, ref mail);
        if (parameter.Is("BODY")) return TakeBody(value, ref mail);
        if (parameter.Is("RET")) return TakeReturn(value, ref mail);
        if (parameter.Is("SMTPUTF8"))
        {
            mail = mail with { IsUtf8 = true };
            return value.Length > 0 ? SmtpReply.BadArgument : null;
        }

        if (parameter.Is("ENVID"))
        {
            var decoded = Xtext.Decode(value);
            mail = mail with { EnvelopeId = decoded };
            return decoded is not { Length: > 0 and <= 100 } ? SmtpReply.BadArgument : null;   // RFC 3461 §4.4
        }

        // RFC 4954 §5: read and not trusted; who sends is known by the session.
        if (parameter.Is("AUTH")) return Xtext.Decode(value) is { Length: > 0 } ? null : SmtpReply.BadArgument;
        return SmtpReply.UnknownParameter;
    }

    private static SmtpReply? TakeSize(ReadOnlySpan<char> value, ref MailArgument mail)
    {
        if (value.Length is 0 or > 20 || !ulong.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var size)) return SmtpReply.BadArgument;
        mail = mail with { DeclaredSizeBytes = size > long.MaxValue ? long.MaxValue : (long)size };
        return null;
    }

    private static SmtpReply? TakeBody(ReadOnlySpan<char> value, ref MailArgument mail)
    {
        var isEightBit = value.Equals("8BITMIME", StringComparison.OrdinalIgnoreCase);
        mail = mail with { IsEightBit = isEightBit };
        return isEightBit || value.Equals("7BIT", StringComparison.OrdinalIgnoreCase) ? null : SmtpReply.BadArgument;
    }

    private static SmtpReply? TakeReturn(ReadOnlySpan<char> value, ref MailArgument mail)
    {
        var isFull = value.Equals("FULL", StringComparison.OrdinalIgnoreCase);
        mail = mail with { Return = isFull ? DsnReturn.Full : DsnReturn.Headers };
        return isFull || value.Equals("HDRS", StringComparison.OrdinalIgnoreCase) ? null : SmtpReply.BadArgument;
    }
}
