// Fills the system that the environment's Portal__ settings name, which must be set up and not running; see bench/stored.sh.
//   seed mailboxes COUNT          u0@example.test and so on
//   seed messages PIECE TOTAL     so many more messages of 5 KB over all mailboxes, up to a total; prints how many there are
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Portal.Core;
using Portal.Core.Data;
using Portal.Core.Trace;
using Portal.Tests.Fixtures;

const int SizeBytes = 5 * 1024;
var configuration = new ConfigurationBuilder().AddInMemoryCollection(ManyMails.Settings).AddEnvironmentVariables().Build();
var services = new ServiceCollection();
services.AddSingleton<IConfiguration>(configuration);
services.AddLogging();
services.AddPortalCore(configuration);
await using var provider = services.BuildServiceProvider();
var parts = provider.GetServices<IHostedService>().Where(p => p is not TraceIndexer).ToList();   // the seed writes the terms itself
foreach (var part in parts) await part.StartAsync(CancellationToken.None);
var mails = new ManyMails(provider);

if (args is ["mailboxes", var boxes])
{
    await mails.AddMailboxesAsync(Enumerable.Range(0, int.Parse(boxes)).Select(i => $"u{i}@example.test"));
}
else if (args is ["messages", var piece, var wanted])
{
    await using var db = await provider.GetRequiredService<IDbContextFactory<PortalDbContext>>().CreateDbContextAsync();
    var mailboxes = await db.Mailboxes.Where(m => m.PrimaryAddress.StartsWith("u")).OrderBy(m => m.PrimaryAddress).Select(m => new { m.Id, m.PrimaryAddress }).ToListAsync();
    var stored = (int)await db.MailboxUses.SumAsync(u => u.Items);
    var total = int.Parse(wanted);
    var count = Math.Min(int.Parse(piece), total - stored);
    if (count > 0) await mails.StoreAsync([.. mailboxes.Select(m => (m.Id, m.PrimaryAddress))], stored, count, total, SizeBytes);
    Console.WriteLine(await db.MailboxUses.SumAsync(u => u.Items));
}

foreach (var part in Enumerable.Reverse(parts)) await part.StopAsync(CancellationToken.None);
