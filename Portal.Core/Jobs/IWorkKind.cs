using Portal.Core.Data;

namespace Portal.Core.Jobs;

/// <summary>
/// Carries out one kind of <see cref="Work"/> in turns of at most 500 rows. To add one: a class with this interface, a line
/// <c>AddSingleton&lt;IWorkKind, …&gt;()</c> in CoreServices.
/// </summary>
public interface IWorkKind
{
    /// <summary>Names it in <see cref="Work.Kind"/>.</summary>
    string Kind { get; }

    /// <summary>
    /// Does the next turn inside the caller's turn at the gate and its transaction; cursor and rows are committed together, so a
    /// turn that was interrupted never happened.
    /// </summary>
    /// <param name="work">Its input, and the cursor where the turn begins.</param>
    /// <param name="cancel">Stops the turn; nothing of it is kept.</param>
    Task<WorkTurn> TakeTurnAsync(PortalDbContext db, Work work, CancellationToken cancel);
}

/// <summary>What a turn did.</summary>
/// <param name="Cursor">Where the next one begins; null when the work is done.</param>
/// <param name="Rows">Rows this turn worked off.</param>
public readonly record struct WorkTurn(string? Cursor, int Rows);
