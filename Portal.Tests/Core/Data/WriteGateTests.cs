using Portal.Core.Data;
using Portal.Core.Domains;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Data;

public class WriteGateTests
{
    [Fact]
    public async Task Turns_come_one_at_a_time_in_the_order_of_asking()
    {
        var gate = new WriteGate(isOpen: false);
        var order = new List<int>();
        var first = await gate.EnterAsync(CancellationToken.None);
        var others = Enumerable.Range(0, 20).Select(i => Follow(i)).ToList();

        first.Dispose();
        await Task.WhenAll(others);

        Assert.Equal(Enumerable.Range(0, 20), order);

        async Task Follow(int number)
        {
            using var turn = await gate.EnterAsync(CancellationToken.None);
            order.Add(number);
            await Task.Yield();
        }
    }

    [Fact]
    public async Task Saving_without_a_turn_is_a_bug_that_shows()
    {
        await using var database = await TestDatabase.CreateAsync(DatabaseKind.Sqlite);
        await using var db = await database.Databases.CreateDbContextAsync();
        db.Domains.Add(new Domain { Name = "portal.test", DisplayName = "portal.test" });

        await Assert.ThrowsAsync<InvalidOperationException>(() => db.SaveChangesAsync());

        using var turn = await database.Gate.EnterAsync(CancellationToken.None);
        Assert.Equal(1, await db.SaveChangesAsync());
    }

    [Fact]
    public async Task A_turn_given_up_while_waiting_is_not_lost()
    {
        var gate = new WriteGate(isOpen: false);
        var first = await gate.EnterAsync(CancellationToken.None);
        using var impatient = new CancellationTokenSource();
        var waiting = gate.EnterAsync(impatient.Token).AsTask();

        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        first.Dispose();

        using var next = await gate.EnterAsync(CancellationToken.None);
    }
}
