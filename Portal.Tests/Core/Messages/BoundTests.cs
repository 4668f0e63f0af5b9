using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using MimeKit;
using Portal.Core.Data;
using Portal.Core.Messages;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Messages;

/// <summary>What a stranger's message may cost us.</summary>
public class BoundTests
{
    [Fact]
    public void Thousands_of_tiny_texts_cost_no_thousands_of_large_buffers_and_only_the_first_are_read_as_text()
    {
        var source = "Content-Type: multipart/mixed; boundary=a\r\n\r\n" + string.Concat(Enumerable.Repeat("--a\r\n\r\nx\r\n", 5_000)) + "--a--\r\n";
        var body = MimeMessage.Load(new MemoryStream(Encoding.ASCII.GetBytes(source))).Body!;
        var before = GC.GetAllocatedBytesForCurrentThread();

        var structure = MailStructure.Of(body);

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 50_000_000);
        Assert.Equal(200, structure.Text!.Count(c => c == 'x'));
        Assert.Equal(4_800, structure.Parts.Count);
    }

    [Fact]
    public void Many_large_texts_are_read_up_to_one_bound_together()
    {
        var large = new string('"', 500_000);
        var source = "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: text/html\r\n\r\n<p>x\r\n" + string.Concat(Enumerable.Repeat($"--a\r\n\r\n{large}\r\n", 24)) + "--a--\r\n";

        var structure = MailStructure.Of(MimeMessage.Load(new MemoryStream(Encoding.ASCII.GetBytes(source))).Body!);

        Assert.True(structure.IsCut);
        Assert.InRange(structure.Text!.Length, 1_900_000, MailText.MaxOctets);
        Assert.InRange(structure.Html!.Length, 1_900_000, 13_000_000);   // a quotation mark is six characters in HTML
    }

    [Fact]
    public async Task At_the_largest_limit_content_comes_back_byte_for_byte_around_it()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Sqlite, services => services.Replace(ServiceDescriptor.Singleton(Options.Create(new MailWriterOptions { InlineLimitBytes = ContentSpool.HeadBytes }))));
        foreach (var size in new[] { ContentSpool.HeadBytes - 1, ContentSpool.HeadBytes, ContentSpool.HeadBytes + 1, 2 * ContentSpool.HeadBytes, (1 << 20) + 1 })
        {
            var octets = new byte[size];
            Random.Shared.NextBytes(octets);
            using var spool = database.Get<ContentSpoolFactory>().Create();
            foreach (var piece in octets.Chunk(10_000)) await spool.WriteAsync(piece, CancellationToken.None);
            using var content = await spool.CompleteAsync(CancellationToken.None);

            Assert.Equal((size, size <= ContentSpool.HeadBytes), ((int)content.RawBytes, content.Inline is not null));
            Assert.Equal(SHA256.HashData(octets), content.Hash);
        }
    }

    [Fact]
    public void No_word_of_a_header_brings_what_a_database_can_not_store()
    {
        var head = MessageHead.Parse("From: =?utf-8?q?a=00b?= <a@example.org>\r\nSubject: =?utf-8?q?c=00d?=\r\nTo: =?utf-8?q?e=00f?= <e@example.org>\r\n\r\n"u8);

        Assert.All([head.From!, head.Subject!, head.To!], text => Assert.DoesNotContain('\0', text));
        Assert.Equal(("a@example.org", "c\uFFFDd"), (head.FromAddresses.Single(), head.Subject));
    }

    [Fact]
    public async Task Below_the_floor_of_the_disk_no_large_content_is_begun()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Sqlite);
        using var spool = database.Get<ContentSpoolFactory>().Create();
        await spool.WriteAsync(new byte[100 * 1024], CancellationToken.None);   // small content stays in memory
        database.Get<IOptions<StorageOptions>>().Value.DiskFloorBytes = long.MaxValue;
        database.Clock.Advance(TimeSpan.FromSeconds(2));

        await Assert.ThrowsAsync<IOException>(async () => await spool.WriteAsync(new byte[100 * 1024], CancellationToken.None));
    }
}
