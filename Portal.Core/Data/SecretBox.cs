using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;

namespace Portal.Core.Data;

/// <summary>
/// Seals what must not stand readable in the database: AES-256-GCM under the master key, bound to entity and column, so that a
/// sealed value moved to another column can't be opened (DESIGN §6). Form: version, key id, nonce, tag, ciphertext.
/// </summary>
public sealed class SecretBox : IDisposable
{
    private const byte FormVersion = 1;
    private const int KeyIdBytes = 4;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private const int HeadBytes = 1 + KeyIdBytes + NonceBytes + TagBytes;

    private readonly AesGcm cipher;
    private readonly byte[] masterKey;
    private readonly uint keyId;

    public SecretBox(IOptions<StorageOptions> storage) : this(LoadOrCreate(storage.Value))
    {
    }

    internal SecretBox(byte[] masterKey)
    {
        this.masterKey = masterKey;
        cipher = new AesGcm(Derive("secret-box"), TagBytes);
        keyId = BinaryPrimitives.ReadUInt32BigEndian(Derive("key-id"));
    }

    /// <summary>Seals bytes for one entity and column.</summary>
    public byte[] Seal(string entity, string column, ReadOnlySpan<byte> secret)
    {
        var box = new byte[HeadBytes + secret.Length];
        box[0] = FormVersion;
        BinaryPrimitives.WriteUInt32BigEndian(box.AsSpan(1), keyId);
        var nonce = box.AsSpan(1 + KeyIdBytes, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        cipher.Encrypt(nonce, secret, box.AsSpan(HeadBytes), box.AsSpan(HeadBytes - TagBytes, TagBytes), Context(entity, column));
        return box;
    }

    /// <summary>Seals a text as UTF-8.</summary>
    public byte[] Seal(string entity, string column, string secret) => Seal(entity, column, Encoding.UTF8.GetBytes(secret));

    /// <summary>Opens what <see cref="Seal(string, string, ReadOnlySpan{byte})"/> made; throws <see cref="CryptographicException"/> when it was made with another key, for another column, or altered.</summary>
    public byte[] Open(string entity, string column, ReadOnlySpan<byte> box)
    {
        if (box.Length < HeadBytes || box[0] != FormVersion) throw new CryptographicException("Not a sealed value.");
        if (BinaryPrimitives.ReadUInt32BigEndian(box[1..]) != keyId) throw new CryptographicException("Sealed with another master key.");
        var secret = new byte[box.Length - HeadBytes];
        cipher.Decrypt(box.Slice(1 + KeyIdBytes, NonceBytes), box[HeadBytes..], box.Slice(HeadBytes - TagBytes, TagBytes), secret, Context(entity, column));
        return secret;
    }

    /// <summary>Opens a text.</summary>
    public string OpenText(string entity, string column, ReadOnlySpan<byte> box) => Encoding.UTF8.GetString(Open(entity, column, box));

    /// <summary>A key of its own for one purpose, 32 bytes (HKDF-SHA-256).</summary>
    public byte[] Derive(string purpose) => HKDF.DeriveKey(HashAlgorithmName.SHA256, masterKey, 32, info: Encoding.UTF8.GetBytes("portal/" + purpose));

    public void Dispose() => cipher.Dispose();

    private static byte[] Context(string entity, string column) => Encoding.UTF8.GetBytes($"{entity}\n{column}");

    /// <summary>Where the key stands.</summary>
    internal static string PathOf(StorageOptions storage) => storage.MasterKeyFile ?? Path.Combine(storage.DataFolder, "master.key");

    private static byte[] LoadOrCreate(StorageOptions storage)
    {
        var path = PathOf(storage);
        if (File.Exists(path)) return Read(path);
        if (storage.MasterKeyFile is not null) throw new MasterKeyException(path);

        Directory.CreateDirectory(storage.DataFolder);
        var key = RandomNumberGenerator.GetBytes(32);
        var temporary = $"{path}.{Guid.NewGuid():N}";
        using (var file = PrivateFile.Create(temporary))
        {
            file.Write(Encoding.ASCII.GetBytes(Convert.ToBase64String(key) + "\n"));
            file.Flush(flushToDisk: true);
        }

        try
        {
            File.Move(temporary, path, overwrite: false);
        }
        catch (IOException) when (File.Exists(path))
        {
            File.Delete(temporary);   // another process was first; its key counts
        }

        return Read(path);
    }

    private static byte[] Read(string path)
    {
        var key = new byte[32];
        return Convert.TryFromBase64String(File.ReadAllText(path).Trim(), key, out var length) && length == 32 ? key : throw new MasterKeyException(path);
    }
}

/// <summary>The master key file is missing or holds no key: nothing sealed could be opened, so nothing starts; the host words it (<c>HostText</c>).</summary>
public sealed class MasterKeyException(string path) : Exception($"The master key file {path} is missing or holds no key of 32 bytes in base64.")
{
    public string Path { get; } = path;
}
