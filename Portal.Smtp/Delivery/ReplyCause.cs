using Portal.Core.Queue;
using Portal.Smtp.Protocol;

namespace Portal.Smtp.Delivery;

/// <summary>Sorts a peer's "later" into the causes that the queue page groups by (RFC 3463 §3).</summary>
internal static class ReplyCause
{
    public static DeferCause Of(PeerReply reply)
    {
        var words = string.Join(' ', reply.Lines);
        // RFC 6647 §5: greylisting has no code of its own, only its words.
        if (words.Contains("greylist", StringComparison.OrdinalIgnoreCase) || words.Contains("graylist", StringComparison.OrdinalIgnoreCase)) return DeferCause.Greylisted;

        var detail = reply.Status is { } status ? status[(status.IndexOf('.', StringComparison.Ordinal) + 1)..] : "";
        return detail switch
        {
            "2.2" => DeferCause.RemoteQuota,
            "7.10" or "7.11" => DeferCause.Tls,
            _ when detail.StartsWith("7.", StringComparison.Ordinal) => DeferCause.RemotePolicy,
            _ when detail.StartsWith("4.", StringComparison.Ordinal) => DeferCause.RemoteFault,
            "" when reply.Code == 452 => DeferCause.RemoteQuota,
            "" when reply.Code == 554 => DeferCause.RemotePolicy,
            _ => DeferCause.RemoteFault,
        };
    }
}
