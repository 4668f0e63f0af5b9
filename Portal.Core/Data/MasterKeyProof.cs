using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Portal.Core.Jobs;

namespace Portal.Core.Data;

/// <summary>
/// Proves at each start that the master key is the one this database was sealed with. A second node, or a system whose data folder was
/// lost, makes a key of its own; without this it would start, and fail at the first route's password, cookie or sealed column.
/// </summary>
public sealed class MasterKeyProof(IDbContextFactory<PortalDbContext> databases, WriteGate gate, SecretBox box, IOptions<StorageOptions> storage)
{
    private const string Key = "masterKey.proof";

    /// <summary>Seals the proof where there is none, else opens it.</summary>
    /// <exception cref="ForeignMasterKeyException">It was sealed with another key.</exception>
    public async Task DemandOwnAsync(CancellationToken cancel)
    {
        if (await FindAsync(cancel) is not { } proof)
        {
            await SealAsync(cancel);
            proof = await FindAsync(cancel) ?? throw new InvalidOperationException("The proof of the master key was not kept.");
        }

        try
        {
            box.Open(nameof(Setting), Key, Convert.FromBase64String(proof));
        }
        catch (CryptographicException)
        {
            throw new ForeignMasterKeyException(SecretBox.PathOf(storage.Value));
        }
    }

    private async Task<string?> FindAsync(CancellationToken cancel)
    {
        await using var db = await databases.CreateDbContextAsync(cancel);
        return await db.Settings.AsNoTracking().Where(s => s.Key == Key).Select(s => s.Value).SingleOrDefaultAsync(cancel);
    }

    private async Task SealAsync(CancellationToken cancel)
    {
        using var turn = await gate.EnterAsync(cancel);
        await using var db = await databases.CreateDbContextAsync(cancel);
        db.Settings.Add(new Setting { Key = Key, Value = Convert.ToBase64String(box.Seal(nameof(Setting), Key, RandomNumberGenerator.GetBytes(16))) });
        try
        {
            await db.SaveChangesAsync(cancel);
        }
        catch (DbUpdateException e) when (e.IsDuplicate())
        {
            // Another node was first; its proof counts.
        }
    }
}

/// <summary>The database was sealed with another master key than the one at <paramref name="path"/>; the host words it (<c>HostText</c>).</summary>
public sealed class ForeignMasterKeyException(string path) : Exception($"The database was sealed with another master key than {path}.")
{
    public string Path { get; } = path;
}
