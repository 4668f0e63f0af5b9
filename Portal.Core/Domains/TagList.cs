using System.Text;

namespace Portal.Core.Domains;

/// <summary>"name=value; name=value": the form of signatures and key records (RFC 6376 §3.2).</summary>
public sealed class TagList
{
    private const int MaxTags = 100;
    private const int MaxOctets = 64 * 1024;   // "z=" copies whole fields

    private readonly Dictionary<string, string> tags = new(StringComparer.Ordinal);   // §3.2: names are case-sensitive

    private TagList()
    {
    }

    /// <summary>Why it is none; null when it is well formed.</summary>
    public string? Fault { get; private set; }

    /// <summary>The first tag's name; null when there is none.</summary>
    public string? First { get; private set; }

    /// <summary>A tag's value without the white space around it; null when absent.</summary>
    public string? this[string name] => tags.GetValueOrDefault(name);

    public static TagList Parse(ReadOnlySpan<byte> octets) =>
        octets.Length > MaxOctets ? new TagList { Fault = "tag list too long" } : Parse(Encoding.UTF8.GetString(octets));

    public static TagList Parse(string text)
    {
        var list = new TagList();
        list.Fault = text.Length > MaxOctets ? "tag list too long" : list.Read(text);
        return list;
    }

    /// <summary>A value without any white space, as in base64 and lists; null when absent.</summary>
    public string? Compact(string name)
    {
        if (this[name] is not { } value) return null;
        return value.AsSpan().ContainsAny(" \t\r\n") ? string.Concat(value.Split([' ', '\t', '\r', '\n'])) : value;
    }

    /// <summary>A list parted by colons, without white space and empty entries; null when absent.</summary>
    public string[]? Names(string name) => Compact(name)?.Split(':', StringSplitOptions.RemoveEmptyEntries);

    private string? Read(ReadOnlySpan<char> text)
    {
        while (true)
        {
            var end = text.IndexOf(';');
            var tag = end < 0 ? text : text[..end];
            var equals = tag.IndexOf('=');
            if (equals < 0) return "malformed tag list";
            var name = tag[..equals].Trim(" \t\r\n");
            var value = tag[(equals + 1)..].Trim(" \t\r\n");
            if (!IsName(name) || !IsValue(value)) return "malformed tag list";
            if (tags.Count == MaxTags) return "too many tags";
            First ??= name.ToString();
            if (!tags.TryAdd(name.ToString(), value.ToString())) return "tag given twice";   // §3.2: the whole list is invalid then

            if (end < 0) return null;
            text = text[(end + 1)..];
            if (text.Trim(" \t\r\n").Length == 0) return null;   // a last semicolon
        }
    }

    private static bool IsName(ReadOnlySpan<char> name)
    {
        if (name.Length == 0 || !char.IsAsciiLetter(name[0])) return false;
        foreach (var c in name)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c != '_') return false;
        }

        return true;
    }

    // Beyond ASCII: RFC 8616 §5, in the header of an internationalised message.
    private static bool IsValue(ReadOnlySpan<char> value)
    {
        foreach (var c in value)
        {
            if (c is not (' ' or '\t' or '\r' or '\n') && (c is < '!' or '\x7f' || char.IsControl(c))) return false;
        }

        return true;
    }
}
