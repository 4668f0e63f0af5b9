namespace Portal.Core.Trace;

/// <summary>
/// PostgreSQL keeps the trace tables in one partition a week (DESIGN §5): a week that has aged out is dropped, not deleted row by
/// row. The ranges are queue ids, because a Guid v7 sorts by time. SQLite knows nothing of this.
/// </summary>
public static class TracePartitions
{
    /// <summary>The tables that are cut by week, each with QueueId in its key.</summary>
    public static readonly IReadOnlyList<string> Tables = [nameof(MessageTrace), nameof(TraceEvent), nameof(TraceRecipient), nameof(TraceTerm)];

    /// <summary>
    /// Turns the plain tables that EF made into partitioned ones with the same columns, key and indexes, and a default partition that
    /// takes what no week holds. Called by the first migration of PostgreSQL, while the tables are empty; it does nothing to a table
    /// that is partitioned already.
    /// </summary>
    public static string ConvertSql { get; } = $"""
        DO $convert$
        DECLARE
            plain text;
            key_name text;
            key_definition text;
            indexes text[];
            definition text;
        BEGIN
            FOREACH plain IN ARRAY ARRAY[{string.Join(", ", Tables.Select(t => $"'{t}'"))}] LOOP
                CONTINUE WHEN (SELECT relkind FROM pg_class WHERE oid = format('%I', plain)::regclass) = 'p';
                SELECT conname, pg_get_constraintdef(oid) INTO STRICT key_name, key_definition
                    FROM pg_constraint WHERE conrelid = format('%I', plain)::regclass AND contype = 'p';
                SELECT coalesce(array_agg(pg_get_indexdef(indexrelid)), ARRAY[]::text[]) INTO indexes
                    FROM pg_index WHERE indrelid = format('%I', plain)::regclass AND NOT indisprimary;
                EXECUTE format('ALTER TABLE %I RENAME TO %I', plain, plain || '_plain');
                EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY RANGE ("QueueId")', plain, plain || '_plain');
                EXECUTE format('DROP TABLE %I', plain || '_plain');
                EXECUTE format('ALTER TABLE %I ADD CONSTRAINT %I %s', plain, key_name, key_definition);
                FOREACH definition IN ARRAY indexes LOOP
                    EXECUTE definition;
                END LOOP;
                EXECUTE format('CREATE TABLE %I PARTITION OF %I DEFAULT', plain || '_default', plain);
            END LOOP;
        END
        $convert$;
        """;
}
