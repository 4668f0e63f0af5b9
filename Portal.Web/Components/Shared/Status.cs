using MudBlazor;
using Portal.Core.Accounts;
using Portal.Core.Certificates;
using Portal.Core.Domains;
using Portal.Core.Lists;
using Portal.Core.Mailboxes;
using Portal.Core.Queue;
using Portal.Core.Trace;

namespace Portal.Web.Components.Shared;

/// <summary>Every state that a chip can show; its word is "Status_…" in Resources/Shell.resx.</summary>
public enum Status
{
    Active,
    Accepted,
    Delivered,
    Relayed,

    /// <summary>A sender that is let through.</summary>
    Allowed,
    Pass,
    Healthy,
    Done,
    Queued,
    Waiting,
    Running,
    Info,
    Deferred,
    Held,
    Quarantined,
    Warning,
    Expiring,

    /// <summary>A key that signs no longer, but is still looked for.</summary>
    Retiring,
    SlowedDown,
    Refused,
    Failed,
    Expired,
    Down,
    WrongPassword,
    Error,
    Critical,
    Detail,
    Disabled,
    Deleted,
    Removed,
    Retired,
    Discarded,
    Unknown,
    None,
    NotSignedIn,

    /// <summary>Good, but another stands in its place.</summary>
    Unused,

    /// <summary>A DNS record is published as it should be.</summary>
    Published,

    /// <summary>Another record is published.</summary>
    Different,
    Missing,

    /// <summary>The DNS could not be asked.</summary>
    NotAsked,
}

/// <summary>From the states of Core to what people see.</summary>
public static class Statuses
{
    private const string Green = "green", Blue = "blue", Amber = "amber", Red = "red", Grey = "grey";

    public static Status Of(MailboxState state) => state switch
    {
        MailboxState.Active => Status.Active,
        MailboxState.Disabled => Status.Disabled,
        _ => Status.Deleted,
    };

    public static Status Of(RecipientOutcome outcome) => Enum.Parse<Status>(outcome.ToString());

    public static Status Of(ListKind kind) => kind switch
    {
        ListKind.Allow => Status.Allowed,
        ListKind.Quarantine => Status.Quarantined,
        _ => Status.Refused,
    };

    public static Status Of(TraceOutcome outcome) => Enum.Parse<Status>(outcome.ToString());

    /// <param name="attempts">A due entry that was tried before is deferred.</param>
    public static Status Of(QueueState state, int attempts) => state switch
    {
        QueueState.Held => Status.Held,
        QueueState.Claimed => Status.Running,
        _ => attempts == 0 ? Status.Waiting : Status.Deferred,
    };

    public static Status Of(SignInResultKind result) => result switch
    {
        SignInResultKind.Succeeded => Status.Done,
        SignInResultKind.WrongPassword => Status.WrongPassword,
        SignInResultKind.Disabled => Status.Disabled,
        _ => Status.SlowedDown,
    };

    /// <param name="now">Tells what has expired.</param>
    public static Status Of(CertificateRow row, DateTimeOffset now) => row switch
    {
        { Facts: null } => Status.Failed,
        { Facts: { } facts } when facts.Until <= now => Status.Expired,
        { Trouble: not null } or { Origin: CertificateOrigin.SelfSigned } => Status.Warning,
        { IsInUse: false } => Status.Unused,
        { Facts: { } facts } => CertificateFacts.Reached(facts.Until, now) is null ? Status.Healthy : Status.Expiring,
    };

    public static Status Of(DkimKeyState state) => Enum.Parse<Status>(state.ToString());

    public static Status Of(KeyRecordState state) => state switch
    {
        KeyRecordState.Found => Status.Published,
        KeyRecordState.Missing => Status.Missing,
        KeyRecordState.Different => Status.Different,
        _ => Status.NotAsked,
    };

    public static Status Of(LogLevel level) => level switch
    {
        LogLevel.Critical => Status.Critical,
        LogLevel.Error => Status.Error,
        LogLevel.Warning => Status.Warning,
        LogLevel.Information => Status.Info,
        _ => Status.Detail,
    };

    /// <summary>Colour class and icon of a state.</summary>
    public static (string Tone, string Icon) Look(Status status) => status switch
    {
        Status.Active or Status.Accepted or Status.Delivered or Status.Allowed or Status.Pass or Status.Healthy or Status.Done or Status.Published => (Green, Icons.Material.Outlined.CheckCircle),
        Status.Relayed => (Green, Icons.Material.Outlined.Send),
        Status.Queued or Status.Waiting => (Blue, Icons.Material.Outlined.Schedule),
        Status.Running => (Blue, Icons.Material.Outlined.Sync),
        Status.Info => (Blue, Icons.Material.Outlined.Info),
        Status.Deferred => (Amber, Icons.Material.Outlined.HourglassBottom),
        Status.Held => (Amber, Icons.Material.Outlined.PauseCircle),
        Status.Quarantined => (Amber, Icons.Material.Outlined.Shield),
        Status.Warning or Status.Expiring or Status.Retiring or Status.Different => (Amber, Icons.Material.Outlined.WarningAmber),
        Status.SlowedDown => (Amber, Icons.Material.Outlined.Timer),
        Status.Refused => (Red, Icons.Material.Outlined.Block),
        Status.Failed or Status.Error or Status.Critical or Status.Down or Status.Missing => (Red, Icons.Material.Outlined.ErrorOutline),
        Status.Expired => (Red, Icons.Material.Outlined.TimerOff),
        Status.WrongPassword => (Red, Icons.Material.Outlined.Key),
        Status.Disabled => (Grey, Icons.Material.Outlined.DoNotDisturbOn),
        Status.Deleted or Status.Removed or Status.Retired or Status.Discarded => (Grey, Icons.Material.Outlined.Delete),
        _ => (Grey, Icons.Material.Outlined.HelpOutline),
    };
}
