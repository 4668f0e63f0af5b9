using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Portal.Core.Certificates;
using Portal.Smtp.Receiving;

namespace Portal.Smtp.Server;

/// <summary>What all sessions share.</summary>
internal sealed class SmtpServer(
    CommandTable commands, RefusalTrace refusals, ServerCertificates certificates, IOptions<SmtpOptions> options, TimeProvider clock, ILogger<SmtpSession> logger)
{
    public CommandTable Commands { get; } = commands;

    public RefusalTrace Refusals { get; } = refusals;

    public ServerCertificates Certificates { get; } = certificates;

    public SmtpOptions Options { get; } = options.Value;

    public TimeProvider Clock { get; } = clock;

    public ILogger Logger { get; } = logger;
}
