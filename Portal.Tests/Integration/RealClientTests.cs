using System.Diagnostics;
using System.Text;
using MailKit.Net.Smtp;
using MailKit.Security;
using Microsoft.EntityFrameworkCore;
using MimeKit;
using Portal.Core.Mailboxes;
using Portal.Core.Messages;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Integration;

/// <summary>The whole host and the programs people send with: MailKit, swaks, Python's smtplib, curl. A missing one is a failure.</summary>
public sealed class RealClientTests : IAsyncLifetime
{
    private const string Alice = "alice@portal.test";
    private const string Password = "correct horse battery";
    private const string Bob = "bob@portal.test";
    private PortalHost portal = null!;

    public async ValueTask InitializeAsync()
    {
        portal = await PortalHost.StartAsync();
        var alice = new NewMailbox(Alice, "Alice", FirstCredential.Given, Password);   // in ASCII: Python's smtplib knows no other
        Assert.True((await portal.Get<MailboxService>().CreateAsync(Actor.Operator(), alice, CancellationToken.None)).IsDone);
        await portal.AddMailboxAsync(Bob);
    }

    public ValueTask DisposeAsync() => portal.DisposeAsync();

    [Fact]
    public async Task MailKit_sends_to_the_MX_port_in_clear_and_under_STARTTLS()
    {
        foreach (var security in new[] { SecureSocketOptions.None, SecureSocketOptions.StartTls })
        {
            using var client = NewClient();
            await client.ConnectAsync("127.0.0.1", portal.SmtpPort, security);
            Assert.True(client.Capabilities.HasFlag(SmtpCapabilities.Pipelining | SmtpCapabilities.Chunking | SmtpCapabilities.Dsn | SmtpCapabilities.UTF8 | SmtpCapabilities.Size));
            Assert.False(client.Capabilities.HasFlag(SmtpCapabilities.Authentication));
            var reply = await client.SendAsync(Letter("carol@example.org", Bob));
            Assert.Contains("Queued as", reply, StringComparison.Ordinal);
            await client.DisconnectAsync(quit: true);
        }

        Assert.Equal(2, await CountAsync(Bob));
    }

    [Theory]
    [InlineData("PLAIN")]
    [InlineData("LOGIN")]
    public async Task MailKit_submits_on_both_submission_ports(string mechanism)
    {
        foreach (var (port, security) in new[] { (portal.SubmissionPort, SecureSocketOptions.StartTls), (portal.SubmissionsPort, SecureSocketOptions.SslOnConnect) })
        {
            using var client = NewClient();
            await client.ConnectAsync("127.0.0.1", port, security);
            client.AuthenticationMechanisms.RemoveWhere(m => m != mechanism);
            await client.AuthenticateAsync(Encoding.UTF8, Alice, Password);
            await client.SendAsync(Letter(Alice, Bob, "dave@elsewhere.example"));
            await client.DisconnectAsync(quit: true);
        }

        Assert.Equal(2, await CountAsync(Bob));
        var relayed = await portal.ReadAsync(db => db.TraceRecipients.AsNoTracking().CountAsync(r => r.Recipient == "dave@elsewhere.example"));
        Assert.Equal(2, relayed);
    }

    [Fact]
    public async Task MailKit_hears_what_is_refused()
    {
        using var client = NewClient();
        await client.ConnectAsync("127.0.0.1", portal.SmtpPort, SecureSocketOptions.None);

        var relay = await Assert.ThrowsAsync<SmtpCommandException>(() => client.SendAsync(Letter("carol@example.org", "dave@elsewhere.example")));
        Assert.Equal(SmtpErrorCode.RecipientNotAccepted, relay.ErrorCode);
        var unknown = await Assert.ThrowsAsync<SmtpCommandException>(() => client.SendAsync(Letter("carol@example.org", "nobody@portal.test")));
        Assert.Equal(550, (int)unknown.StatusCode);
        await client.SendAsync(Letter("carol@example.org", Bob));
        Assert.Equal(1, await CountAsync(Bob));
    }

    [Fact]
    public async Task MailKit_sends_35_MB_and_is_refused_over_the_limit_before_it_uploads()
    {
        using var client = NewClient();
        await client.ConnectAsync("127.0.0.1", portal.SmtpPort, SecureSocketOptions.None);

        await client.SendAsync(WithAttachment(35 * 1024 * 1024 / 4 * 3));
        await Assert.ThrowsAsync<SmtpCommandException>(() => client.SendAsync(WithAttachment(52 * 1024 * 1024 / 4 * 3)));

        Assert.Equal(1, await CountAsync(Bob));
    }

    [Fact]
    public async Task Swaks_submits_under_TLS_of_both_kinds()
    {
        await RunAsync("swaks", "--server", "127.0.0.1", "--port", $"{portal.SubmissionPort}", "--tls", "--auth", "PLAIN", "--auth-user", Alice, "--auth-password", Password, "--from", Alice, "--to", Bob, "--h-From", Alice);
        await RunAsync("swaks", "--server", "127.0.0.1", "--port", $"{portal.SubmissionsPort}", "--tls-on-connect", "--auth", "LOGIN", "--auth-user", Alice, "--auth-password", Password, "--from", Alice, "--to", Bob, "--h-From", Alice);
        await RunAsync("swaks", "--server", "127.0.0.1", "--port", $"{portal.SmtpPort}", "--pipeline", "--from", "carol@example.org", "--to", Bob);

        Assert.Equal(3, await CountAsync(Bob));
    }

    [Fact]
    public async Task Swaks_hears_a_relay_refused()
    {
        var (code, output) = await TryRunAsync("swaks", "--server", "127.0.0.1", "--port", $"{portal.SmtpPort}", "--from", "carol@example.org", "--to", "dave@elsewhere.example");

        Assert.NotEqual(0, code);
        Assert.Contains("550 5.7.1 Relaying denied", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Python_submits_with_smtplib()
    {
        const string script = """
            import smtplib, ssl, sys
            from email.message import EmailMessage
            port, tls_port, mx_port, password = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
            context = ssl._create_unverified_context()
            message = EmailMessage()
            message["From"], message["To"], message["Subject"] = "alice@portal.test", "bob@portal.test", "Grüße 你好"
            message.set_content("Hällo\n.\n..dots\n")
            with smtplib.SMTP("127.0.0.1", port) as client:
                client.starttls(context=context)
                client.login("alice@portal.test", password)
                client.send_message(message)
            with smtplib.SMTP_SSL("127.0.0.1", tls_port, context=context) as client:
                client.login("alice@portal.test", password)
                client.send_message(message)
            with smtplib.SMTP("127.0.0.1", mx_port) as client:
                client.sendmail("carol@example.org", ["bob@portal.test"], "Subject: plain\r\n\r\ntext\r\n")
                try:
                    client.sendmail("carol@example.org", ["nobody@portal.test"], "Subject: x\r\n\r\ny\r\n")
                    sys.exit("an unknown recipient was taken")
                except smtplib.SMTPRecipientsRefused as refused:
                    assert refused.recipients["nobody@portal.test"][0] == 550, refused
            """;

        await RunAsync("python3", "-X", "utf8", "-c", script, $"{portal.SubmissionPort}", $"{portal.SubmissionsPort}", $"{portal.SmtpPort}", Password);

        Assert.Equal(3, await CountAsync(Bob));
    }

    [Fact]
    public async Task Curl_submits()
    {
        var file = Path.Combine(TestFolder.Create(), "mail.eml");
        await File.WriteAllTextAsync(file, "From: alice@portal.test\r\nTo: bob@portal.test\r\nSubject: curl\r\n\r\n.dot\r\n");

        await RunAsync("curl", "--silent", "--show-error", "--insecure", "--ssl-reqd", $"smtp://127.0.0.1:{portal.SubmissionPort}", "--user", $"{Alice}:{Password}", "--mail-from", Alice, "--mail-rcpt", Bob, "--upload-file", file);
        await RunAsync("curl", "--silent", "--show-error", "--insecure", $"smtps://127.0.0.1:{portal.SubmissionsPort}", "--user", $"{Alice}:{Password}", "--mail-from", Alice, "--mail-rcpt", Bob, "--upload-file", file);

        Assert.Equal(2, await CountAsync(Bob));
    }

    private static SmtpClient NewClient() => new()
    {
        ServerCertificateValidationCallback = (_, certificate, _, _) => certificate?.Subject == "CN=mx.portal.test",   // self-signed, but the server's own
        CheckCertificateRevocation = false,
        LocalDomain = "client.example.org",
    };

    private static MimeMessage Letter(string from, params string[] to)
    {
        var message = new MimeMessage { Subject = "Grüße 你好", Body = new TextPart("plain") { Text = "Hello\n.\n..dots\n" } };
        message.From.Add(MailboxAddress.Parse(from));
        message.To.AddRange(to.Select(MailboxAddress.Parse));
        return message;
    }

    private static MimeMessage WithAttachment(int octets)
    {
        var message = Letter("carol@example.org", Bob);
        var builder = new BodyBuilder { TextBody = "See the file." };
        builder.Attachments.Add("large.bin", new byte[octets]);
        message.Body = builder.ToMessageBody();
        return message;
    }

    private Task<int> CountAsync(string address) => portal.ReadAsync(db => (
        from item in db.MailItems
        join mailbox in db.Mailboxes on item.MailboxId equals mailbox.Id
        join folder in db.Folders on item.FolderId equals folder.Id
        where mailbox.PrimaryAddress == address && folder.SpecialUse == SpecialUse.Inbox
        select item).CountAsync());

    internal static async Task RunAsync(string program, params string[] arguments)
    {
        var (code, output) = await TryRunAsync(program, arguments);
        Assert.True(code == 0, $"{program} ended with {code}:\n{output}");
    }

    private static async Task<(int Code, string Output)> TryRunAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        start.Environment["LC_ALL"] = "C.UTF-8";
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} could not be started.");
        process.StandardInput.Close();
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        var output = process.StandardOutput.ReadToEndAsync(patience.Token);
        var errors = process.StandardError.ReadToEndAsync(patience.Token);
        await process.WaitForExitAsync(patience.Token);
        return (process.ExitCode, await output + await errors);
    }
}
