namespace Portal.Smtp.Signatures;

/// <summary>Which fields our signatures cover (RFC 6376 §5.4.1).</summary>
internal static class SignedFields
{
    // More of one name is no real mail; the lowest are signed (§5.4.2).
    private const int MaxOfOne = 20;

    // Named once more than they are there: one that is added later breaks the signature (§5.4, §8.15).
    private static readonly string[] Sealed = ["From", "To", "Cc", "Subject", "Date", "Reply-To"];

    private static readonly string[] Present =
    [
        "Message-ID", "References", "In-Reply-To", "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
        "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Post", "List-Help", "List-Subscribe", "List-Owner", "List-Archive",
    ];

    /// <summary>The names for "h=".</summary>
    /// <param name="more">Further names, signed where they are present.</param>
    public static IReadOnlyList<string> Of(HeaderFields header, params string[] more) =>
    [
        .. Sealed.SelectMany(n => Enumerable.Repeat(n, CountOf(header, n) + 1)),
        .. Present.Concat(more).SelectMany(n => Enumerable.Repeat(n, CountOf(header, n))),
    ];

    private static int CountOf(HeaderFields header, string name) => header.Named(name, MaxOfOne).Count();
}
