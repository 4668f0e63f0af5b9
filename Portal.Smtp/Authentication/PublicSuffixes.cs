using System.Collections.Frozen;

namespace Portal.Smtp.Authentication;

/// <summary>Under which names people register domains: the Public Suffix List, shipped with the program.</summary>
internal static class PublicSuffixes
{
    private static readonly Lazy<FrozenSet<string>> Rules = new(Read);

    /// <summary>The organisational domain (RFC 7489 §3.2): the public suffix and one label more; the name itself where it has no more.</summary>
    /// <param name="domain">A-label form, lower case.</param>
    public static string OrganizationalDomainOf(string domain)
    {
        var rules = Rules.Value.GetAlternateLookup<ReadOnlySpan<char>>();
        var before = -1;   // start of the suffix one label longer than the one looked at; -1 for the whole name
        Span<char> buffer = stackalloc char[2 + 255];
        for (var start = 0; start < domain.Length && domain.Length <= 255;)
        {
            var suffix = domain.AsSpan(start);
            var dot = suffix.IndexOf('.');
            if (rules.Contains(Marked(buffer, "!", suffix))) return domain[start..];   // an exception: it is registered itself
            if (rules.Contains(suffix) || dot < 0 || rules.Contains(Marked(buffer, "*.", suffix[(dot + 1)..]))) return domain[Math.Max(0, before)..];   // without any rule the last label is one
            (before, start) = (start, start + dot + 1);
        }

        return domain;
    }

    private static ReadOnlySpan<char> Marked(Span<char> buffer, string mark, ReadOnlySpan<char> name)
    {
        mark.CopyTo(buffer);
        name.CopyTo(buffer[mark.Length..]);
        return buffer[..(mark.Length + name.Length)];
    }

    private static FrozenSet<string> Read()
    {
        using var resource = typeof(PublicSuffixes).Assembly.GetManifestResourceStream("Portal.Smtp.public-suffixes.txt") ?? throw new InvalidOperationException("The Public Suffix List is missing from the program.");
        using var reader = new StreamReader(resource);
        var rules = new List<string>(12_000);
        while (reader.ReadLine() is { } line)
            if (line.Length > 0 && !line.StartsWith("//", StringComparison.Ordinal)) rules.Add(line);
        return rules.ToFrozenSet(StringComparer.Ordinal);
    }
}
