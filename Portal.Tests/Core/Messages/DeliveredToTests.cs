using System.Text;
using Portal.Core.Messages;

namespace Portal.Tests.Core.Messages;

public sealed class DeliveredToTests
{
    [Theory]
    [InlineData("team@portal.test", "Delivered-To: team@portal.test\r\n")]
    [InlineData("\"two words\"@portal.test", "Delivered-To: \"two words\"@portal.test\r\n")]
    [InlineData("büro@portal.test", "Delivered-To: b%C3%BCro%40portal.test\r\n")]
    public void An_address_finds_its_own_field_again(string address, string field)
    {
        Assert.Equal(field, Encoding.UTF8.GetString(DeliveredTo.FieldOf(address)));

        Assert.True(DeliveredTo.Names(Head(field), address));
        Assert.False(DeliveredTo.Names(Head(field), "steam@portal.test"));
    }

    [Theory]
    [InlineData("delivered-to:TEAM@Portal.Test\r\n")]
    [InlineData("Delivered-To: <team@portal.test>\r\n")]
    [InlineData("Delivered-To:\r\n team@portal.test\r\n")]
    [InlineData("Delivered-To: friend@example.net\r\nReceived: x\r\nDelivered-To: team@portal.test\r\n")]
    public void However_other_servers_wrote_it_it_is_found(string header) => Assert.True(DeliveredTo.Names(Head(header), "team@portal.test"));

    [Theory]
    [InlineData("")]
    [InlineData("Delivered-To: team@portal.test.example\r\n")]
    [InlineData("X-Delivered-To: team@portal.test\r\n")]
    [InlineData("Subject: x\r\n\r\nDelivered-To: team@portal.test\r\n")]
    public void What_only_looks_like_it_is_not(string header) => Assert.False(DeliveredTo.Names(Head(header), "team@portal.test"));

    [Fact]
    public void Of_a_flood_of_fields_the_newest_are_read()
    {
        var head = Head("Delivered-To: team@portal.test\r\n" + string.Concat(Enumerable.Range(0, 1000).Select(i => $"Delivered-To: f{i}@example.net\r\n")));

        Assert.True(DeliveredTo.Names(head, "team@portal.test"));
        Assert.Equal(100, head.DeliveredTo.Count);
    }

    private static MessageHead Head(string header) => MessageHead.Parse(Encoding.UTF8.GetBytes(header + "\r\n"));
}
