namespace Portal.Core.Recipients;

/// <summary>
/// What finds a person by the first letters of name, family name or address among 100,000. They sort octet by octet, so that what begins
/// alike stands together in every locale, and are written as <see cref="ColleagueService"/>'s queries are; the model cannot tell of them for both
/// databases.
/// </summary>
public static class ColleagueIndexes
{
    public static string SqliteSql { get; } = """
        CREATE INDEX "IX_Mailbox_Colleague" ON "Mailbox" ("DomainId", "State", lower("Name"));
        CREATE INDEX "IX_Mailbox_ColleagueAfterSpace" ON "Mailbox" ("DomainId", "State", lower(substr("Name", (instr("Name", ' ') - 1) + 1 + 1)));
        """;

    public static string PostgresSql { get; } = """
        CREATE INDEX "IX_Mailbox_Colleague" ON "Mailbox" ("DomainId", "State", (lower("Name") COLLATE "C"));
        CREATE INDEX "IX_Mailbox_ColleagueAfterSpace" ON "Mailbox" ("DomainId", "State", (lower(substring("Name", (strpos("Name", ' ') - 1) + 1 + 1)) COLLATE "C"));
        CREATE INDEX "IX_Address_Colleague" ON "Address" ("DomainId", ("LocalPart" COLLATE "C"));
        """;

    /// <summary>Takes them away on either; SQLite's addresses are sorted so already.</summary>
    public static string DropSql { get; } = """
        DROP INDEX IF EXISTS "IX_Mailbox_Colleague";
        DROP INDEX IF EXISTS "IX_Mailbox_ColleagueAfterSpace";
        DROP INDEX IF EXISTS "IX_Address_Colleague";
        """;
}
