using System.Text;
using Microsoft.EntityFrameworkCore;
using MimeKit;
using Portal.Core;
using Portal.Core.Messages;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Messages;

public class DraftServiceTests
{
    private const string Original = """
        From: Carl <carl@example.org>
        Reply-To: office@example.org
        To: Anna <anna@portal.test>, dora@example.org
        Cc: bert@portal.test, DORA@example.org
        Subject: Plan
        Message-ID: <2@example.org>
        References: <1@example.org>

        What now?

        """;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory, BothDatabases]
    public async Task A_draft_comes_back_as_it_was_written_wrong_addresses_too(DatabaseKind kind)
    {
        await using var bed = await MailBed.CreateAsync(kind);
        var letter = new Letter { To = ["Dora Dell <dora@example.org>", "not an address"], Bcc = ["bert@portal.test"], Subject = "你好", Text = "line one\n\n中文\n\ttabs  \n" };

        var saved = (await bed.Drafts.SaveAsync(bed.Anna.Actor, letter, Cancel)).Value;
        var again = (await bed.Drafts.OpenAsync(bed.Anna.Actor, saved.DraftId!.Value, Cancel)).Value;

        Assert.Equal(letter.To, again.To);
        Assert.Equal((letter.Bcc[0], letter.Subject, letter.Text, LetterKind.New), (again.Bcc[0], again.Subject, again.Text, again.Kind));
        Assert.IsType<NotFound>((await bed.Drafts.OpenAsync(bed.Bert.Actor, saved.DraftId.Value, Cancel)).Refusal);
        Assert.Equal("AttachmentGone", (await bed.Drafts.SaveAsync(bed.Bert.Actor, letter with { Attachments = [new("x", "a/b", 1, null, saved.DraftId, 0)] }, Cancel)).Refusal!.Key);
    }

    [Theory]
    [InlineData("")]
    [InlineData("no break at the end")]
    [InlineData("one\n")]
    [InlineData("three\n\n\n")]
    [InlineData("\n\nfirst\n\n")]
    [InlineData("From here\n.\n--x\n中文")]
    public async Task The_text_comes_back_to_the_last_line_break_with_and_without_attachment(string text)
    {
        await using var bed = await MailBed.CreateAsync(DatabaseKind.Sqlite);
        var upload = (await bed.Database.Get<UploadStore>().SaveAsync(bed.Anna.Actor, new UploadedFile("a.bin", null), new MemoryStream([1, 2, 3]), 1000, Cancel)).Value;
        foreach (var attachments in new LetterAttachment[][] { [], [upload] })
        {
            var letter = (await bed.Drafts.SaveAsync(bed.Anna.Actor, new Letter { Text = text, Attachments = attachments }, Cancel)).Value;
            for (var i = 0; i < 2; i++)
            {
                letter = (await bed.Drafts.OpenAsync(bed.Anna.Actor, letter.DraftId!.Value, Cancel)).Value;
                Assert.Equal(text, letter.Text);
                letter = (await bed.Drafts.SaveAsync(bed.Anna.Actor, letter, Cancel)).Value;
            }
        }
    }

    [Theory, BothDatabases]
    public async Task Saving_again_replaces_the_draft_and_leaves_nothing_to_recover(DatabaseKind kind)
    {
        await using var bed = await MailBed.CreateAsync(kind);
        var letter = new Letter { Text = "one" };
        for (var i = 0; i < 3; i++) letter = (await bed.Drafts.SaveAsync(bed.Anna.Actor, letter with { Text = $"text {i}" }, Cancel)).Value;

        var row = Assert.Single(await bed.ListAsync(bed.Anna, SpecialUse.Drafts));
        Assert.Equal((letter.DraftId, "text 2", false), (row.Id, row.Preview, row.IsUnread));
        Assert.Empty((await bed.Mail.ListRecoverableAsync(bed.Anna.Actor, null, Cancel)).Value.Rows);
        Assert.Equal(1, await bed.Database.ReadAsync(db => db.MailItems.CountAsync()));
        Assert.Equal(0, await bed.Database.ReadAsync(db => db.Traces.CountAsync()));   // a draft is no mail in motion
    }

    [Theory, BothDatabases]
    public async Task An_upload_goes_into_the_draft_and_survives_further_savings_byte_for_byte(DatabaseKind kind)
    {
        await using var bed = await MailBed.CreateAsync(kind);
        var file = new byte[300_000];
        new Random(3).NextBytes(file);
        var uploads = bed.Database.Get<UploadStore>();
        var upload = (await uploads.SaveAsync(bed.Anna.Actor, new UploadedFile("../报告 1.pdf", "application/pdf"), new MemoryStream(file), 1_000_000, Cancel)).Value;
        Assert.Equal(("报告 1.pdf", 300_000L), (upload.FileName, upload.SizeBytes));

        var letter = (await bed.Drafts.SaveAsync(bed.Anna.Actor, new Letter { Text = "see", Attachments = [upload] }, Cancel)).Value;
        letter = (await bed.Drafts.SaveAsync(bed.Anna.Actor, letter with { Text = "see here" }, Cancel)).Value;
        using var outgoing = (await bed.Drafts.ComposeAsync(bed.Anna.Actor, letter with { To = ["carl@example.org"] }, Cancel)).Value;

        using var mail = (await bed.Mail.OpenAsync(bed.Anna.Actor, letter.DraftId!.Value, Cancel)).Value;
        var copy = new MemoryStream();
        await mail.CopyPartAsync(Assert.Single(mail.Attachments).Number, copy, Cancel);
        Assert.Equal(file, copy.ToArray());
        Assert.IsType<Conflict>((await bed.Drafts.SaveAsync(bed.Anna.Actor, new Letter { Attachments = [upload] }, Cancel)).Refusal);   // used up
    }

    [Theory, BothDatabases]
    public async Task An_upload_of_another_account_or_over_the_limit_is_refused(DatabaseKind kind)
    {
        await using var bed = await MailBed.CreateAsync(kind);
        var uploads = bed.Database.Get<UploadStore>();

        var tooLarge = await uploads.SaveAsync(bed.Anna.Actor, new UploadedFile("a", null), new MemoryStream(new byte[1001]), 1000, Cancel);
        Assert.Equal("AttachmentTooLarge", tooLarge.Refusal!.Key);
        var upload = (await uploads.SaveAsync(bed.Anna.Actor, new UploadedFile("a", null), new MemoryStream(new byte[1000]), 1000, Cancel)).Value;
        Assert.Equal("AttachmentGone", (await bed.Drafts.SaveAsync(bed.Bert.Actor, new Letter { Attachments = [upload] }, Cancel)).Refusal!.Key);
    }

    [Theory, BothDatabases]
    public async Task A_reply_goes_to_Reply_To_and_a_reply_to_all_leaves_out_oneself(DatabaseKind kind)
    {
        await using var bed = await MailBed.CreateAsync(kind);
        var item = await bed.DeliverAsync(bed.Anna, Original);

        var reply = (await bed.Drafts.BeginAsync(bed.Anna.Actor, item, LetterKind.Reply, Cancel)).Value;
        var all = (await bed.Drafts.BeginAsync(bed.Anna.Actor, item, LetterKind.ReplyAll, Cancel)).Value.Letter;

        Assert.Equal(["office@example.org"], reply.Letter.To);
        Assert.Equal(("Re: Plan", "2@example.org"), (reply.Letter.Subject, reply.Letter.InReplyTo));
        Assert.Equal(["1@example.org", "2@example.org"], reply.Letter.References);
        Assert.Equal(("Carl <carl@example.org>", "What now?"), (reply.From, reply.Text.Trim()));
        Assert.Equal(["office@example.org", "dora@example.org"], all.To);
        Assert.Equal(["bert@portal.test"], all.Cc);
    }

    [Theory, BothDatabases]
    public async Task An_answer_to_ones_own_letter_goes_to_those_it_went_to(DatabaseKind kind)
    {
        await using var bed = await MailBed.CreateAsync(kind);
        var item = await bed.DeliverAsync(bed.Anna, "From: anna@portal.test\nTo: dora@example.org\nSubject: RE: x\n\nx\n", SpecialUse.Sent);

        var reply = (await bed.Drafts.BeginAsync(bed.Anna.Actor, item, LetterKind.Reply, Cancel)).Value.Letter;

        Assert.Equal(["dora@example.org"], reply.To);
        Assert.Equal("RE: x", reply.Subject);
    }

    [Theory, BothDatabases]
    public async Task A_forward_carries_the_attachments_unchanged(DatabaseKind kind)
    {
        await using var bed = await MailBed.CreateAsync(kind);
        var item = await bed.DeliverAsync(bed.Anna, "Subject: x\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\nhello\n--x\nContent-Type: application/zip; name=a.zip\nContent-Transfer-Encoding: base64\n\nUEsDBA==\n--x--\n");

        var start = (await bed.Drafts.BeginAsync(bed.Anna.Actor, item, LetterKind.Forward, Cancel)).Value;
        using var outgoing = (await bed.Drafts.ComposeAsync(bed.Anna.Actor, start.Letter with { To = ["Carl <carl@example.org>"], Text = "see below" }, Cancel)).Value;
        using var sent = await MimeMessage.LoadAsync(outgoing.Content, Cancel);

        Assert.Equal("Fwd: x", sent.Subject);
        Assert.Equal("Anna Berg", sent.From.Mailboxes.Single().Name);
        var copy = new MemoryStream();
        await sent.BodyParts.OfType<MimePart>().Single(p => p is not TextPart).Content!.DecodeToAsync(copy, Cancel);
        Assert.Equal("PK\u0003\u0004", Encoding.Latin1.GetString(copy.ToArray()));
        Assert.False(sent.Headers.Contains(LetterComposer.DraftField));
    }

    [Theory, BothDatabases]
    public async Task What_is_sent_has_CRLF_lines_only_and_every_recipient_once(DatabaseKind kind)
    {
        await using var bed = await MailBed.CreateAsync(kind);
        var letter = new Letter { To = ["Carl <carl@example.org>", "CARL@example.org"], Bcc = ["bert@portal.test"], Subject = "a\r\nBcc: x@y.z", Text = "one\rtwo\nthree\r\nFrom four\n.\n" + new string('x', 2000) };

        using var outgoing = (await bed.Drafts.ComposeAsync(bed.Anna.Actor, letter, Cancel)).Value;
        var text = await new StreamReader(outgoing.Content).ReadToEndAsync(Cancel);

        Assert.Equal(["carl@example.org", "bert@portal.test"], outgoing.Recipients.Select(r => r.Folded));
        Assert.Equal("anna@portal.test", outgoing.ReversePath.Folded);
        Assert.DoesNotContain('\n', text.Replace("\r\n", ""));
        Assert.DoesNotContain('\r', text.Replace("\r\n", ""));
        Assert.DoesNotContain("\r\nBcc: x@y.z", text);
        Assert.All(text.Split("\r\n"), line => Assert.True(line.Length <= 998));
    }

    [Theory]
    [InlineData("anna", null)]
    [InlineData("Anna <anna@portal.test", null)]
    [InlineData("anna@portal.test\r\nBcc: x@y.z", null)]
    [InlineData("\"Berg, Anna\" <anna@portal.test>", "Berg, Anna")]
    [InlineData("anna@portal.test", "")]
    public void Addresses_are_read_as_people_type_them(string typed, string? name) => Assert.Equal(name, LetterComposer.ParsePerson(typed)?.Name);

    [Theory, BothDatabases]
    public async Task After_sending_the_draft_is_gone_and_the_original_is_marked(DatabaseKind kind)
    {
        await using var bed = await MailBed.CreateAsync(kind);
        var item = await bed.DeliverAsync(bed.Anna, Original);
        var letter = (await bed.Drafts.SaveAsync(bed.Anna.Actor, (await bed.Drafts.BeginAsync(bed.Anna.Actor, item, LetterKind.Reply, Cancel)).Value.Letter, Cancel)).Value;
        letter = (await bed.Drafts.OpenAsync(bed.Anna.Actor, letter.DraftId!.Value, Cancel)).Value;   // also after a reload

        Assert.True((await bed.Drafts.CompleteAsync(bed.Anna.Actor, letter, Cancel)).IsDone);

        Assert.Empty(await bed.ListAsync(bed.Anna, SpecialUse.Drafts));
        Assert.Equal(MailFlags.Answered, Assert.Single(await bed.ListAsync(bed.Anna, SpecialUse.Inbox)).Flags);
    }

    [Theory, BothDatabases]
    public async Task A_full_mailbox_takes_no_draft_and_says_so(DatabaseKind kind)
    {
        await using var bed = await MailBed.CreateAsync(kind);
        await bed.DeliverAsync(bed.Anna, Original);
        using (await bed.Database.Gate.EnterAsync(Cancel))
            await bed.Database.ReadAsync(db => db.Mailboxes.ExecuteUpdateAsync(m => m.SetProperty(x => x.QuotaOverrideBytes, 10L)));

        Assert.Equal("MailboxFull", (await bed.Drafts.SaveAsync(bed.Anna.Actor, new Letter(), Cancel)).Refusal!.Key);
    }
}
