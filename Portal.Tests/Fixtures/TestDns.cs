using System.Collections.Concurrent;
using System.Net;
using ARSoft.Tools.Net;
using ARSoft.Tools.Net.Dns;
using DomainName = ARSoft.Tools.Net.DomainName;

namespace Portal.Tests.Fixtures;

/// <summary>A name server on a free loopback port that knows what the test tells it; every other name is NXDOMAIN.</summary>
public sealed class TestDns : IDisposable
{
    private readonly DnsServer server;
    private readonly ConcurrentDictionary<string, ReturnCode> failures = new(StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentBag<DnsRecordBase> records = [];
    private readonly ConcurrentBag<string> asked = [];
    private readonly ConcurrentDictionary<string, HeldQuestion> held = new(StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentDictionary<string, DnsRecordBase> lies = new(StringComparer.OrdinalIgnoreCase);

    public TestDns()
    {
        EndPoint = new IPEndPoint(IPAddress.Loopback, FreePort.Take());
        server = new DnsServer(new UdpServerTransport(EndPoint), new TcpServerTransport(EndPoint));
        server.QueryReceived += AnswerAsync;
        server.Start();
    }

    public IPEndPoint EndPoint { get; }

    /// <summary>As Portal:Dns:Servers takes it.</summary>
    public string Setting => EndPoint.ToString();

    /// <summary>Names asked for so far, with their type: "example.org MX".</summary>
    public IReadOnlyCollection<string> Asked => asked;

    public TestDns Mx(string domain, string host, ushort preference = 10) => Add(new MxRecord(DomainName.Parse(domain), 60, preference, DomainName.Parse(host)));

    /// <summary>RFC 7505: the domain takes no mail.</summary>
    public TestDns NullMx(string domain) => Add(new MxRecord(DomainName.Parse(domain), 60, 0, DomainName.Root));

    public TestDns Host(string name, string address = "127.0.0.1") => IPAddress.Parse(address) is var parsed && parsed.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork
        ? Add(new ARecord(DomainName.Parse(name), 60, parsed))
        : Add(new AaaaRecord(DomainName.Parse(name), 60, parsed));

    public TestDns Text(string name, params string[] strings) => Add(new TxtRecord(DomainName.Parse(name), 60, strings));

    public TestDns PointTo(string address, string host) => Add(new PtrRecord(DomainName.Parse(IPAddress.Parse(address).GetReverseLookupAddress()), 60, DomainName.Parse(host)));

    /// <summary>The name is the top of a zone: what is missing below it comes with its SOA.</summary>
    public TestDns Authority(string zone, int negativeSeconds) => Add(new SoaRecord(DomainName.Parse(zone), 3600, DomainName.Parse($"ns.{zone}"), DomainName.Parse($"hostmaster.{zone}"), 1, 3600, 600, 86400, negativeSeconds));

    /// <summary>Answers the name with a record that is not about it.</summary>
    public TestDns Lie(string name, DnsRecordBase record)
    {
        lies[name] = record;
        return this;
    }

    /// <summary>The name's next questions wait until the test lets them go.</summary>
    public HeldQuestion Hold(string name) => held[name] = new HeldQuestion();

    /// <summary>An MX of 127.0.0.1: where a test's own peer listens.</summary>
    public TestDns MailTo(string domain) => Mx(domain, $"mx.{domain}").Host($"mx.{domain}");

    public TestDns Add(DnsRecordBase record)
    {
        records.Add(record);
        return this;
    }

    /// <summary>Every question for the name fails from now on, as a broken server's do.</summary>
    public TestDns Fail(string domain, ReturnCode code = ReturnCode.ServerFailure)
    {
        failures[domain] = code;
        return this;
    }

    public TestDns Mend(string domain)
    {
        failures.TryRemove(domain, out _);
        return this;
    }

    public void Dispose() => server.Stop();

    private async Task AnswerAsync(object sender, QueryReceivedEventArgs e)
    {
        if (e.Query is not DnsMessage { Questions: [var question] } query) return;

        var name = question.Name.ToString().TrimEnd('.');
        asked.Add($"{name} {question.RecordType.ToString().ToUpperInvariant()}");
        if (held.TryGetValue(name, out var wait))
        {
            wait.Asked.TrySetResult();
            await wait.Release.Task;
        }

        var answer = query.CreateResponseInstance();
        answer.IsRecursionAllowed = true;
        if (failures.TryGetValue(name, out var failure))
        {
            answer.ReturnCode = failure;
        }
        else if (lies.TryGetValue(name, out var lie))
        {
            answer.AnswerRecords.Add(lie);
        }
        else
        {
            Answer(answer, question);
        }

        e.Response = answer;
    }

    private void Answer(DnsMessage answer, DnsQuestion question)
    {
        var known = records.Where(r => r.Name.Equals(question.Name)).ToList();
        foreach (var alias in known.OfType<CNameRecord>().ToList())
        {
            answer.AnswerRecords.Add(alias);
            known.AddRange(records.Where(r => r.Name.Equals(alias.CanonicalName)));
        }

        answer.ReturnCode = known.Count > 0 ? ReturnCode.NoError : ReturnCode.NxDomain;
        answer.AnswerRecords.AddRange(known.Where(r => r.RecordType == question.RecordType && r is not CNameRecord));
        if (answer.AnswerRecords.Count == 0) answer.AuthorityRecords.AddRange(records.OfType<SoaRecord>().Where(z => question.Name.IsSubDomainOf(z.Name)));
    }

    /// <summary>A question that the test answers when it likes.</summary>
    public sealed class HeldQuestion
    {
        public TaskCompletionSource Asked { get; } = new();

        public TaskCompletionSource Release { get; } = new();
    }
}
