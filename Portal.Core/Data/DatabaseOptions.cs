using System.ComponentModel.DataAnnotations;

namespace Portal.Core.Data;

/// <summary>Where the system keeps what it owns.</summary>
public sealed class StorageOptions
{
    public const string Section = "Portal";

    /// <summary>Folder of database, blobs, keys and logs. The host makes a relative one absolute (docs/settings.md).</summary>
    [Required]
    public string DataFolder { get; set; } = "data";

    /// <summary>File that holds the master key; null means master.key in the data folder. The same on every node.</summary>
    public string? MasterKeyFile { get; set; }

    /// <summary>Free space under which no more mail is taken, in bytes (452 4.3.1).</summary>
    [Range(typeof(long), "0", "9223372036854775807")]
    public long DiskFloorBytes { get; set; } = 1L << 30;

    public string DatabaseFile => Path.Combine(DataFolder, "portal.db");

    public string BlobFolder => Path.Combine(DataFolder, "blobs");
}

public enum DatabaseProvider
{
    Sqlite,
    Postgres,
}

/// <summary>Which database holds the truth.</summary>
public sealed class DatabaseOptions
{
    public const string Section = "Portal:Database";

    public DatabaseProvider Provider { get; set; }

    /// <summary>Npgsql connection string; needed for Postgres, unused for Sqlite.</summary>
    public string? ConnectionString { get; set; }
}
