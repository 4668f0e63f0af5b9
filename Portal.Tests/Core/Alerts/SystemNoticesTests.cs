using Microsoft.Extensions.Logging.Abstractions;
using Portal.Core.Alerts;

namespace Portal.Tests.Core.Alerts;

public class SystemNoticesTests
{
    [Fact]
    public void A_listener_that_fails_ends_neither_the_watch_nor_the_other_listeners()
    {
        var notices = new SystemNotices(TimeProvider.System, NullLogger<SystemNotices>.Instance);
        var heard = 0;
        notices.Changed += () => throw new InvalidOperationException("a listener's fault");
        notices.Changed += () => heard++;

        notices.Raise("DiskLow", NoticeSeverity.Error);
        notices.Raise("DiskLow", NoticeSeverity.Error);
        Assert.Single(notices.Current);
        notices.Clear("DiskLow");

        Assert.Equal(2, heard);
        Assert.Empty(notices.Current);
    }
}
