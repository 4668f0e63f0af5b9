using Portal.Smtp.Signatures;

namespace Portal.Smtp.Receiving;

/// <summary>A message as signatures see it: its header as it came, or as it goes out, and the hashes of its body.</summary>
/// <param name="Header">Over octets that live as long as the message is being received.</param>
/// <param name="Body">Complete once the content is.</param>
internal sealed record SignedMessage(HeaderFields Header, BodyDigests Body) : IDisposable
{
    public void Dispose() => Body.Dispose();
}
