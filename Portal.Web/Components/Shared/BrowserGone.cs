using Microsoft.JSInterop;

namespace Portal.Web.Components.Shared;

/// <summary>What a call to the browser throws when nobody answers any more.</summary>
public static class BrowserGone
{
    /// <summary>Whether the circuit has ended, or its browser was silent for so long that the call was given up.</summary>
    public static bool IsBrowserGone(this Exception failure) => failure is JSDisconnectedException or TaskCanceledException;
}
