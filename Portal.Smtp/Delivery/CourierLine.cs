using Portal.Core.Queue;

namespace Portal.Smtp.Delivery;

/// <summary>One worker's line to a destination: its connection, kept from message to message, and whether the destination was to be reached.</summary>
internal sealed class CourierLine(Dialler dialler, int maxMessages) : IAsyncDisposable
{
    private RouteChoice choice;
    private SmtpConnection? connection;
    private Dialled? failed;

    /// <summary>Whether the destination was not to be reached since <see cref="Refresh"/>.</summary>
    public bool IsDown => failed is not null;

    /// <summary>Whether it let us wait until a time was over since <see cref="Refresh"/>.</summary>
    public bool IsSlow { get; private set; }

    /// <summary>Whether there was a connection since <see cref="Refresh"/>.</summary>
    public bool HasAnswered { get; private set; }

    /// <summary>Forgets a failed dial: the next message tries again.</summary>
    public void Refresh()
    {
        failed = null;
        (IsSlow, HasAnswered) = (false, false);
    }

    /// <summary>Takes note of what ended a connection. Who lets an envelope wait too long would let the next one wait as well: the rest of the claim is not tried.</summary>
    public void Note(SmtpFailure failure)
    {
        if (failure.Fault is not (SmtpFault.TimedOut or SmtpFault.TookTooLong)) return;
        IsSlow = true;
        if (failure.Stage < SmtpStage.Content) failed ??= new(null, null, failure);
    }

    /// <summary>The open connection, or a new one; a destination that was not to be reached a moment ago is not dialled for every message.</summary>
    public async Task<Dialled> ConnectAsync(RouteChoice wanted, CancellationToken cancel)
    {
        if (!IsSame(wanted))
        {
            await HangUpAsync();
            failed = null;
        }

        choice = wanted;
        if (failed is { } before) return before;
        if (connection is { IsUsable: true } open && open.Messages < maxMessages)
        {
            HasAnswered = true;
            return new(open, null, null);
        }

        await HangUpAsync();
        var dialled = await dialler.DialAsync(wanted, cancel);
        connection = dialled.Connection;
        if (connection is null) failed = dialled;
        else HasAnswered = true;
        if (dialled.Failure is { } failure) Note(failure);
        return dialled;
    }

    public async Task HangUpAsync()
    {
        if (connection is not { } open) return;
        connection = null;
        await open.QuitAsync();
        await open.DisposeAsync();
    }

    public async ValueTask DisposeAsync() => await HangUpAsync();

    private bool IsSame(RouteChoice wanted) => choice.RouteKey == wanted.RouteKey && choice.Route?.Id == wanted.Route?.Id && choice.Route?.Version == wanted.Route?.Version;
}
