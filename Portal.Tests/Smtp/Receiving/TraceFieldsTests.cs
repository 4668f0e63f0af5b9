using System.Net;
using System.Text;
using Portal.Core.Trace;
using Portal.Smtp.Protocol;
using Portal.Smtp.Receiving;

namespace Portal.Tests.Smtp.Receiving;

/// <summary>RFC 5321 §4.4, RFC 3848, RFC 6531 §4.3.</summary>
public sealed class TraceFieldsTests
{
    private static readonly Guid Id = Guid.Parse("0193e1c0-0000-7000-8000-000000000001");
    private static readonly DateTimeOffset At = new(2026, 11, 24, 9, 0, 0, TimeSpan.Zero);
    private static readonly Origin Mx = new(TraceSource.Mx, IPAddress.Parse("192.0.2.7"), "client.example.org") { IsExtended = true };

    [Fact]
    public void A_message_from_outside()
    {
        Assert.Equal(
            $"Return-Path: <carol@example.org>\r\nReceived: from client.example.org ([192.0.2.7])\r\n\tby mx.portal.test with ESMTP id {Id}\r\n\tfor <alice@portal.test>;\r\n\tTue, 24 Nov 2026 09:00:00 +0000\r\n",
            Write(Mx, "alice@portal.test"));
    }

    [Fact]
    public void Several_recipients_do_not_learn_of_each_other() => Assert.DoesNotContain("for <", Write(Mx, null), StringComparison.Ordinal);

    [Fact]
    public void What_a_client_calls_itself_breaks_no_header() =>
        Assert.Contains("from a?b?c? ([IPv6:2001:db8::1])", Write(new Origin(TraceSource.Mx, IPAddress.Parse("2001:db8::1"), "a(b\nc用"), null), StringComparison.Ordinal);

    [Theory]
    [InlineData(false, false, false, false, "SMTP")]
    [InlineData(true, false, false, false, "ESMTP")]
    [InlineData(true, true, false, false, "ESMTPS")]
    [InlineData(true, true, true, false, "ESMTPSA")]
    [InlineData(true, true, true, true, "UTF8SMTPSA")]
    [InlineData(true, false, false, true, "UTF8SMTP")]
    public void The_protocol_is_named_as_registered(bool isExtended, bool hasTls, bool isAuthenticated, bool isUtf8, string name)
    {
        var origin = Mx with { IsExtended = isExtended, Tls = hasTls ? "TLSv1.3" : null, AccountId = isAuthenticated ? Id : null };

        Assert.Contains($" with {name} id ", Write(origin, null, isUtf8), StringComparison.Ordinal);
    }

    private static string Write(Origin origin, string? recipient, bool isUtf8 = false) =>
        Encoding.UTF8.GetString(TraceFields.Write(origin, new SmtpPath("carol", "example.org"), isUtf8, Id, recipient, "mx.portal.test", At));
}
