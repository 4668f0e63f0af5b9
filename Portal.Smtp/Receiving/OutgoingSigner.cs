using System.Runtime.CompilerServices;
using Portal.Core.Addresses;
using Portal.Core.Domains;
using Portal.Core.Messages;
using Portal.Core.Recipients;
using Portal.Core.Trace;
using Portal.Smtp.Signatures;

namespace Portal.Smtp.Receiving;

/// <summary>Signs what our people send, for the domain of its author (RFC 6376 §5), and seals what an address of ours sends on (RFC 8617 §5.1).</summary>
internal sealed class OutgoingSigner(DkimKeys keys, TimeProvider clock)
{
    // Reading a private key is slow: it is ready for as long as the directory's cache holds the key.
    private readonly ConditionalWeakTable<DkimSigningKey, SigningKey> ready = [];

    /// <summary>The signatures of a submitted message, one for each key of its author's domain; none where that has no key that signs, nor the reverse-path's.</summary>
    public async ValueTask<byte[]> SignAsync(Envelope envelope, MessageHead head, SignedMessage message)
    {
        if (message.Body.Relaxed is not { } bodyHash) return [];
        foreach (var domain in DomainsOf(envelope, head))
        {
            var found = await keys.ForAsync(domain, CancellationToken.None);
            if (found.Count == 0) continue;
            envelope.Findings.Add(Told("dkim.signed", domain, found));
            return [.. found.SelectMany(k => DkimSigner.Sign(ReadyOf(k), message.Header, bodyHash, clock.GetUtcNow()))];
        }

        return [];
    }

    /// <summary>The seal of a message that an address of ours sends on, in the name of that address's domain; nothing where none does, or the domain has no key that signs.</summary>
    /// <param name="results">What our Authentication-Results field says.</param>
    /// <param name="received">What the chain was worth when the message came.</param>
    public async ValueTask<byte[]> SealAsync(Envelope envelope, SignedMessage message, string results, ArcResult received)
    {
        if (message.Body.Relaxed is not { } bodyHash || envelope.Recipients.Find(r => r.Resolution.Relays.Count > 0 && r.Resolution.Rule != RecipientRules.Returned) is not { } forwarder) return [];
        var found = await keys.ForAsync(forwarder.Address.Domain.Value, CancellationToken.None);
        if (found.Count == 0) return [];
        var seal = ArcSealer.Seal(ReadyOf(found[0]), message.Header, bodyHash, results, received, clock.GetUtcNow());   // one set a hop; RSA, which everybody can verify, comes first
        if (seal.Length > 0) envelope.Findings.Add(Told("arc.sealed", found[0].Domain, [found[0]]));
        return seal;
    }

    /// <summary>The author's domain first: that is the one readers see, and DMARC asks for (RFC 7489 §3.1.1).</summary>
    private static IEnumerable<string> DomainsOf(Envelope envelope, MessageHead head)
    {
        if (head.FromAddresses is [var author, ..] && MailAddress.TryParse(author, out var address)) yield return address.Domain.Value;
        if (MailAddress.TryParse(envelope.ReversePath.ToString(), out var path)) yield return path.Domain.Value;
    }

    private SigningKey ReadyOf(DkimSigningKey key) => ready.GetValue(key, k => new SigningKey(k.Domain, k.Selector, k.Algorithm, k.PrivateKey));

    private static TraceFact Told(string rule, string domain, IEnumerable<DkimSigningKey> used) =>
        new(rule, new Dictionary<string, string> { ["domain"] = domain, ["selector"] = string.Join(TraceInputs.Separator, used.Select(k => k.Selector)) });
}
