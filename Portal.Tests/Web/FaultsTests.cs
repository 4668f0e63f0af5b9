using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using Portal.Web.Components;

namespace Portal.Tests.Web;

/// <summary>What the log learns of a failed request, and which failures pass by themselves.</summary>
public class FaultsTests
{
    [Theory]
    [InlineData("/setup/aB3-token", "/setup/…")]
    [InlineData("/First-Password/aB3-token", "/First-Password/…")]
    [InlineData("/setup/aB3-token/", "/setup/…/")]
    [InlineData("/setup", "/setup")]
    [InlineData("/mail/5", "/mail/5")]
    [InlineData("/", "/")]
    public void A_token_that_works_once_stays_out_of_the_log(string path, string logged) => Assert.Equal(logged, Faults.Loggable(path));

    [Fact]
    public void A_lost_database_and_a_full_disk_are_seen_however_deep()
    {
        DbException lost = new NpgsqlException("refused");

        Assert.True(Faults.IsStorage(lost));
        Assert.True(Faults.IsStorage(new DbUpdateException("saving", lost)));
        Assert.True(Faults.IsStorage(new InvalidOperationException("likely transient", lost)));
        Assert.True(Faults.IsStorage(new IOException("No space left on device")));
        Assert.False(Faults.IsStorage(new InvalidOperationException("a fault of ours")));
    }
}
