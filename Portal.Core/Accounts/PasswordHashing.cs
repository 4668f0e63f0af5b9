using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Identity;
using Portal.Core.Data;

namespace Portal.Core.Accounts;

/// <summary>
/// The one place passwords are hashed and checked. A hash costs some 50 ms of CPU, so as many run at once as there are cores, behind a
/// bounded queue: over it the answer is "busy", not a slow system (DESIGN §6).
/// </summary>
public sealed class PasswordHashing(IPasswordHasher<Account> hasher, SecretBox secrets) : IDisposable
{
    /// <summary>Checks under way, those that are being looked at among them; more are "busy".</summary>
    internal const int MaxWaiting = 200;

    private const int ScramIterations = 10_000;   // RFC 7677 §4 asks for at least 4,096; the verifier is sealed besides
    private readonly SemaphoreSlim cores = new(Environment.ProcessorCount, Environment.ProcessorCount);
    private readonly Account nobody = new();
    private readonly Lazy<string> dummyHash = new(() => hasher.HashPassword(new Account(), Guid.NewGuid().ToString()));
    private int waiting;

    /// <summary>Writes Identity's hash, the SCRAM-SHA-256 verifier and a new security stamp: sessions and cached verdicts end with the old stamp.</summary>
    public async Task SetAsync(Account account, string password, CancellationToken cancel)
    {
        await RunAsync(() =>
        {
            account.PasswordHash = hasher.HashPassword(account, password);
            account.ScramVerifier = secrets.Seal(nameof(Account), account.Id.ToString("N"), ScramVerifierOf(password));
            return true;
        }, cancel);
        account.SecurityStamp = NewStamp();
    }

    /// <summary>Whether the password is the account's; for null it takes as long and says no. Null answer: too many wait, come back later.</summary>
    public async Task<bool?> VerifyAsync(Account? account, string password, CancellationToken cancel)
    {
        if (Interlocked.Increment(ref waiting) > MaxWaiting)
        {
            Interlocked.Decrement(ref waiting);
            return null;
        }

        try
        {
            return await RunAsync(() => hasher.VerifyHashedPassword(account ?? nobody, account?.PasswordHash ?? dummyHash.Value, password) != PasswordVerificationResult.Failed && account?.PasswordHash is not null, cancel);
        }
        finally
        {
            Interlocked.Decrement(ref waiting);
        }
    }

    /// <summary>A fresh security stamp, 128 bits.</summary>
    public static string NewStamp() => Convert.ToHexString(RandomNumberGenerator.GetBytes(16));

    /// <summary>Form of RFC 5803: iterations, salt, StoredKey, ServerKey (RFC 5802 §3).</summary>
    internal static string ScramVerifierOf(string password)
    {
        var salt = RandomNumberGenerator.GetBytes(16);
        var salted = Rfc2898DeriveBytes.Pbkdf2(password.Normalize(NormalizationForm.FormKC), salt, ScramIterations, HashAlgorithmName.SHA256, 32);
        var storedKey = SHA256.HashData(HMACSHA256.HashData(salted, "Client Key"u8));
        var serverKey = HMACSHA256.HashData(salted, "Server Key"u8);
        return $"SCRAM-SHA-256${ScramIterations}:{Convert.ToBase64String(salt)}${Convert.ToBase64String(storedKey)}:{Convert.ToBase64String(serverKey)}";
    }

    public void Dispose() => cores.Dispose();

    private async Task<T> RunAsync<T>(Func<T> hash, CancellationToken cancel)
    {
        await cores.WaitAsync(cancel);
        try
        {
            return await Task.Run(hash, cancel);
        }
        finally
        {
            cores.Release();
        }
    }
}
