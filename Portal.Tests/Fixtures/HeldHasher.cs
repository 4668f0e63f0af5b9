using Microsoft.AspNetCore.Identity;
using Portal.Core.Accounts;

namespace Portal.Tests.Fixtures;

/// <summary>Checks passwords as ever; the one called <see cref="Slow"/> is looked at for as long as the test says, and then wrong.</summary>
internal sealed class HeldHasher : IPasswordHasher<Account>, IDisposable
{
    public const string Slow = "this one takes its time";
    private readonly PasswordHasher<Account> real = new();
    private readonly ManualResetEventSlim isOver = new();

    /// <summary>Ends every look at <see cref="Slow"/>, present and future.</summary>
    public void LetGo() => isOver.Set();

    public string HashPassword(Account user, string password) => real.HashPassword(user, password);

    public PasswordVerificationResult VerifyHashedPassword(Account user, string hashedPassword, string providedPassword)
    {
        if (providedPassword != Slow) return real.VerifyHashedPassword(user, hashedPassword, providedPassword);

        isOver.Wait();
        return PasswordVerificationResult.Failed;
    }

    public void Dispose()
    {
        LetGo();
        isOver.Dispose();
    }
}
