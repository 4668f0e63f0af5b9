using System.Text;
using Microsoft.EntityFrameworkCore;
using Portal.Core.Messages;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Web.Mail;

/// <summary>Puts messages into mailboxes of a running host, by its own writer.</summary>
internal static class MailPost
{
    public const string TraceField = "Return-Path: <carl@example.org>\r\n";

    /// <summary>Delivers text with line ends of either kind; returns the item.</summary>
    public static Task<long> DeliverAsync(this PortalHost host, Guid mailboxId, string message, SpecialUse folder = SpecialUse.Inbox) =>
        host.DeliverAsync(mailboxId, Encoding.UTF8.GetBytes(message.ReplaceLineEndings("\r\n")), folder);

    public static async Task<long> DeliverAsync(this PortalHost host, Guid mailboxId, byte[] octets, SpecialUse folder = SpecialUse.Inbox)
    {
        using var spool = host.Get<ContentSpoolFactory>().Create();
        await spool.WriteAsync(octets, CancellationToken.None);
        using var content = await spool.CompleteAsync(CancellationToken.None);
        var queueId = Guid.CreateVersion7();
        var result = await host.Get<MailWriter>().WriteAsync(new Acceptance
        {
            QueueId = queueId,
            At = TimeProvider.System.GetUtcNow(),
            Content = content,
            TraceFields = Encoding.ASCII.GetBytes(TraceField),
            Head = MessageHead.Parse(content.Head.Span),
            ReversePath = "carl@example.org",
            Deliveries = [new LocalDelivery(mailboxId, folder, MailFlags.None, -1)],
            Trace = null,
        });
        Assert.Equal(WriteResult.Committed, result);
        return await host.ReadAsync(db => db.Messages.Where(m => m.QueueId == queueId).Join(db.MailItems, m => m.Id, i => i.MessageId, (m, i) => i.Id).SingleAsync());
    }

    /// <summary>A message with text, HTML and one attached file.</summary>
    public static string WithFile(string subject, string fileName, byte[] file, string html = "<p>Look at the <b>file</b>.</p>") => $"""
        From: Carl Cole <carl@example.org>
        To: anna@portal.test
        Subject: {subject}
        Message-ID: <{Guid.NewGuid():N}@example.org>
        MIME-Version: 1.0
        Content-Type: multipart/mixed; boundary=outer

        --outer
        Content-Type: multipart/alternative; boundary=inner

        --inner
        Content-Type: text/plain; charset=utf-8

        Look at the file.
        --inner
        Content-Type: text/html; charset=utf-8

        {html}
        --inner--
        --outer
        Content-Type: application/pdf
        Content-Disposition: attachment; filename="{fileName}"
        Content-Transfer-Encoding: base64

        {Convert.ToBase64String(file, Base64FormattingOptions.InsertLineBreaks)}
        --outer--

        """;
}
