using System.Net;
using System.Text;
using Portal.Core.Lists;
using Portal.Core.Messages;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Core.Lists;

/// <summary>Which entry decides, and which one gives way to it.</summary>
public sealed class ListTableTests
{
    private static readonly Guid Ours = Guid.Parse("00000000-0000-7000-8000-000000000001");
    private static readonly Guid Other = Guid.Parse("00000000-0000-7000-8000-000000000002");
    private static readonly DateTimeOffset Now = TestDatabase.Start;

    [Theory]
    [InlineData("allow a@x.example; refuse x.example", "allow a@x.example", "refuse x.example")]
    [InlineData("refuse a@x.example; allow x.example", "refuse a@x.example", "allow x.example")]
    [InlineData("allow x.example; refuse 192.0.2.0/24", "refuse 192.0.2.0/24", "allow x.example")]   // a name can be forged
    [InlineData("allow a@x.example; quarantine 192.0.2.0/24", "quarantine 192.0.2.0/24", "allow a@x.example")]
    [InlineData("allow a@x.example; refuse 192.0.2.0/24; allow 192.0.2.7/32", "allow a@x.example", "refuse 192.0.2.0/24")]   // the smaller network is let through
    [InlineData("quarantine a@x.example; refuse 192.0.2.0/24", "quarantine a@x.example", "refuse 192.0.2.0/24")]
    [InlineData("refuse a@x.example; allow 192.0.2.0/24", "refuse a@x.example", "allow 192.0.2.0/24")]
    [InlineData("allow mail.x.example; refuse x.example", "refuse x.example", null)]   // a@x.example is not below mail.x.example
    [InlineData("allow 192.0.2.7/32; refuse 192.0.2.0/24", "allow 192.0.2.7/32", "refuse 192.0.2.0/24")]
    [InlineData("quarantine 192.0.2.0/24; refuse 192.0.0.0/16", "quarantine 192.0.2.0/24", "refuse 192.0.0.0/16")]
    [InlineData("refuse b@x.example; refuse y.example; refuse 192.0.3.0/24", null, null)]
    [InlineData("refuse x.example; refuse 192.0.2.0/24", "refuse x.example", null)]   // both say the same
    [InlineData("refuse a@x.example; ours allow x.example", "ours allow x.example", "refuse a@x.example")]   // the recipient's domain knows better
    [InlineData("ours refuse 192.0.2.0/24; allow a@x.example", "ours refuse 192.0.2.0/24", "allow a@x.example")]
    [InlineData("refuse 192.0.2.0/24; ours allow a@x.example", "refuse 192.0.2.0/24", "ours allow a@x.example")]
    [InlineData("refuse 192.0.2.0/24; ours allow 192.0.2.0/24", "ours allow 192.0.2.0/24", "refuse 192.0.2.0/24")]
    [InlineData("other refuse a@x.example", null, null)]
    [InlineData("", null, null)]
    public void The_more_exact_decides_and_the_recipients_domain_before_all(string entries, string? decisive, string? overruled)
    {
        var answer = Table(entries).Find(SenderFacts.OfEnvelope("a@x.example", IPAddress.Parse("192.0.2.7")), Ours, Now);

        Assert.Equal((decisive, overruled), (Text(answer?.Decisive), Text(answer?.Overruled)));
    }

    [Theory]
    [InlineData("allow a@x.example; refuse b@y.example", "refuse b@y.example", "allow a@x.example")]
    [InlineData("allow a@x.example; quarantine b@y.example", "quarantine b@y.example", "allow a@x.example")]
    [InlineData("allow x.example; refuse y.example", "refuse y.example", "allow x.example")]
    [InlineData("allow x.example; refuse b@y.example", "refuse b@y.example", "allow x.example")]
    [InlineData("refuse x.example; allow b@y.example", "allow b@y.example", "refuse x.example")]
    public void Of_envelope_and_From_the_more_exact_decides_and_of_two_alike_the_stricter(string entries, string decisive, string overruled)
    {
        var answer = Table(entries).Find(Facts("a@x.example", "From: B@y.example\r\n"), Ours, Now);

        Assert.Equal((decisive, overruled), (Text(answer?.Decisive), Text(answer?.Overruled)));
    }

    [Theory]
    [InlineData("refuse 2001:db8::/32", "2001:db8:1::7", true)]
    [InlineData("refuse 2001:db8::/32", "2001:db9::7", false)]
    [InlineData("refuse 192.0.2.0/24", "::ffff:192.0.2.9", true)]
    [InlineData("refuse 192.0.2.0/25", "192.0.2.128", false)]
    [InlineData("refuse 2001:db8::1/128", "2001:db8::1", true)]
    [InlineData("allow ::1/64", "192.0.2.9", false)]   // where the addresses of IPv4 lie in IPv6
    public void Networks_of_both_families(string entry, string client, bool isMatched) =>
        Assert.Equal(isMatched, Table(entry).Find(SenderFacts.OfEnvelope("", IPAddress.Parse(client)), null, Now) is not null);

    [Fact]
    public void The_null_reverse_path_and_what_is_no_address_match_nothing()
    {
        var table = Table("refuse x.example; refuse a@x.example");

        Assert.Null(table.Find(Facts("", "From: not an address, <@x.example>\r\n"), Ours, Now));
    }

    [Fact]
    public void What_has_expired_does_not_count()
    {
        var table = new ListTable([new ListedSender(Guid.NewGuid(), ListKind.Refuse, ListMatch.Domain, "x.example", null, Now)]);

        Assert.Null(table.Find(SenderFacts.OfEnvelope("a@x.example", null), Ours, Now));
        Assert.NotNull(table.Find(SenderFacts.OfEnvelope("a@x.example", null), Ours, Now.AddSeconds(-1)));
    }

    [Theory]
    [InlineData("refuse 192.0.2.0/24", false)]
    [InlineData("refuse 192.0.2.0/24; allow b@y.example", false)]   // which no name opens
    [InlineData("refuse 192.0.2.0/24; quarantine b@y.example", true)]
    [InlineData("refuse x.example; quarantine b@y.example", true)]
    [InlineData("refuse x.example; expired allow b@y.example", false)]
    [InlineData("refuse 192.0.2.0/24; allow 192.0.2.7/32", true)]   // the smaller network decides already: nothing is refused
    [InlineData("refuse x.example; allow mail.x.example", true)]
    [InlineData("refuse a@x.example; allow y.example", false)]
    [InlineData("refuse a@x.example; allow b@y.example", false)]   // alike: the stricter wins whatever From says
    [InlineData("refuse a@x.example; ours allow b@y.example", true)]
    [InlineData("refuse a@x.example; other allow b@y.example", false)]
    [InlineData("ours refuse a@x.example; allow b@y.example", false)]
    public void A_refusal_at_RCPT_waits_where_the_From_field_could_still_save_the_message(string entries, bool waits)
    {
        var table = Table(entries);
        var answer = table.Find(SenderFacts.OfEnvelope("a@x.example", IPAddress.Parse("192.0.2.7")), Ours, Now)!;

        Assert.Equal(waits, answer.Decisive.Kind != ListKind.Refuse || table.CouldGiveWay(answer.Decisive, Ours, Now));
    }

    [Theory]
    [InlineData("allow a@x.example", "refuse x.example", true)]
    [InlineData("refuse x.example", "allow a@x.example", false)]
    [InlineData("refuse x.example", "allow deep.x.example", false)]
    [InlineData("refuse 192.0.0.0/16", "allow 192.0.2.0/24", false)]
    [InlineData("ours refuse x.example", "allow a@x.example", true)]
    [InlineData("refuse x.example", "ours quarantine x.example", false)]
    [InlineData("refuse x.example", "allow y.example", null)]
    [InlineData("refuse x.example", "allow notx.example", null)]
    [InlineData("refuse x.example", "refuse a@x.example", null)]
    [InlineData("ours refuse x.example", "other allow x.example", null)]
    [InlineData("refuse x.example", "allow 192.0.2.0/24", null)]   // nobody knows before a message comes
    public void Entries_that_contradict_each_other_are_found_and_one_comes_first(string entry, string other, bool? isFirst)
    {
        var table = Table($"{entry}; {other}");
        var (one, two) = (table.Entries[0], table.Entries[1]);

        Assert.Equal(isFirst is not null, table.Against(one, Now).SequenceEqual([two]));
        Assert.Equal(isFirst is not null, table.Against(two, Now).SequenceEqual([one]));
        Assert.Equal(isFirst is null ? 0 : 1, table.CountAgainst(one, Now));
        if (isFirst is null) return;
        Assert.Equal((isFirst, !isFirst), (ListTable.Order(one, two).IsFirst, ListTable.Order(two, one).IsFirst));
    }

    [Fact]
    public void What_comes_before_in_words_decides_in_fact()
    {
        string[] senders = ["a@x.example", "x.example", "192.0.2.0/24", "192.0.2.7/32"];
        var facts = SenderFacts.OfEnvelope("a@x.example", IPAddress.Parse("192.0.2.7"));
        foreach (var one in senders)
            foreach (var two in senders.Where(s => s != one))
                foreach (var (scope, otherScope) in new[] { ("", ""), ("ours ", ""), ("", "ours ") })
                {
                    var table = Table($"{scope}allow {one}; {otherScope}refuse {two}");
                    var (allow, refuse) = (table.Entries[0], table.Entries[1]);
                    Assert.Equal(ListTable.Order(allow, refuse).IsFirst ? allow : refuse, table.Find(facts, Ours, Now)!.Decisive);
                }
    }

    [Theory]
    [InlineData(" A@X.Example ", ListMatch.Address, "a@x.example")]
    [InlineData("@Bücher.example", ListMatch.Domain, "xn--bcher-kva.example")]
    [InlineData("x.example", ListMatch.Domain, "x.example")]
    [InlineData("192.0.2.77", ListMatch.Network, "192.0.2.77/32")]
    [InlineData("192.0.2.77/24", ListMatch.Network, "192.0.2.0/24")]
    [InlineData("::ffff:192.0.2.0/120", ListMatch.Network, "192.0.2.0/24")]
    [InlineData("2001:DB8::1", ListMatch.Network, "2001:db8::1/128")]
    [InlineData("[2001:db8::]/33", ListMatch.Network, "2001:db8::/33")]
    public void A_sender_is_read_by_its_form(string text, ListMatch match, string pattern)
    {
        Assert.True(ListDraft.TryRead(text, out var read, out var normal));
        Assert.Equal((match, pattern), (read, normal));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a b@x.example")]
    [InlineData("a@")]
    [InlineData("-x.example")]
    [InlineData("192.0.2.0/33")]
    [InlineData("192.0.2.0/-1")]
    [InlineData("10.0.0.0/7")]
    [InlineData("0.0.0.0/0")]
    [InlineData("2000::/3")]
    [InlineData("192.0.2.0/24/24")]
    [InlineData("10.1/16")]
    [InlineData("010.0.0.1")]
    [InlineData("com")]
    public void What_is_no_sender_or_half_the_Internet_is_not_taken(string text) => Assert.False(ListDraft.TryRead(text, out _, out _));

    [Theory]
    [InlineData("From: a@x.example\r\nFrom: b@spam.example\r\n")]
    [InlineData("From: a@x.example, b@spam.example\r\n")]
    [InlineData("From: Friends: a@x.example, b@spam.example;\r\n")]
    public void Any_author_has_it_refused_and_one_of_several_lets_nothing_through(string header)
    {
        Assert.Equal("refuse spam.example", Text(Table("refuse spam.example").Find(Facts("", header), Ours, Now)?.Decisive));
        Assert.Null(Table("allow a@x.example").Find(Facts("", header), Ours, Now));
        Assert.Equal("allow x.example", Text(Table("allow x.example").Find(Facts("c@x.example", header), Ours, Now)?.Decisive));   // by the envelope
    }

    [Fact]
    public void A_From_that_is_not_read_to_its_end_lets_nothing_through()
    {
        var many = "From: " + string.Join(", ", Enumerable.Range(0, 60).Select(i => $"a{i}@x.example")) + "\r\n";
        var fields = string.Concat(Enumerable.Repeat("From: a@x.example\r\n", 20));

        Assert.Equal((51, true), (MessageHead.Parse(Encoding.ASCII.GetBytes(many)).FromAddresses.Count, MessageHead.Parse(Encoding.ASCII.GetBytes(many)).IsFromCut));
        foreach (var header in new[] { many, fields }) Assert.Null(Table("allow x.example").Find(Facts("", header), Ours, Now));
    }

    private static SenderFacts Facts(string reversePath, string header) => SenderFacts.Of(reversePath, MessageHead.Parse(Encoding.ASCII.GetBytes(header + "\r\n")), null);

    private static ListTable Table(string entries) => new([.. entries.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(Entry)]);

    private static ListedSender Entry(string text)
    {
        var words = text.Split(' ');
        DateTimeOffset? end = words[0] == "expired" ? Now : null;
        if (end is not null) words = words[1..];
        Guid? domain = words[0] switch { "ours" => Ours, "other" => Other, _ => null };
        if (domain is not null) words = words[1..];
        Assert.True(ListDraft.TryRead(words[1], out var match, out var pattern));
        return new(Guid.NewGuid(), Enum.Parse<ListKind>(words[0], ignoreCase: true), match, pattern, domain, end);
    }

    private static string? Text(ListedSender? entry) => entry is null ? null : $"{(entry.DomainId == Ours ? "ours " : "")}{entry.Kind.ToString().ToLowerInvariant()} {entry.Pattern}";
}
