namespace Portal.Smtp.Delivery;

/// <summary>What stood in the way of a try, as a sentence of the Rules resource: each kind of fault, and for a lost connection how far it had come.</summary>
internal static class Obstacle
{
    /// <summary>Null where the server's own reply says it, or there was none to ask.</summary>
    public static string? Of(EntryResult result) => result switch
    {
        { Failure: { } failure } => Of(failure),
        { Connection: null, Reply.Status: MxResolver.NameUnknown } => "attempt.nameUnknown",
        _ => null,
    };

    /// <summary>Null where the server's own reply says it.</summary>
    public static string? Of(SmtpFailure failure) => failure.Fault switch
    {
        SmtpFault.ConnectionRefused => "attempt.connectionRefused",
        SmtpFault.Unreachable => "attempt.unreachable",
        SmtpFault.TimedOut => Silent(failure.Stage),
        SmtpFault.BrokenOff => Broken(failure.Stage),
        SmtpFault.TookTooLong => "attempt.tookTooLong",
        SmtpFault.NotSmtp => "attempt.notSmtp",
        SmtpFault.TlsNotOffered => "attempt.tlsNotOffered",
        SmtpFault.TlsFailed => "attempt.tlsFailed",
        SmtpFault.CertificateNotValid => "attempt.certificateNotValid",
        SmtpFault.SignIn => "attempt.signIn",
        SmtpFault.OurFault => "attempt.ourFault",
        _ => null,
    };

    private static string Silent(SmtpStage stage) => stage switch
    {
        SmtpStage.Resolve or SmtpStage.Connect => "attempt.connectTimedOut",
        SmtpStage.Greeting => "attempt.silentAtGreeting",
        SmtpStage.Content => "attempt.silentInContent",
        SmtpStage.End => "attempt.silentAfterContent",
        _ => "attempt.silentInDialogue",
    };

    private static string Broken(SmtpStage stage) => stage switch
    {
        SmtpStage.Resolve or SmtpStage.Connect or SmtpStage.Greeting => "attempt.brokenAtGreeting",
        SmtpStage.Content => "attempt.brokenInContent",
        SmtpStage.End => "attempt.brokenAfterContent",
        _ => "attempt.brokenInDialogue",
    };
}
