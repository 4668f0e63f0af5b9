using Microsoft.EntityFrameworkCore.Migrations;

namespace Portal.Core.Data;

/// <summary>
/// Takes a foreign key off a SQLite table as SQLite itself describes it (lang_altertable §7, what does not touch the rows): EF would
/// copy the table, which with a million rows no start should wait for (DESIGN §5).
/// </summary>
internal static class SqliteForeignKey
{
    /// <summary>Does nothing to a table that has no such constraint.</summary>
    /// <param name="constraint">As the table's statement has it, with the comma behind it.</param>
    public static void Drop(MigrationBuilder migration, string table, string constraint)
    {
        migration.Sql("PRAGMA writable_schema = 1");
        migration.Sql($"UPDATE sqlite_master SET sql = replace(sql, '{constraint}', '') WHERE type = 'table' AND name = '{table}'");
        // Another table's coming and going raises the number by which other connections know that they must read the schema again.
        migration.Sql("CREATE TABLE \"SchemaChanged\" (\"Id\" INTEGER); DROP TABLE \"SchemaChanged\"");
        migration.Sql("PRAGMA writable_schema = RESET");
    }
}
