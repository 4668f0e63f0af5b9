using System.Text;
using Microsoft.Extensions.Options;
using Portal.Core.Accounts;
using Portal.Core.Addresses;
using Portal.Core.Permissions;
using Portal.Smtp.Protocol;

namespace Portal.Smtp.Server.Commands;

/// <summary>AUTH with PLAIN (RFC 4616) and LOGIN, on submission ports and under TLS only (RFC 4954). Nothing of the exchange is ever logged.</summary>
internal sealed class AuthCommand(AccountAuthenticator authenticator, KnownClients known, IOptions<SmtpOptions> options) : ISmtpCommand
{
    private static readonly SmtpReply AskUserName = new(334, "", "VXNlcm5hbWU6");   // "Username:"
    private static readonly SmtpReply AskPassword = new(334, "", "UGFzc3dvcmQ6");   // "Password:"
    private static readonly SmtpReply AskAll = new(334, "", "");
    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    public string Verb => "AUTH";

    public Needs Needs => Needs.Hello | Needs.NoEnvelope;

    public SmtpReply Fault => SmtpReply.AuthenticationLater;

    public async ValueTask<SmtpReply> HandleAsync(SmtpSession session, string argument, CancellationToken cancel)
    {
        if (!session.Listener.IsSubmission) return SmtpReply.NotAvailable;
        if (!session.IsSecure) return SmtpReply.EncryptionRequired;
        if (session.Account is not null) return SmtpReply.AlreadyAuthenticated;

        var words = argument.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length is 0 or > 2) return SmtpReply.BadArgument;
        var initial = words.Length == 2 ? words[1] : null;
        var exchange = words[0].ToUpperInvariant() switch
        {
            "PLAIN" => await ReadPlainAsync(session, initial),
            "LOGIN" => await ReadLoginAsync(session, initial),
            _ => new Exchange(SmtpReply.UnknownMechanism),
        };
        return exchange.Refusal ?? await VerifyAsync(session, exchange, cancel);
    }

    private async ValueTask<SmtpReply> VerifyAsync(SmtpSession session, Exchange exchange, CancellationToken cancel)
    {
        var result = await authenticator.VerifyAsync(exchange.UserName, exchange.Password, session.Client, Channel.Smtp, cancel);
        session.Account = result.Account;
        if (result.Account is not null) known.Remember(session.Client);
        return result.Kind switch
        {
            AuthenticationKind.Succeeded => SmtpReply.Authenticated,
            AuthenticationKind.Busy => SmtpReply.AuthenticationLater,
            _ => SmtpReply.AuthenticationFailed,   // wrong, unknown, disabled and slowed down read the same
        };
    }

    // RFC 4616 §2: [authzid] NUL authcid NUL passwd.
    private async ValueTask<Exchange> ReadPlainAsync(SmtpSession session, string? initial)
    {
        var response = initial is null ? await AskAsync(session, AskAll) : Decode(initial);
        if (response.Refusal is not null) return new Exchange(response.Refusal);
        var parts = response.Text.Split('\0');
        if (parts.Length != 3 || parts[1].Length == 0) return new Exchange(SmtpReply.BadAuthenticationData);
        var isOther = parts[0].Length > 0 && AccountAuthenticator.FoldLogin(parts[0]) != AccountAuthenticator.FoldLogin(parts[1]);
        return isOther ? new Exchange(SmtpReply.AuthenticationFailed) : new Exchange(null, parts[1], parts[2]);
    }

    private async ValueTask<Exchange> ReadLoginAsync(SmtpSession session, string? initial)
    {
        var name = initial is null ? await AskAsync(session, AskUserName) : Decode(initial);
        if (name.Refusal is not null) return new Exchange(name.Refusal);
        var password = await AskAsync(session, AskPassword);
        return password.Refusal is not null ? new Exchange(password.Refusal) : new Exchange(null, name.Text, password.Text);
    }

    private async ValueTask<Response> AskAsync(SmtpSession session, SmtpReply question)
    {
        await session.ReplyAsync(question);
        if (!await session.Wire.ReadLineAsync(options.Value.MaxAuthenticationOctets)) throw new ConnectionLost();
        if (session.Wire.IsLineTooLong) return new Response(SmtpReply.AuthenticationLineTooLong);
        if (session.Wire.Line.SequenceEqual("*"u8)) return new Response(SmtpReply.AuthenticationCancelled);   // RFC 4954 §4
        return Decode(Encoding.Latin1.GetString(session.Wire.Line));
    }

    private static Response Decode(string base64)
    {
        if (base64 == "=") return new Response(null, "");   // RFC 4954 §4: an empty initial response
        try
        {
            return new Response(null, StrictUtf8.GetString(Convert.FromBase64String(base64)));
        }
        catch (Exception e) when (e is FormatException or DecoderFallbackException)
        {
            return new Response(SmtpReply.BadAuthenticationData);
        }
    }

    private readonly record struct Response(SmtpReply? Refusal, string Text = "");

    private readonly record struct Exchange(SmtpReply? Refusal, string UserName = "", string Password = "");
}
