namespace Portal.Smtp.Protocol;

/// <summary>Walks the parameters after a path: <c>SP keyword ["=" value]</c> (RFC 5321 §4.1.2).</summary>
internal ref struct EsmtpParameters(ReadOnlySpan<char> text)
{
    private ReadOnlySpan<char> rest = text;

    /// <summary>Keyword of the present parameter.</summary>
    public ReadOnlySpan<char> Keyword { get; private set; }

    /// <summary>Value of the present parameter; empty when it has none.</summary>
    public ReadOnlySpan<char> Value { get; private set; }

    /// <summary>Whether what has been read so far was well formed.</summary>
    public bool IsValid { get; private set; } = true;

    public bool MoveNext()
    {
        var trimmed = rest.TrimStart(' ');
        if (trimmed.Length == 0) return false;
        if (trimmed.Length == rest.Length) return IsValid = false;   // the path must be followed by a space
        var end = trimmed.IndexOf(' ');
        var parameter = end < 0 ? trimmed : trimmed[..end];
        rest = end < 0 ? [] : trimmed[end..];

        var equals = parameter.IndexOf('=');
        Keyword = equals < 0 ? parameter : parameter[..equals];
        Value = equals < 0 ? [] : parameter[(equals + 1)..];
        return IsValid = Keyword.Length > 0 && char.IsAsciiLetterOrDigit(Keyword[0]) && (equals < 0 || (Value.Length > 0 && IsValue(Value))) && IsKeyword(Keyword);
    }

    public readonly bool Is(ReadOnlySpan<char> keyword) => Keyword.Equals(keyword, StringComparison.OrdinalIgnoreCase);

    private static bool IsKeyword(ReadOnlySpan<char> keyword)
    {
        foreach (var c in keyword)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c != '-') return false;
        }

        return true;
    }

    private static bool IsValue(ReadOnlySpan<char> value)
    {
        foreach (var c in value)
        {
            if (c is <= ' ' or '=' or '\x7f') return false;
        }

        return true;
    }
}
