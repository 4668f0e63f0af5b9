using System.Security.Cryptography;
using System.Text;
using Portal.Core.Addresses;
using Portal.Core.Data;

namespace Portal.Core.Recipients;

/// <summary>
/// The Sender Rewriting Scheme: mail that an address of ours sends on leaves under a reverse-path of ours, which SPF lets us use, and what
/// comes back to that path is led to the sender. The path carries a hash, so that nobody can make one, and a day, so that it ends.
/// </summary>
public sealed class SenderRewriting(SecretBox secrets, TimeProvider clock)
{
    /// <summary>How long what comes back finds its way: longer than anybody keeps trying (RFC 5321 §4.5.4.1 says four to five days).</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromDays(21);

    private const string First = "SRS0", Again = "SRS1";
    private const string Alphabet = "abcdefghijklmnopqrstuvwxyz234567";   // letters of one case: local parts come back in either
    private const int HashLength = 8;   // 40 bits: a guess costs a refused recipient
    private const int Days = 1024;      // the day is counted in two letters

    private readonly byte[] key = secrets.Derive("srs");

    /// <summary>The reverse-path under which <paramref name="forwarder"/> sends on mail of <paramref name="reversePath"/>.</summary>
    /// <returns>Null where it would be no address: too long, or a local part that needs quotes. Then the path stays as it is.</returns>
    public MailAddress? Rewrite(MailAddress reversePath, DomainName forwarder)
    {
        var local = reversePath.LocalPart;
        if (reversePath.AddressLiteral is not null || local.Any(c => c is <= ' ' or '"' or '\\' or '@' or >= (char)127)) return null;
        string rewritten;
        if (Behind(local, Again) is { } again && again.IndexOf("==", StringComparison.Ordinal) is > 0 and var two && again.IndexOf('=', StringComparison.Ordinal) is var one && one < two)
        {
            // Rewritten twice already: what the first forwarder needs stays, the hash becomes ours.
            var rest = again[(one + 1)..];
            rewritten = $"{Again}={HashOf(rest)}={rest}";
        }
        else if (local.StartsWith(First, StringComparison.OrdinalIgnoreCase) && local.Length > First.Length && local[First.Length] is '=' or '+' or '-')
        {
            var rest = $"{reversePath.Domain.Value}={local[First.Length..]}";
            rewritten = $"{Again}={HashOf(rest)}={rest}";
        }
        else
        {
            var rest = $"{Letters(Today)}={reversePath.Domain.Value}={local}";
            rewritten = $"{First}={HashOf(rest)}={rest}";
        }

        return MailAddress.TryParse($"{rewritten}@{forwarder.Value}", out var address) ? address : null;
    }

    /// <summary>Whose mail comes back to an address; null where it is no path of ours, or an old one.</summary>
    public MailAddress? Open(MailAddress address)
    {
        var local = address.LocalPart;
        if (Behind(local, First) is { } first && Checked(first) is { } path)
        {
            var parts = path.Split('=', 3);
            return parts.Length == 3 && IsRecent(parts[0]) && MailAddress.TryParse($"{parts[2]}@{parts[1]}", out var sender) ? sender : null;
        }

        if (Behind(local, Again) is { } again && Checked(again) is { } chain && chain.IndexOf('=', StringComparison.Ordinal) is > 0 and var end)
            return MailAddress.TryParse($"{First}{chain[(end + 1)..]}@{chain[..end]}", out var forwarder) ? forwarder : null;   // it knows the way, and how old the path is

        return null;
    }

    private int Today => (int)(clock.GetUtcNow().ToUnixTimeSeconds() / 86_400 % Days);

    private static string? Behind(string local, string mark) =>
        local.Length > mark.Length && local.StartsWith(mark, StringComparison.OrdinalIgnoreCase) && local[mark.Length] == '=' ? local[(mark.Length + 1)..] : null;

    /// <summary>What stands behind a hash that is right.</summary>
    private string? Checked(string text)
    {
        if (text.Length <= HashLength || text[HashLength] != '=') return null;
        var rest = text[(HashLength + 1)..];
        return CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(text[..HashLength].ToLowerInvariant()), Encoding.UTF8.GetBytes(HashOf(rest))) ? rest : null;
    }

    private string HashOf(string text)
    {
        var hash = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text.ToLowerInvariant()));
        return string.Concat(hash.Take(HashLength).Select(b => Alphabet[b & 31]));
    }

    private static string Letters(int day) => $"{Alphabet[day >> 5]}{Alphabet[day & 31]}";

    private bool IsRecent(string letters)
    {
        if (letters.Length != 2) return false;
        var (high, low) = (Alphabet.IndexOf(char.ToLowerInvariant(letters[0]), StringComparison.Ordinal), Alphabet.IndexOf(char.ToLowerInvariant(letters[1]), StringComparison.Ordinal));
        return high >= 0 && low >= 0 && (Today - ((high << 5) | low) + Days) % Days <= Lifetime.TotalDays;
    }
}
