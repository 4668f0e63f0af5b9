using Portal.Core.Domains;

namespace Portal.Tests.Smtp.Signatures;

public sealed class TagListTests
{
    [Theory]
    [InlineData("a=1", "1")]
    [InlineData("a=1;", "1")]
    [InlineData("a=1; \r\n\t", "1")]
    [InlineData(" \r\n a \t= \r\n 1 ; b_2=x", "1")]
    [InlineData("a=", "")]
    [InlineData("a= ; b=2", "")]
    [InlineData("A=2; a=1", "1")]
    [InlineData("a=x=y:z", "x=y:z")]
    [InlineData("a=1 2\r\n 3", "1 2\r\n 3")]
    [InlineData("a=jürgen", "jürgen")]
    public void A_list_gives_its_values(string text, string value)
    {
        var tags = TagList.Parse(text);
        Assert.Null(tags.Fault);
        Assert.Equal(value, tags["a"]);
        Assert.Null(tags["c"]);
    }

    [Theory]
    [InlineData("", "malformed tag list")]
    [InlineData(";", "malformed tag list")]
    [InlineData("a", "malformed tag list")]
    [InlineData("a=1;;b=2", "malformed tag list")]
    [InlineData("a=1;;", "malformed tag list")]
    [InlineData("=1", "malformed tag list")]
    [InlineData("1a=1", "malformed tag list")]
    [InlineData("a-b=1", "malformed tag list")]
    [InlineData("a b=1", "malformed tag list")]
    [InlineData("a=\u0001", "malformed tag list")]
    [InlineData("a=\u007f", "malformed tag list")]
    [InlineData("a=\u0085", "malformed tag list")]
    [InlineData("a=1; a=1", "tag given twice")]
    [InlineData("a=1; b=2; a =", "tag given twice")]
    public void A_malformed_list_says_why(string text, string fault) => Assert.Equal(fault, TagList.Parse(text).Fault);

    [Fact]
    public void A_list_has_bounds()
    {
        Assert.Equal("too many tags", TagList.Parse(string.Join(';', Enumerable.Range(0, 101).Select(i => $"t{i}=1"))).Fault);
        Assert.Equal("tag list too long", TagList.Parse(new string('a', 70_000)).Fault);
        Assert.Equal("tag list too long", TagList.Parse(new byte[70_000]).Fault);
    }

    [Theory]
    [InlineData("a=x : y\r\n :z::", "x,y,z")]
    [InlineData("a=", "")]
    [InlineData("b=", null)]
    public void Names_are_parted_by_colons(string text, string? names)
    {
        var found = TagList.Parse(text).Names("a");
        Assert.Equal(names, found is null ? null : string.Join(',', found));
    }
}
