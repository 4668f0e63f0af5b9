using System.Net;
using System.Net.Sockets;
using Portal.Core.Addresses;
using Portal.Smtp.Dns;

namespace Portal.Smtp.Authentication.Spf;

/// <summary>check_host() of RFC 7208 §4: whether a domain lets a client send for it.</summary>
internal sealed class SpfEvaluator(IMailDns dns, TimeProvider clock)
{
    /// <summary>RFC 7208 §4.6.4: terms that ask the DNS.</summary>
    private const int MaxTerms = 10;

    /// <summary>RFC 7208 §4.6.4: questions that nothing answers to.</summary>
    private const int MaxVoid = 2;

    /// <summary>RFC 7208 §4.6.4: hosts of one mx; pointers of one ptr.</summary>
    private const int MaxHosts = 10;

    private const int MaxExplanation = 300;

    /// <summary>RFC 7208 §3.4 asks for 450 octets or less.</summary>
    private const int MaxRecord = 4_000;

    /// <summary>Asks. Cancelling throws; a DNS that fails is <see cref="SpfStatus.TempError"/>.</summary>
    public async Task<SpfResult> CheckAsync(SpfQuestion question, CancellationToken cancel)
    {
        if (question.Client.IsIPv4MappedToIPv6) question = question with { Client = question.Client.MapToIPv4() };
        // RFC 7208 §4.3: what is no name of a host has no record.
        if (!IsName(question.Domain)) return new(SpfStatus.None, "no domain name");
        return await new Run(dns, question, clock.GetUtcNow(), cancel).CheckAsync(question.Domain, isIncluded: false);
    }

    private static bool IsName(string domain) =>
        domain.Length is > 0 and <= 253 && domain.Contains('.', StringComparison.Ordinal) && domain.TrimEnd('.').Split('.').All(l => l.Length is > 0 and <= 63);

    /// <summary>One evaluation, with what it has used up.</summary>
    private sealed class Run(IMailDns dns, SpfQuestion question, DateTimeOffset now, CancellationToken cancel)
    {
        private int terms;
        private int voids;
        private string? clientName;

        public async Task<SpfResult> CheckAsync(string domain, bool isIncluded)
        {
            if (!IsName(domain)) return new(SpfStatus.None, $"{domain} is no domain name");   // §4.3, of an included or redirected one too
            var texts = await dns.TextsAsync(domain, cancel);
            if (texts.Status == DnsStatus.Failed) return Failed(domain);
            string[] records = [.. texts.Records.Where(SpfRecord.IsSpf)];
            if (records.Length == 0) return new(SpfStatus.None, texts.Status == DnsStatus.NoSuchName ? $"{domain} does not exist" : $"{domain} publishes no record");
            if (records.Length > 1) return new(SpfStatus.PermError, $"{domain} publishes more than one record");   // §4.5
            if (records[0].Length > MaxRecord) return new(SpfStatus.PermError, $"{domain} publishes a record of more than {MaxRecord} characters");
            if (SpfRecord.TryParse(records[0], out var fault) is not { } record) return new(SpfStatus.PermError, $"{domain} publishes a record that can't be read: {Cut(fault!)}");

            foreach (var directive in record.Directives)
            {
                var (matches, error) = await MatchesAsync(directive, domain);
                if (error is { } broken) return broken;
                if (!matches) continue;
                var result = new SpfResult(directive.Result, $"{Cut(directive.Text)} of {domain}");
                return directive.Result == SpfStatus.Fail && !isIncluded ? result with { Explanation = await ExplainAsync(record.Explanation, domain) } : result;
            }

            if (record.Redirect is not { } redirect) return new(SpfStatus.Neutral, $"nothing of {domain} matches");   // §4.7
            if (TakeTerm() is { } tooMany) return tooMany;
            var target = await NameAsync(redirect, domain);
            var redirected = await CheckAsync(target, isIncluded);
            // §6.1: a redirection to where nothing is, is an error.
            return redirected.Status == SpfStatus.None ? new(SpfStatus.PermError, $"{domain} redirects to {target}, which has no record") : redirected;
        }

        private async Task<(bool Matches, SpfResult? Error)> MatchesAsync(SpfDirective directive, string domain)
        {
            switch (directive.Mechanism)
            {
                case SpfMechanism.All:
                    return (true, null);
                case SpfMechanism.Ip4 or SpfMechanism.Ip6:
                    return (IsWithin(directive.Network!, directive), null);
            }

            if (TakeTerm() is { } tooMany) return (false, tooMany);
            var target = directive.DomainSpec is { } spec ? await NameAsync(spec, domain) : domain;
            return directive.Mechanism switch
            {
                SpfMechanism.Include => await IncludesAsync(target),
                SpfMechanism.A => await HasAddressAsync(target, directive),
                SpfMechanism.Mx => await HasExchangerAsync(target, directive),
                SpfMechanism.Ptr => await HasNameAsync(target),
                _ => await ExistsAsync(target),
            };
        }

        // §5.2
        private async Task<(bool, SpfResult?)> IncludesAsync(string target)
        {
            var included = await CheckAsync(target, isIncluded: true);
            return included.Status switch
            {
                SpfStatus.Pass => (true, null),
                SpfStatus.TempError or SpfStatus.PermError => (false, included),
                SpfStatus.None => (false, new(SpfStatus.PermError, $"{target} is included and has no record")),
                _ => (false, null),
            };
        }

        // §5.3
        private async Task<(bool, SpfResult?)> HasAddressAsync(string target, SpfDirective directive)
        {
            var answer = await AskAsync(target, () => dns.AddressesAsync(target, question.Client.AddressFamily, cancel));
            return answer.Error is { } error ? (false, error) : (answer.Records.Any(a => IsWithin(a, directive)), null);
        }

        // §5.4
        private async Task<(bool, SpfResult?)> HasExchangerAsync(string target, SpfDirective directive)
        {
            var exchangers = await AskAsync(target, () => dns.MailExchangersAsync(target, cancel));
            if (exchangers.Error is { } error) return (false, error);
            if (exchangers.Records.Count > MaxHosts) return (false, new(SpfStatus.PermError, $"{target} has more than {MaxHosts} mail servers"));
            foreach (var exchanger in exchangers.Records.Where(e => e.Host.Length > 0).OrderBy(e => e.Preference))
            {
                var addresses = await dns.AddressesAsync(exchanger.Host, question.Client.AddressFamily, cancel);
                if (addresses.Status == DnsStatus.Failed) return (false, Failed(exchanger.Host));
                if (addresses.Records.Any(a => IsWithin(a, directive))) return (true, null);
            }

            return (false, null);
        }

        // §5.5: a DNS that fails makes it no match, never an error.
        private async Task<(bool, SpfResult?)> HasNameAsync(string target)
        {
            var pointers = await AskAsync(null, () => dns.PointersAsync(question.Client, cancel));
            if (pointers.Error is { } tooMany) return (false, tooMany);
            foreach (var name in pointers.Records.Take(MaxHosts))
                if (IsWithin(name, target) && await PointsBackAsync(name)) return (true, null);
            return (false, null);
        }

        // §5.7: always an IPv4 address, whatever the client's family.
        private async Task<(bool, SpfResult?)> ExistsAsync(string target)
        {
            var answer = await AskAsync(target, () => dns.AddressesAsync(target, AddressFamily.InterNetwork, cancel));
            return answer.Error is { } error ? (false, error) : (answer.Records.Count > 0, null);
        }

        /// <summary>A question of a term: what nothing answers to counts, and too many of them are an error (§4.6.4).</summary>
        /// <param name="name">For the reason; null where a failure is no error.</param>
        private async Task<(IReadOnlyList<T> Records, SpfResult? Error)> AskAsync<T>(string? name, Func<Task<DnsAnswer<T>>> ask)
        {
            var answer = await ask();
            if (answer.Status == DnsStatus.Failed) return ([], name is null ? null : Failed(name));
            if (answer.Records.Count == 0 && ++voids > MaxVoid) return ([], new(SpfStatus.PermError, $"more than {MaxVoid} names that have nothing"));
            return (answer.Records, null);
        }

        private SpfResult? TakeTerm() => ++terms > MaxTerms ? new(SpfStatus.PermError, $"more than {MaxTerms} terms that ask the DNS") : null;

        private bool IsWithin(IPAddress network, SpfDirective directive)
        {
            if (network.AddressFamily != question.Client.AddressFamily) return false;
            var prefix = network.AddressFamily == AddressFamily.InterNetwork ? directive.Bits4 + NetworkRange.V4Bits : directive.Bits6;
            return NetworkRange.Of(network, prefix) == NetworkRange.Of(question.Client, prefix);
        }

        private async ValueTask<string> NameAsync(string spec, string domain) =>
            SpfMacro.ExpandName(spec, question, domain, SpfMacro.AsksForName(spec) ? await ClientNameAsync(domain) : "unknown", now);

        /// <summary>The client's name for %{p}: a validated one, best one of the domain; "unknown" for none (§7.3).</summary>
        private async ValueTask<string> ClientNameAsync(string domain)
        {
            if (clientName is not null) return clientName;
            var pointers = await dns.PointersAsync(question.Client, cancel);
            foreach (var name in pointers.Records.Take(MaxHosts).OrderByDescending(n => n.Equals(domain, StringComparison.OrdinalIgnoreCase)).ThenByDescending(n => IsWithin(n, domain)))
                if (await PointsBackAsync(name)) return clientName = name;
            return clientName = "unknown";
        }

        private async Task<bool> PointsBackAsync(string name) => (await dns.AddressesAsync(name, question.Client.AddressFamily, cancel)).Records.Contains(question.Client);

        private static bool IsWithin(string name, string domain) =>
            name.Equals(domain, StringComparison.OrdinalIgnoreCase) || name.EndsWith("." + domain, StringComparison.OrdinalIgnoreCase);

        /// <summary>What the domain says about its refusal; nothing where anything of it is out of order (§6.2).</summary>
        private async Task<string?> ExplainAsync(string? spec, string domain)
        {
            if (spec is null) return null;
            var answer = await dns.TextsAsync(await NameAsync(spec, domain), cancel);
            if (answer.Records is not [var text] || !SpfMacro.IsMacroString(text, isExplanation: true)) return null;
            var expanded = SpfMacro.Expand(text, question, domain, SpfMacro.AsksForName(text) ? await ClientNameAsync(domain) : "unknown", now);
            return expanded.Length <= MaxExplanation && expanded.All(c => c is >= ' ' and <= '~') ? expanded : null;
        }

        private static SpfResult Failed(string name) => new(SpfStatus.TempError, $"the DNS gave no answer for {name}");

        // A term of a stranger's record is told, not believed.
        private static string Cut(string term) => term.Length <= 80 ? term : term[..80] + "…";
    }
}
