using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace Portal.Core.Addresses;

/// <summary>A host or mail domain, kept in A-label form, lower case, without a final dot (RFC 1123 §2.1, RFC 5890 §2.3.2.1).</summary>
public readonly record struct DomainName
{
    private static readonly IdnMapping Idn = new() { UseStd3AsciiRules = true, AllowUnassigned = false };

    private readonly string? value;

    private DomainName(string value) => this.value = value;

    /// <summary>A-label form, such as "xn--bcher-kva.example".</summary>
    public string Value => value ?? "";

    /// <summary>U-label form for people; the A-label form where that could not be read back as this domain.</summary>
    public string Display
    {
        get
        {
            if (!Value.Contains("xn--", StringComparison.Ordinal)) return Value;
            try
            {
                var shown = Idn.GetUnicode(Value);
                return TryParse(shown, out var read) && read == this ? shown : Value;
            }
            catch (ArgumentException)
            {
                return Value;   // a label that only looks like an A-label
            }
        }
    }

    /// <summary>Reads a domain in either form. At most 255 octets, labels of 1 to 63 letters, digits and hyphens, not all digits at the end.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out DomainName domain)
    {
        domain = default;
        if (string.IsNullOrEmpty(text) || text.Length > 255) return false;

        var ascii = text;
        if (!Ascii.IsValid(text))
        {
            try
            {
                ascii = Idn.GetAscii(text.Normalize(NormalizationForm.FormC));
            }
            catch (ArgumentException)
            {
                return false;
            }
        }

        if (!IsHostName(ascii)) return false;
        domain = new(ascii.ToLowerInvariant());
        return true;
    }

    public override string ToString() => Value;

    private static bool IsHostName(ReadOnlySpan<char> name)
    {
        if (name.Length is 0 or > 253) return false;   // 255 octets on the wire, RFC 1035 §2.3.4
        var label = 0;
        var allDigits = true;
        for (var i = 0; i < name.Length; i++)
        {
            var c = name[i];
            if (c == '.')
            {
                if (label == 0 || name[i - 1] == '-') return false;
                (label, allDigits) = (0, true);
                continue;
            }

            if (!char.IsAsciiLetterOrDigit(c) && (c != '-' || label == 0)) return false;
            allDigits &= char.IsAsciiDigit(c);
            if (++label > 63) return false;
        }

        return label > 0 && name[^1] != '-' && !allDigits;   // a last label of digits would be an address, RFC 3696 §2
    }
}
