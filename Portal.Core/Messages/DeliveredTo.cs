using System.Text;

namespace Portal.Core.Messages;

/// <summary>
/// The Delivered-To field (RFC 9228): it stands on a copy that an address of ours sends outside, in front of Received, and names that
/// address. Where it comes back to the same address it loops, whatever other servers did to its envelope.
/// </summary>
public static class DeliveredTo
{
    /// <summary>The field with its line end; ASCII, so that a copy needs SMTPUTF8 no more than before.</summary>
    /// <param name="address">Folded.</param>
    public static byte[] FieldOf(string address) => Encoding.ASCII.GetBytes($"Delivered-To: {ValueOf(address)}\r\n");

    /// <summary>Whether the address, folded, has sent this message outside before.</summary>
    public static bool Names(MessageHead head, string address)
    {
        if (head.DeliveredTo.Count == 0) return false;
        var value = ValueOf(address);
        return head.DeliveredTo.Any(d => d.AsSpan().Trim("<>").Equals(value, StringComparison.OrdinalIgnoreCase));
    }

    private static string ValueOf(string address) => Ascii.IsValid(address) ? address : Uri.EscapeDataString(address);
}
