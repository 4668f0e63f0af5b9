using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Portal.Core.Messages;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Messages;

/// <summary>A database with mailboxes and a running writer.</summary>
internal sealed class WriterBed(TestDatabase database, Guid[] mailboxes) : IAsyncDisposable
{
    public TestDatabase Database => database;

    public Guid[] Mailboxes => mailboxes;

    public MailWriter Writer => database.Get<MailWriter>();

    public static Task<WriterBed> OpenAsync(DatabaseKind kind, params string[] addresses) => OpenAsync(kind, null, addresses);

    public static async Task<WriterBed> OpenAsync(DatabaseKind kind, Action<IServiceCollection>? configure, params string[] addresses)
    {
        var database = await TestDatabase.CreateAsync(kind, configure);
        await database.AddDomainAsync();
        var mailboxes = new List<Guid>();
        foreach (var address in addresses) mailboxes.Add((await database.AddMailboxAsync(address)).MailboxId);
        await database.Get<MailWriter>().StartAsync(CancellationToken.None);
        return new(database, [.. mailboxes]);
    }

    public Task<Acceptance> AcceptAsync(string text, params int[] to) =>
        database.AcceptanceAsync(text, [.. to.Select((m, i) => new LocalDelivery(mailboxes[m], SpecialUse.Inbox, MailFlags.None, i))]);

    public async Task<WriteResult> DeliverAsync(string text, params int[] to) => await Writer.WriteAsync(await AcceptAsync(text, to));

    public async Task<string> ReadTextAsync(long messageId)
    {
        await using var stream = await database.Get<ContentReader>().OpenAsync(messageId, CancellationToken.None);
        using var copy = new MemoryStream();
        await stream!.CopyToAsync(copy);
        return Encoding.Latin1.GetString(copy.ToArray());
    }

    public async ValueTask DisposeAsync()
    {
        await Writer.StopAsync(CancellationToken.None);
        await database.DisposeAsync();
    }
}
