using Portal.Core.Data;
using Portal.Core.Permissions;

namespace Portal.Core.Jobs;

/// <summary>
/// Carries out one kind of <see cref="Work"/> in turns of at most 500 rows. To add one: a class with this interface, a line
/// <c>AddSingleton&lt;IWorkKind, …&gt;()</c> in CoreServices.
/// </summary>
public interface IWorkKind
{
    /// <summary>Names it in <see cref="Work.Kind"/>.</summary>
    string Kind { get; }

    /// <summary>What it takes to see and end such work; who holds it everywhere sees everybody's. Null: only who began it does.</summary>
    Capability? Needs => null;

    /// <summary>What this work does: a key of the Actions resource.</summary>
    string ActionOf(Work work) => Kind;

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
