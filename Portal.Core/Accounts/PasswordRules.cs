using System.Security.Cryptography;
using Portal.Core.Addresses;

namespace Portal.Core.Accounts;

/// <summary>What a password must be (ASVS 2.1: length counts, composition rules don't).</summary>
public static class PasswordRules
{
    public const int MinLength = 12;

    public const int MaxLength = 256;

    // No look-alikes: people read these aloud over the phone.
    private const string Letters = "abcdefghjkmnpqrstuvwxyz23456789";

    /// <summary>Null when it may be used.</summary>
    public static Refusal? Check(string? password, MailAddress owner) => password switch
    {
        null or { Length: < MinLength } => new Invalid("PasswordTooShort", MinLength) { Field = "Password" },
        { Length: > MaxLength } => new Invalid("PasswordTooLong", MaxLength) { Field = "Password" },
        _ when password.Contains(owner.LocalPart, StringComparison.OrdinalIgnoreCase) && owner.LocalPart.Length > 3 => new Invalid("PasswordHasName") { Field = "Password" },
        _ when password.Distinct().Count() < 5 => new Invalid("PasswordTooSimple") { Field = "Password" },
        _ => null,
    };

    /// <summary>A random password, four groups of four characters, about 79 bits.</summary>
    public static string Generate() => string.Join('-', Enumerable.Range(0, 4).Select(_ => RandomNumberGenerator.GetString(Letters, 4)));
}
