using System.Collections;
using System.Text;
using Portal.Core.Messages;

namespace Portal.Smtp.Signatures;

/// <summary>One field of a header, as it came: folding, case and line end are part of what is signed.</summary>
/// <param name="Octets">All of it, with its line end where there is one.</param>
/// <param name="NameLength">Octets of the name.</param>
/// <param name="Colon">Where the colon stands; white space may stand before it (RFC 5322 §4.5.8).</param>
internal readonly record struct HeaderField(ReadOnlyMemory<byte> Octets, int NameLength, int Colon)
{
    public ReadOnlySpan<byte> Name => Octets.Span[..NameLength];

    /// <summary>What follows the colon, without the line end.</summary>
    public ReadOnlySpan<byte> Value
    {
        get
        {
            var value = Octets.Span[(Colon + 1)..];
            if (value.EndsWith("\r\n"u8)) return value[..^2];
            return value.EndsWith("\n"u8) ? value[..^1] : value;
        }
    }

    public bool Is(string name) => Ascii.EqualsIgnoreCase(Name, name);

    /// <summary>Reads one field; false when the octets are none.</summary>
    public static bool TryRead(ReadOnlyMemory<byte> octets, out HeaderField field)
    {
        var colon = octets.Span.IndexOf((byte)':');
        var name = colon < 0 ? [] : octets.Span[..colon].TrimEnd(" \t"u8);
        field = new HeaderField(octets, name.Length, colon);
        return name.Length > 0 && !name.ContainsAnyExceptInRange((byte)'!', (byte)'~');   // RFC 5322 §2.2
    }
}

/// <summary>The fields of a header in order, over the octets themselves; lines that are no field are passed over.</summary>
internal sealed class HeaderFields : IReadOnlyList<HeaderField>
{
    /// <summary>No more lines are looked at; real mail has a tenth of it.</summary>
    public const int MaxFields = 2000;

    private readonly List<HeaderField> fields = [];
    private Dictionary<string, List<int>>? positions;

    private HeaderFields()
    {
    }

    /// <summary>Whether there is more of the header than is read here: what a signature covers is unknown then.</summary>
    public bool IsCut { get; private set; }

    public int Count => fields.Count;

    public HeaderField this[int index] => fields[index];

    /// <summary>Reads a header, up to the empty line that ends it or the end of the octets, which are kept and not copied.</summary>
    public static HeaderFields Parse(ReadOnlyMemory<byte> header, int max = MaxFields)
    {
        var read = new HeaderFields();
        for (var lines = 0; header.Length > 0 && !IsEnd(header.Span); lines++)
        {
            if (lines == max)
            {
                read.IsCut = true;
                break;
            }

            var length = HeaderLines.FieldLength(header.Span);
            if (HeaderField.TryRead(header[..length], out var field)) read.fields.Add(field);
            header = header[length..];
        }

        return read;
    }

    /// <summary>The first fields of a name, from the top, where the newest stand.</summary>
    public IEnumerable<HeaderField> Named(string name, int max) => PositionsOf(name).Take(max).Select(at => fields[at]);

    /// <summary>Where the fields of a name stand, from the top; found without walking through all of them for each of the names that a signature lists.</summary>
    public IReadOnlyList<int> PositionsOf(string name) => LazyInitializer.EnsureInitialized(ref positions, Index).TryGetValue(name, out var found) ? found : [];

    private Dictionary<string, List<int>> Index()
    {
        var index = new Dictionary<string, List<int>>(StringComparer.OrdinalIgnoreCase);
        for (var at = 0; at < fields.Count; at++)
        {
            var name = Encoding.ASCII.GetString(fields[at].Name);
            if (!index.TryGetValue(name, out var same)) index[name] = same = [];
            same.Add(at);
        }

        return index;
    }

    public IEnumerator<HeaderField> GetEnumerator() => fields.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private static bool IsEnd(ReadOnlySpan<byte> text) => text.StartsWith("\r\n"u8) || text[0] == '\n';
}

/// <summary>Takes fields by name as a signature lists them: the lowest first, each once, none where no more are left (RFC 6376 §5.4.2).</summary>
/// <param name="except">The signature itself, which is never among what it lists (§3.5, "h=").</param>
internal sealed class FieldSelection(HeaderFields fields, HeaderField? except = null)
{
    // Each name goes on where it stopped.
    private readonly Dictionary<string, int> taken = new(StringComparer.OrdinalIgnoreCase);

    public HeaderField? Next(string name)
    {
        var positions = fields.PositionsOf(name);
        var at = taken.GetValueOrDefault(name, positions.Count) - 1;
        while (at >= 0 && IsExcepted(fields[positions[at]])) at--;
        taken[name] = Math.Max(at, 0);
        return at < 0 ? null : fields[positions[at]];
    }

    private bool IsExcepted(HeaderField field) => except is { } e && field.Octets.Equals(e.Octets);
}
