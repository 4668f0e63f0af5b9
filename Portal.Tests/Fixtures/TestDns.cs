using System.Collections.Concurrent;
using System.Net;
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

    private Task AnswerAsync(object sender, QueryReceivedEventArgs e)
    {
        if (e.Query is not DnsMessage { Questions: [var question] } query) return Task.CompletedTask;

        var name = question.Name.ToString().TrimEnd('.');
        asked.Add($"{name} {question.RecordType.ToString().ToUpperInvariant()}");
        var answer = query.CreateResponseInstance();
        answer.IsRecursionAllowed = true;
        if (failures.TryGetValue(name, out var failure))
        {
            answer.ReturnCode = failure;
        }
        else
        {
            var known = records.Where(r => r.Name.Equals(question.Name)).ToList();
            answer.ReturnCode = known.Count > 0 ? ReturnCode.NoError : ReturnCode.NxDomain;
            answer.AnswerRecords.AddRange(known.Where(r => r.RecordType == question.RecordType));
        }

        e.Response = answer;
        return Task.CompletedTask;
    }
}
