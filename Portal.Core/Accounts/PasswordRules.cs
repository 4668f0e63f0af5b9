using System.Security.Cryptography;
using Portal.Core.Addresses;

namespace Portal.Core.Accounts;

/// <summary>What a password must be (ASVS 2.1: length counts, composition rules don't).</summary>
public static class PasswordRules
{
    public const int MinLength = 12;

    public const int MaxLength = 256;

    /// <summary>Digits and signs that do without a letter of one's own.</summary>
    private const int MinOwnSigns = 16;

    // No look-alikes: people read these aloud over the phone.
    private const string Letters = "abcdefghjkmnpqrstuvwxyz23456789";

    /// <summary>Words that lists of guessed passwords are made of (ASVS 2.1.7): a few digits and signs around them change little. The longest first, lest a shorter one leaves its end.</summary>
    private static readonly string[] CommonWords = Longest(
        "password", "passwort", "passw0rd", "p@ssw0rd", "p@ssword", "motdepasse", "contrasena", "qwertyuiop", "qwertzuiop", "azertyuiop", "qwerty", "qwertz", "asdfghjkl", "zxcvbnm", "1q2w3e4r", "qazwsx",
        "iloveyou", "letmein", "welcome", "willkommen", "bienvenue", "administrator", "admin", "changeme", "changeit", "trustno", "monkey", "dragon", "football", "baseball", "superman", "batman", "princess",
        "sunshine", "shadow", "master", "michael", "jordan", "liverpool", "chelsea", "arsenal", "starwars", "pokemon", "computer", "internet", "whatever", "freedom", "summer", "winter", "spring", "autumn",
        "sommer", "secret", "geheim", "hello", "hallo", "login", "guest", "test", "testing", "default", "company", "woaini", "mail", "abcdefghijkl", "abcdefgh", "abc", "monday", "friday", "january", "december");

    /// <summary>Null when it may be used.</summary>
    public static Refusal? Check(string? password, MailAddress owner) => password switch
    {
        null or { Length: < MinLength } => new Invalid("PasswordTooShort", MinLength) { Field = "Password" },
        { Length: > MaxLength } => new Invalid("PasswordTooLong", MaxLength) { Field = "Password" },
        _ when password.Contains(owner.LocalPart, StringComparison.OrdinalIgnoreCase) && owner.LocalPart.Length > 3 => new Invalid("PasswordHasName") { Field = "Password" },
        _ when password.Distinct().Count() < 5 => new Invalid("PasswordTooSimple") { Field = "Password" },
        _ when IsCommon(password) => new Invalid("PasswordCommon") { Field = "Password" },
        _ => null,
    };

    private static string[] Longest(params string[] words) => [.. words.OrderByDescending(w => w.Length)];

    // What is left without common words is what a guesser has to guess.
    private static bool IsCommon(string password)
    {
        var rest = password.ToLowerInvariant();
        foreach (var word in CommonWords) rest = rest.Replace(word, "", StringComparison.Ordinal);
        return rest.Length < MinOwnSigns && !rest.Any(char.IsLetter);
    }

    /// <summary>A random password, four groups of four characters, about 79 bits.</summary>
    public static string Generate() => string.Join('-', Enumerable.Range(0, 4).Select(_ => RandomNumberGenerator.GetString(Letters, 4)));
}
