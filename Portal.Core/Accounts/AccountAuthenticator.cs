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

    /// <summary>This pair of name and network, or a stranger of this network, has to wait.</summary>
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
    /// <summary>Tries of one pair that may wait; more are "busy".</summary>
    internal const int MaxWaitingOfPair = 50;

    /// <summary>Passwords of one network that are looked at, or queue for it, at once: of all that may queue no network takes more, and its own others wait behind them.</summary>
    internal const int MaxOfNetwork = 8;

    /// <summary>Tries of one network that may wait for one of those places.</summary>
    internal const int MaxWaitingOfNetwork = PasswordHashing.MaxWaiting - MaxOfNetwork;

    private const int MaxRemembered = 10_000;
    private const int MaxLookMilliseconds = 1_000;
    private static readonly TimeSpan Remembered = TimeSpan.FromMinutes(5);
    private readonly byte[] processKey = RandomNumberGenerator.GetBytes(32);
    private readonly ConcurrentDictionary<(string Login, string Network), Verdict> verdicts = new();
    private readonly KeyedTurns<(string Login, string Network)> pairTurns = new(1, MaxWaitingOfPair);
    private readonly KeyedTurns<string> networkTurns = new(MaxOfNetwork, MaxWaitingOfNetwork);

    /// <summary>How long a look at a wrong password takes; 0 before the first.</summary>
    private int lookMilliseconds;

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
        // Of one network: what somebody else's network guesses is never answered from memory, but by way of the throttle.
        var pair = (Login: FoldLogin(loginName), Network: Networks.Of(client));
        var mac = HMACSHA256.HashData(processKey, Encoding.UTF8.GetBytes($"{pair.Login}\0{pair.Network}\0{password}"));
        if (await RecallAsync(pair, mac, cancel) is { } known) return new(AuthenticationKind.Succeeded, known);

        using var turn = await pairTurns.EnterAsync(pair, cancel);
        if (turn is null) return new(AuthenticationKind.Busy);
        // Several connections of one person at once: the first was looked at, the others know by now.
        if (turn.HasWaited && await RecallAsync(pair, mac, cancel) is { } found) return new(AuthenticationKind.Succeeded, found);

        var (answer, account) = await LookAsync(pair, password, client, channel, cancel);
        if (account is null) return answer;

        await NoteAsync(account.Id, client, channel, SignInResultKind.Succeeded, cancel);
        if (await roles.FindAsync(account.Id, cancel) is not { } snapshot) return new(AuthenticationKind.Failed);
        if (verdicts.Count >= MaxRemembered) verdicts.Clear();
        verdicts[pair] = new(mac, account.Id, account.SecurityStamp ?? "", clock.GetTimestamp());
        return new(AuthenticationKind.Succeeded, snapshot);
    }

    /// <summary>Asks somebody who has signed in for their password again: looked at as at a door, with the same throttle, but no sign-in.</summary>
    internal async Task<AuthenticationResult> ConfirmAsync(Actor actor, string password, CancellationToken cancel)
    {
        var client = IPAddress.TryParse(actor.Address, out var address) ? address : IPAddress.None;
        var pair = (Login: FoldLogin(actor.Name), Network: Networks.Of(client));
        using var turn = await pairTurns.EnterAsync(pair, cancel);
        return turn is null ? new(AuthenticationKind.Busy) : (await LookAsync(pair, password, client, actor.Channel, cancel)).Answer;
    }

    /// <summary>One guarded look at a password: the network's turn, the throttle, the hash, the count. The account where it was right.</summary>
    private async Task<(AuthenticationResult Answer, Account? Account)> LookAsync((string Login, string Network) pair, string password, IPAddress client, Channel channel, CancellationToken cancel)
    {
        using var turn = await networkTurns.EnterAsync(pair.Network, cancel);
        if (turn is null) return (new(AuthenticationKind.Busy), null);

        var pace = await throttle.PaceAsync(pair.Login, client, cancel);
        if (pace.Wait > TimeSpan.Zero)
        {
            // Refused unread, in the time and the words of those who are known in a slowed down network and have the wrong password. The network's
            // turn is given back first: it is for those who are looked at.
            turn.Dispose();
            if (pace.OfNetwork > TimeSpan.Zero) await Task.Delay(TimeSpan.FromMilliseconds(Volatile.Read(ref lookMilliseconds)), clock, cancel);
            return (new(AuthenticationKind.SlowedDown, RetryAfter: Longer(pace.Wait, pace.OfNetwork)), null);
        }

        var begun = clock.GetTimestamp();
        await using var db = await databases.CreateDbContextAsync(cancel);
        var normalized = pair.Login.ToUpperInvariant();
        var account = await db.Accounts.AsNoTracking().SingleOrDefaultAsync(a => a.NormalizedUserName == normalized, cancel);
        if (await hashing.VerifyAsync(account, password, cancel) is not { } isRight) return (new(AuthenticationKind.Busy), null);
        if (account is { IsDisabled: false } && isRight)
        {
            await throttle.SucceededAsync(pair.Login, client, cancel);
            return (new(AuthenticationKind.Succeeded), account);
        }

        var note = account is null ? null : Note(account.Id, client, channel, isRight ? SignInResultKind.Disabled : SignInResultKind.WrongPassword);
        await throttle.FailedAsync(pair.Login, client, note, cancel);
        NoteLook(clock.GetElapsedTime(begun));
        // In the words that strangers of a slowed down network read: nobody learns whose network it is.
        return (pace.OfNetwork > TimeSpan.Zero ? new(AuthenticationKind.SlowedDown, RetryAfter: pace.OfNetwork) : new(AuthenticationKind.Failed), null);
    }

    /// <summary>A running mean of the last few: what a hash and its count cost on this machine now.</summary>
    private void NoteLook(TimeSpan taken)
    {
        var (mean, last) = (Volatile.Read(ref lookMilliseconds), (int)Math.Min(taken.TotalMilliseconds, MaxLookMilliseconds));
        Volatile.Write(ref lookMilliseconds, mean == 0 ? last : (3 * mean + last) / 4);
    }

    private static TimeSpan Longer(TimeSpan one, TimeSpan other) => one > other ? one : other;

    private async ValueTask<AccountSnapshot?> RecallAsync((string Login, string Network) pair, byte[] mac, CancellationToken cancel)
    {
        if (!verdicts.TryGetValue(pair, out var verdict)) return null;
        // Another password than the right one ends what is remembered at once: of those that follow, a right one too passes the throttle.
        if (CryptographicOperations.FixedTimeEquals(verdict.Mac, mac) && clock.GetElapsedTime(verdict.At) < Remembered && await roles.FindAsync(verdict.AccountId, cancel) is { IsDisabled: false } account && account.SecurityStamp == verdict.Stamp) return account;
        verdicts.TryRemove(new(pair, verdict));
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

    private sealed record Verdict(byte[] Mac, Guid AccountId, string Stamp, long At);
}
