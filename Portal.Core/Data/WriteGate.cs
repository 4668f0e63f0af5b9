using System.Diagnostics.CodeAnalysis;

namespace Portal.Core.Data;

/// <summary>
/// One writer at a time on SQLite, in order of asking; on PostgreSQL it lets everybody through (DESIGN §5). Nobody holds it over
/// 50 ms, and nothing inside awaits a network or a person.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "A SemaphoreSlim whose wait handle is never asked for holds nothing to dispose.")]
public sealed class WriteGate(bool isOpen)
{
    private readonly SemaphoreSlim turns = new(1, 1);
    private readonly AsyncLocal<Turn?> held = new();
    private int waiting;

    /// <summary>Whether somebody waits for a turn just now; work that can wait then makes room.</summary>
    public bool HasWaiters => Volatile.Read(ref waiting) > 0;

    /// <summary>Waits for a turn; dispose it to let the next one in.</summary>
    // Not async: the AsyncLocal must be set in the caller's own context.
    public ValueTask<Turn> EnterAsync(CancellationToken cancel)
    {
        var turn = new Turn(this);
        held.Value = turn;
        if (isOpen || turns.Wait(0, cancel))
        {
            turn.IsHeld = true;
            return new(turn);
        }

        return new(WaitAsync(turn, cancel));
    }

    /// <summary>Throws when the present flow of control writes without a turn: a bug that would cost pages seconds under full mail.</summary>
    internal void DemandHeld()
    {
        if (!isOpen && held.Value is not { IsHeld: true })
            throw new InvalidOperationException("A write outside the WriteGate: take a turn first (DESIGN §5).");
    }

    private async Task<Turn> WaitAsync(Turn turn, CancellationToken cancel)
    {
        Interlocked.Increment(ref waiting);
        try
        {
            await turns.WaitAsync(cancel);
        }
        finally
        {
            Interlocked.Decrement(ref waiting);
        }

        turn.IsHeld = true;
        return turn;
    }

    private void Leave()
    {
        if (!isOpen) turns.Release();
    }

    /// <summary>A turn at the gate.</summary>
    public sealed class Turn(WriteGate gate) : IDisposable
    {
        internal bool IsHeld { get; set; }

        public void Dispose()
        {
            if (!IsHeld) return;
            IsHeld = false;
            gate.Leave();
        }
    }
}
