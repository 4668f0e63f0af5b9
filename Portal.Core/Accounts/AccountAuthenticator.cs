using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Addresses;
using Portal.Core.Data;
using Portal.Core.Permissions;

namespace Portal.Core.Accounts;

public enum AuthenticationKind
{
    Succeeded,

    /// <summary>Wrong, unknown or disabled: outside they read the same.</summary>
    Failed,

    /// <summary>This pair of name and network has to wait; the password was not looked at.</summary>
    SlowedDown,

    /// <summary>Too many passwords are being checked; try again (454 4.7.0).</summary>
    Busy,
}

/// <summary>How a check of name and password ended.</summary>
/// <param name="Kind">The result.</param>
/// <param name="Account">Who it is; null unless succeeded.</param>
/// <param name="RetryAfter">How long to wait when slowed down.</param>
public sealed record AuthenticationResult(AuthenticationKind Kind, AccountSnapshot? Account = null, TimeSpan RetryAfter = default);

/// <summary>
/// Checks name and password for every door. A success is remembered for minutes under HMAC(process key, secret) and bound to the
/// security stamp, so a reset or a disable ends it within the second (DESIGN §6).
/// </summary>
public sealed class AccountAuthenticator(
    IDbContextFactory<PortalDbContext> databases, WriteGate gate, PasswordHashing hashing, SignInThrottleStore throttle, RoleDirectory roles, TimeProvider clock)
{
    private const int MaxRemembered = 10_000;
    private static readonly TimeSpan Remembered = TimeSpan.FromMinutes(5);
    private readonly byte[] processKey = RandomNumberGenerator.GetBytes(32);
    private readonly ConcurrentDictionary<string, Verdict> verdicts = new();
    private readonly SignInTurns turns = new();

    /// <summary>The login name in the form throttle and account are found by.</summary>
    public static string FoldLogin(string loginName)
    {
        var name = loginName.Replace('\0', '\uFFFD').Trim();   // no database finds a NUL, and PostgreSQL fails at one
        var folded = MailAddress.TryParse(name, out var address) ? address.Folded : name.Length > MailAddress.MaxLength ? name[..MailAddress.MaxLength] : name;
        return folded.ToUpperInvariant().ToLowerInvariant();   // the account is found by capitals: what they make one ("σ" and "ς") is slowed down as one
    }

    /// <summary>Checks name and password. A database outage throws (454 4.7.0).</summary>
    public async Task<AuthenticationResult> VerifyAsync(string loginName, string password, IPAddress client, Channel channel, CancellationToken cancel)
    {
        var login = FoldLogin(loginName);
        // Of one network: what somebody else's network guesses is never answered from here, but by way of the throttle.
        var key = Convert.ToHexString(HMACSHA256.HashData(processKey, Encoding.UTF8.GetBytes($"{login}\0{Networks.Of(client)}\0{password}")));
        if (await RecallAsync(key, cancel) is { } known) return new(AuthenticationKind.Succeeded, known);

        using var turn = await turns.EnterAsync(login, client, cancel);
        if (turn is null) return new(AuthenticationKind.Busy);
        // Several connections of one person at once: the first was looked at, the others know by now.
        if (turn.HasWaited && await RecallAsync(key, cancel) is { } found) return new(AuthenticationKind.Succeeded, found);

        var wait = await throttle.WaitAsync(login, client, cancel);
        if (wait > TimeSpan.Zero) return new(AuthenticationKind.SlowedDown, RetryAfter: wait);

        await using var db = await databases.CreateDbContextAsync(cancel);
        var normalized = login.ToUpperInvariant();
        var account = await db.Accounts.AsNoTracking().SingleOrDefaultAsync(a => a.NormalizedUserName == normalized, cancel);
        if (await hashing.VerifyAsync(account, password, cancel) is not { } isRight) return new(AuthenticationKind.Busy);
        if (account is null || !isRight || account.IsDisabled)
        {
            var note = account is null ? null : Note(account.Id, client, channel, isRight ? SignInResultKind.Disabled : SignInResultKind.WrongPassword);
            await throttle.FailedAsync(login, client, note, cancel);
            return new(AuthenticationKind.Failed);
        }

        await throttle.SucceededAsync(login, client, cancel);
        await NoteAsync(account.Id, client, channel, SignInResultKind.Succeeded, cancel);
        if (await roles.FindAsync(account.Id, cancel) is not { } snapshot) return new(AuthenticationKind.Failed);
        if (verdicts.Count >= MaxRemembered) verdicts.Clear();
        verdicts[key] = new(account.Id, account.SecurityStamp ?? "", clock.GetTimestamp());
        return new(AuthenticationKind.Succeeded, snapshot);
    }

    private async ValueTask<AccountSnapshot?> RecallAsync(string key, CancellationToken cancel)
    {
        if (!verdicts.TryGetValue(key, out var verdict)) return null;
        if (clock.GetElapsedTime(verdict.At) < Remembered && await roles.FindAsync(verdict.AccountId, cancel) is { IsDisabled: false } account && account.SecurityStamp == verdict.Stamp) return account;
        verdicts.TryRemove(key, out _);
        return null;
    }

    private async Task NoteAsync(Guid accountId, IPAddress client, Channel channel, SignInResultKind result, CancellationToken cancel)
    {
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        db.SignIns.Add(Note(accountId, client, channel, result));
        await db.SaveChangesAsync(cancel);
    }

    private SignIn Note(Guid accountId, IPAddress client, Channel channel, SignInResultKind result) =>
        new() { AccountId = accountId, At = clock.GetUtcNow(), Channel = channel, Address = client.ToString(), Result = result };

    private sealed record Verdict(Guid AccountId, string Stamp, long At);
}
