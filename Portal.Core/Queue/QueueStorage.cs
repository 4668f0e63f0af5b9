namespace Portal.Core.Queue;

/// <summary>How PostgreSQL keeps the queue's table (DESIGN §4); SQLite knows nothing of this.</summary>
public static class QueueStorage
{
    /// <summary>
    /// Each entry is updated some times and then deleted, so the table is small and changes all the time. Room in each page lets a new
    /// version stand beside the old one, and dead ones are cleaned after a fixed number: a part of the table's size, the default, would
    /// be nothing for an empty queue and a hundred thousand for one that had been full.
    /// </summary>
    public static string TuneSql { get; } = """
        ALTER TABLE "QueueEntry" SET (
            fillfactor = 70,
            autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
            autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 5000,
            autovacuum_vacuum_cost_delay = 0);
        """;

    /// <summary>Back to the server's own settings.</summary>
    public static string ResetSql { get; } = """
        ALTER TABLE "QueueEntry" RESET (
            fillfactor, autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold,
            autovacuum_analyze_scale_factor, autovacuum_analyze_threshold, autovacuum_vacuum_cost_delay);
        """;
}
