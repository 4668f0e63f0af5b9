using Portal.Smtp.Protocol;

namespace Portal.Smtp.Reports;

/// <summary>The sentence that says to a person what a status says to a program (RFC 3463 §3).</summary>
internal static class DsnReason
{
    public static string Of(PeerReply reply)
    {
        var status = reply.StatusOrDefault;
        return status[2..] switch
        {
            "1.1" or "1.6" => "ReasonUnknownRecipient",
            "1.2" or "4.4" => "ReasonNoDomain",
            "1.10" => "ReasonNoMail",
            "2.1" => "ReasonDisabled",
            "2.2" => "ReasonMailboxFull",
            "3.4" or "2.3" => "ReasonTooLarge",
            "4.6" => "ReasonLoop",
            "6.7" => "ReasonUtf8",
            _ when status[2..].StartsWith("7.", StringComparison.Ordinal) => "ReasonPolicy",
            _ => "ReasonOther",
        };
    }
}
