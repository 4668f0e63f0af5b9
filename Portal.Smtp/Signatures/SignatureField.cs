using System.Globalization;
using System.Text;

namespace Portal.Smtp.Signatures;

/// <summary>Composes a field of tags, folded, and signs it.</summary>
internal sealed class SignatureField(string name)
{
    private const int MaxLine = 76;

    private readonly StringBuilder text = new($"{name}:");
    private int column = name.Length + 1;

    public SignatureField Tag(string tag, string value)
    {
        Append($" {tag}={value};");
        return this;
    }

    /// <summary>Names parted by colons; the line may break after any of them (RFC 6376 §3.5 "h=").</summary>
    public SignatureField Names(string tag, IReadOnlyList<string> names)
    {
        for (var i = 0; i < names.Count; i++)
        {
            var part = i == names.Count - 1 ? $"{names[i]};" : $"{names[i]}:";
            Append(i == 0 ? $" {tag}={part}" : part);
        }

        return this;
    }

    public SignatureField Time(DateTimeOffset at) => Tag("t", at.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture));

    /// <summary>Adds "b=" over what <paramref name="signed"/> writes and this field in its relaxed form (RFC 6376 §3.7).</summary>
    /// <returns>The field with its line end.</returns>
    public byte[] Sign(SigningKey key, Action<HashWriter> signed)
    {
        Append(" b=");
        HeaderField.TryRead(Encoding.UTF8.GetBytes(text.ToString()), out var unsigned);
        using var hash = new HashWriter();
        signed(hash);
        HeaderCanonicalisation.WriteUnsigned(hash, unsigned, isRelaxed: true);

        var rest = Convert.ToBase64String(key.Sign(hash.Current())).AsSpan();
        while (rest.Length > 0)
        {
            if (column >= MaxLine) Fold();
            var part = rest[..Math.Min(rest.Length, MaxLine - column)];
            text.Append(part);
            column += part.Length;
            rest = rest[part.Length..];
        }

        return Encoding.UTF8.GetBytes(text.Append("\r\n").ToString());
    }

    private void Append(string part)
    {
        if (column + part.Length > MaxLine)
        {
            Fold();
            part = part.TrimStart(' ');
        }

        text.Append(part);
        column += part.Length;
    }

    private void Fold()
    {
        text.Append("\r\n\t");
        column = 1;
    }
}
