using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Portal.Core.Data;
using Portal.Core.Messages;
using Portal.Core.Trace;
using Portal.Smtp.Server;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Smtp;

/// <summary>A fault of ours reads as "later", never as "never", and no octet of a message is ever run as a command (DESIGN §3).</summary>
public sealed class FaultTests
{
    private const string Smuggled = "RSET\r\nMAIL FROM:<evil@example.org>\r\nRCPT TO:<bob@portal.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nQUIT\r\n";

    public static TheoryData<int> Places => [0, 1, 40_000, 150_000, 300_000];

    [Theory]
    [MemberData(nameof(Places))]
    public async Task A_fault_in_DATA_is_451_and_runs_nothing_of_the_body(int octet)
    {
        var store = new FailingBlobStore(octet);
        await using var server = await StartAsync(store);
        var client = server.Connect();
        await BeginAsync(client);

        await client.SendAsync("DATA\r\n");
        Assert.StartsWith("354", await client.ReadReplyAsync(), StringComparison.Ordinal);
        await client.SendAsync(Body());
        await client.SendAsync(".\r\nNOOP\r\nQUIT\r\n");

        await ExpectNothingRunAsync(server, client, store);
    }

    [Theory]
    [MemberData(nameof(Places))]
    public async Task A_fault_in_BDAT_is_451_and_runs_nothing_of_the_chunk(int octet)
    {
        var store = new FailingBlobStore(octet);
        await using var server = await StartAsync(store);
        var client = server.Connect();
        await BeginAsync(client);

        var body = Body();
        await client.SendAsync($"BDAT {body.Length} LAST\r\n");
        await client.SendAsync(body);
        await client.SendAsync("NOOP\r\nQUIT\r\n");

        await ExpectNothingRunAsync(server, client, store);
    }

    [Fact]
    public async Task A_fault_in_an_early_chunk_leaves_the_later_ones_unrun()
    {
        var store = new FailingBlobStore(0);
        await using var server = await StartAsync(store);
        var client = server.Connect();
        await BeginAsync(client);

        var chunk = Encoding.ASCII.GetBytes(Smuggled);
        for (var i = 0; i < 3; i++)
        {
            await client.SendAsync($"BDAT {chunk.Length}{(i == 2 ? " LAST" : "")}\r\n");
            await client.SendAsync(chunk);
        }

        await client.SendAsync("QUIT\r\n");
        Assert.StartsWith("451 4.3.0", await client.ReadReplyAsync(), StringComparison.Ordinal);
        Assert.StartsWith("503", await client.ReadReplyAsync(), StringComparison.Ordinal);
        Assert.StartsWith("503", await client.ReadReplyAsync(), StringComparison.Ordinal);
        Assert.StartsWith("221", await client.ReadReplyAsync(), StringComparison.Ordinal);
        Assert.True(store.HasFailed);
        Assert.Empty(await server.MessagesAsync("bob@portal.test"));
    }

    [Theory]
    [InlineData(CommitPoint.Begun, false, DatabaseKind.Sqlite)]
    [InlineData(CommitPoint.BeforeCommit, false, DatabaseKind.Sqlite)]
    [InlineData(CommitPoint.AfterCommit, true, DatabaseKind.Sqlite)]
    [InlineData(CommitPoint.Begun, false, DatabaseKind.Postgres)]
    [InlineData(CommitPoint.BeforeCommit, false, DatabaseKind.Postgres)]
    [InlineData(CommitPoint.AfterCommit, true, DatabaseKind.Postgres)]
    public async Task A_commit_that_breaks_is_451_unless_it_is_found_done(object point, bool isStored, DatabaseKind kind)
    {
        await using var server = await SmtpTestServer.StartAsync(kind: kind);
        server.Get<MailWriter>().Fault = (at, _) =>
        {
            if (at == (CommitPoint)point) throw new InvalidOperationException("A fault of the test's.");
        };
        var client = server.Connect();
        await BeginAsync(client);
        await client.AskAsync("DATA");

        var reply = await client.AskAsync("Subject: x\r\n\r\ny\r\n.");

        Assert.StartsWith(isStored ? "250 2.0.0 Queued" : "451 4.3.0", reply, StringComparison.Ordinal);
        Assert.Equal(isStored ? 1 : 0, (await server.MessagesAsync("alice@portal.test")).Count);
        server.Get<MailWriter>().Fault = null;
        Assert.Equal(isStored ? TraceOutcome.Accepted : TraceOutcome.Deferred, Assert.Single(await server.TracesAsync()).Trace.Outcome);
        await BeginAsync(client, isGreeted: true);
        await client.AskAsync("DATA");
        Assert.StartsWith("250 2.0.0 Queued", await client.AskAsync("Subject: x\r\n\r\ny\r\n."), StringComparison.Ordinal);
    }

    [Theory, BothDatabases]
    public async Task A_database_that_is_away_is_451_at_RCPT_and_454_at_AUTH_and_mends_by_itself(DatabaseKind kind)
    {
        var outage = new Outage();
        await using var server = await SmtpTestServer.StartAsync(configure: services => outage.PutIn(services), kind: kind);
        var client = await GreetSubmissionAsync(server);

        outage.IsOn = true;
        Assert.StartsWith("454 4.7.0", await client.AskAsync(SignIn), StringComparison.Ordinal);
        outage.IsOn = false;
        Assert.StartsWith("235", await client.AskAsync(SignIn), StringComparison.Ordinal);
        Assert.StartsWith("250", await client.AskAsync("MAIL FROM:<alice@portal.test>"), StringComparison.Ordinal);
        outage.IsOn = true;
        Assert.StartsWith("451 4.3.0", await client.AskAsync("RCPT TO:<bob@portal.test>"), StringComparison.Ordinal);
        outage.IsOn = false;
        Assert.StartsWith("250", await client.AskAsync("RCPT TO:<bob@portal.test>"), StringComparison.Ordinal);
    }

    [Theory, BothDatabases]
    public async Task An_account_that_cannot_be_looked_at_before_a_chunk_runs_nothing_of_it(DatabaseKind kind)
    {
        var outage = new Outage();
        await using var server = await SmtpTestServer.StartAsync(configure: services => outage.PutIn(services), kind: kind);
        var client = await GreetSubmissionAsync(server);
        await client.AskAsync(SignIn);
        await client.AskAsync("MAIL FROM:<alice@portal.test>");
        await client.AskAsync("RCPT TO:<bob@portal.test>");
        server.Get<ChangeFeed>().Publish(Change.Directory);   // what was cached of the account counts no more
        outage.IsOn = true;

        const string Chunk = "NOOP\r\nNOOP\r\nVRFY alice\r\n";
        await client.SendAsync($"BDAT {Chunk.Length} LAST\r\n{Chunk}QUIT\r\n");

        Assert.StartsWith("451 4.3.0", await client.ReadReplyAsync(), StringComparison.Ordinal);
        Assert.StartsWith("221", await client.ReadReplyAsync(), StringComparison.Ordinal);
    }

    [Theory, BothDatabases]
    public async Task A_client_that_leaves_after_the_final_dot_cancels_nothing(DatabaseKind kind)
    {
        await using var server = await SmtpTestServer.StartAsync(kind: kind);
        using var held = new SemaphoreSlim(0);
        using var reached = new SemaphoreSlim(0);
        server.Get<MailWriter>().Fault = (at, _) =>
        {
            if (at != CommitPoint.Begun) return;
            reached.Release();
            held.Wait();
        };
        var client = server.Connect();
        await BeginAsync(client);
        await client.AskAsync("DATA");
        await client.SendAsync("Subject: x\r\n\r\ny\r\n.\r\n");
        await reached.WaitAsync();

        await client.HangUpAsync();
        client.Abort();
        held.Release();
        await client.Session;

        Assert.Single(await server.MessagesAsync("alice@portal.test"));
    }

    [Theory]
    [InlineData("16030100040b000000")]   // another message than a hello
    [InlineData("16030100050100000100")]   // a hello cut short
    [InlineData("160301002c0100002803030000000000000000000000000000000000000000000000000000000000000000000002130100ff")]   // lengths that lead beyond it
    [InlineData("474554202f20485454502f312e310d0a0d0a")]   // HTTP
    public async Task A_first_word_of_TLS_that_is_none_ends_the_connection_and_nothing_else(string octets)
    {
        await using var server = await SmtpTestServer.StartAsync();
        var client = server.Connect(SmtpListenerKind.Submissions);

        await client.SendAsync(Convert.FromHexString(octets));
        await client.HangUpAsync();

        await client.Session.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
    }

    private static readonly string SignIn = $"AUTH PLAIN {Convert.ToBase64String(Encoding.UTF8.GetBytes($"\0alice@portal.test\0{SmtpTestServer.Password}"))}";

    private static Task<SmtpTestServer> StartAsync(FailingBlobStore store) => SmtpTestServer.StartAsync(
        new Dictionary<string, string?> { ["Portal:Writer:InlineLimitBytes"] = "0" },
        services => services.RemoveAll<IBlobStore>().AddSingleton<IBlobStore>(store));

    private static async Task<SmtpTestClient> GreetSubmissionAsync(SmtpTestServer server)
    {
        var client = server.Connect(Portal.Smtp.Server.SmtpListenerKind.Submissions);
        await client.StartTlsAsync();
        await client.ReadReplyAsync();
        await client.AskAsync("EHLO client.example.org");
        return client;
    }

    private static async Task BeginAsync(SmtpTestClient client, bool isGreeted = false)
    {
        if (!isGreeted) Assert.StartsWith("220", await client.ReadReplyAsync(), StringComparison.Ordinal);
        Assert.StartsWith("250", await client.AskAsync("EHLO client.example.org"), StringComparison.Ordinal);
        Assert.StartsWith("250", await client.AskAsync("MAIL FROM:<carol@example.org>"), StringComparison.Ordinal);
        Assert.StartsWith("250", await client.AskAsync("RCPT TO:<alice@portal.test>"), StringComparison.Ordinal);
    }

    // Lines that do not compress, so that the store sees octets early, with commands all along.
    private static byte[] Body()
    {
        var random = new Random(7);
        var text = new StringBuilder("Subject: x\r\n\r\n");
        var noise = new byte[54];
        for (var line = 0; text.Length < 600_000; line++)
        {
            random.NextBytes(noise);
            text.Append(Convert.ToBase64String(noise)).Append("\r\n");
            if (line % 10 == 0) text.Append(Smuggled);
        }

        return Encoding.ASCII.GetBytes(text.ToString());
    }

    private static async Task ExpectNothingRunAsync(SmtpTestServer server, SmtpTestClient client, FailingBlobStore store)
    {
        Assert.StartsWith("451 4.3.0", await client.ReadReplyAsync(), StringComparison.Ordinal);
        Assert.Equal("250 2.0.0 OK", await client.ReadReplyAsync());   // the NOOP behind the message
        Assert.StartsWith("221", await client.ReadReplyAsync(), StringComparison.Ordinal);
        Assert.Null(await client.ReadReplyAsync());
        Assert.True(store.HasFailed);
        Assert.Empty(await server.MessagesAsync("alice@portal.test"));
        Assert.Empty(await server.MessagesAsync("bob@portal.test"));
        Assert.Equal(TraceOutcome.Deferred, Assert.Single(await server.TracesAsync()).Trace.Outcome);
    }

    /// <summary>A blob store whose disk breaks after so many octets.</summary>
    private sealed class FailingBlobStore(int afterOctets) : IBlobStore
    {
        public int DeleteAbandoned(DateTimeOffset before) => 0;

        public bool HasFailed { get; private set; }

        public BlobWriter Create() => afterOctets > 0 ? new Writer(this, afterOctets) : throw Break();

        public Stream OpenRead(Guid key) => throw new FileNotFoundException();

        public void Delete(Guid key)
        {
        }

        public IEnumerable<(Guid Key, DateTimeOffset StoredAt)> List() => [];

        private IOException Break()
        {
            HasFailed = true;
            return new IOException("No space left on device");
        }

        private sealed class Writer(FailingBlobStore store, int afterOctets) : BlobWriter
        {
            public override Guid Key { get; } = Guid.CreateVersion7();

            public override Stream Stream { get; } = new Breaking(store, afterOctets);

            public override Task CommitAsync(CancellationToken cancel) => throw new InvalidOperationException("Nothing broken is committed.");

            protected override void Dispose(bool disposing)
            {
            }
        }

        private sealed class Breaking(FailingBlobStore store, int afterOctets) : Stream
        {
            private long length;

            public override bool CanRead => false;

            public override bool CanSeek => false;

            public override bool CanWrite => true;

            public override long Length => length;

            public override long Position
            {
                get => length;
                set => throw new NotSupportedException();
            }

            public override void Write(byte[] buffer, int offset, int count)
            {
                if ((length += count) > afterOctets) throw store.Break();
            }

            public override void Flush()
            {
            }

            public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

            public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

            public override void SetLength(long value) => throw new NotSupportedException();
        }
    }
}
