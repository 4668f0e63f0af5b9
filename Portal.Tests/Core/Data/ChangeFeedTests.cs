using Microsoft.Extensions.Logging.Abstractions;
using Portal.Core.Data;

namespace Portal.Tests.Core.Data;

public class ChangeFeedTests
{
    [Fact]
    public void A_listener_that_fails_keeps_the_change_neither_from_the_others_nor_from_other_nodes()
    {
        var feed = new ChangeFeed(NullLogger<ChangeFeed>.Instance);
        var (heard, sent) = (0, 0);
        feed.Outbound = (_, _) => sent++;
        using var first = feed.Subscribe((_, _) => heard++);
        using var broken = feed.Subscribe((_, _) => throw new InvalidOperationException("a listener's fault"));
        using var last = feed.Subscribe((_, _) => heard++);

        feed.Publish(Change.Queue);

        Assert.Equal((2, 1), (heard, sent));
    }
}
