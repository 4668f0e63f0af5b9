namespace Portal.Core.Messages;

/// <summary>How PostgreSQL keeps small contents; SQLite knows nothing of this.</summary>
public static class ContentStorage
{
    /// <summary>They come compressed (<see cref="Content.IsCompressed"/>): trying once more is in vain and took 4 % of a commit.</summary>
    public static string TuneSql { get; } = """ALTER TABLE "Content" ALTER COLUMN "Inline" SET STORAGE EXTERNAL;""";

    /// <summary>Back to what the server does with bytes.</summary>
    public static string ResetSql { get; } = """ALTER TABLE "Content" ALTER COLUMN "Inline" SET STORAGE EXTENDED;""";
}
