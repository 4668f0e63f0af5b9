using System.Text.RegularExpressions;
using Portal.Core.Addresses;
using Portal.Core.Permissions;
using Portal.Core.Queue;
using Portal.Core.Trace;

namespace Portal.Tests.Web.Admin;

/// <summary>What Core and Smtp only name by a key has its words: rules of the trace, actions of the audit, states.</summary>
public partial class MailFlowWordsTests
{
    // Names of the same shape that are no rules: kinds of work, and what no trace row ever gets.
    private static readonly HashSet<string> NoRules = ["queue.act", "queue.bulk"];

    [Fact]
    public void Every_rule_that_decides_about_mail_has_its_sentence()
    {
        var words = Sources.Words(Sources.ResourceOf("Rules")!);
        var rules = Sources.Code.Where(c => !c.Path.StartsWith("Portal.Web", StringComparison.Ordinal))
            .SelectMany(c => Rule().Matches(c.Text).Select(m => m.Groups["key"].Value)).Where(k => !NoRules.Contains(k)).Distinct().ToList();

        Assert.True(rules.Count > 30, "the rules were not found where they were");
        Assert.Empty(rules.Except(words.Keys));
    }

    [Fact]
    public void What_can_be_done_is_said_only_where_a_rule_is()
    {
        var words = Sources.Words(Sources.ResourceOf("Rules")!);

        Assert.All(words.Keys.Where(k => k.EndsWith(".remedy", StringComparison.Ordinal)), k => Assert.Contains(k[..^".remedy".Length], words.Keys));
    }

    [Theory]
    [InlineData("TracePage", "What", typeof(RecipientOutcome))]
    [InlineData("TracePage", "Source", typeof(TraceSource))]
    [InlineData("TracePage", "Event", typeof(TraceEventKind))]
    [InlineData("TracePage", "Filter", typeof(TraceFilter))]
    [InlineData("QueuePage", "State", typeof(QueueState))]
    [InlineData("QueuePage", "Cause", typeof(DeferCause))]
    [InlineData("RoutesPage", "Match", typeof(RouteMatch))]
    [InlineData("RoutesPage", "Tls", typeof(RouteTls))]
    [InlineData("RoutesPage", "Probe", typeof(ProbeStage))]
    [InlineData("AuditPage", "Channel", typeof(Channel))]
    [InlineData("Shell", "Status", typeof(RecipientOutcome))]
    public void Every_member_of_a_state_has_its_word(string resource, string prefix, Type states)
    {
        var words = Sources.Words(Sources.ResourceOf(resource)!);

        Assert.All(Enum.GetNames(states), name => Assert.Contains($"{prefix}_{name}", words.Keys));
    }

    [Fact]
    public void Every_outcome_and_act_has_its_sentence_for_one_and_for_many()
    {
        var trace = Sources.Words(Sources.ResourceOf("TracePage")!);
        var queue = Sources.Words(Sources.ResourceOf("QueuePage")!);

        foreach (var many in new[] { "one", "other" })
        {
            Assert.All(Enum.GetNames<RecipientOutcome>(), name => Assert.Contains($"WhatMany_{name}_{many}", trace.Keys));
            Assert.All(Enum.GetNames<QueueAct>(), name => Assert.True(queue.ContainsKey($"{name}Title_{many}") && queue.ContainsKey($"{name}Done_{many}") && queue.ContainsKey($"{name}Text"), name));
        }
    }

    [GeneratedRegex("""(?<!/// .*)"(?<key>(recipient|message|sender|server|refused|attempt|queue|dsn|session)\.[a-zA-Z]+)" """, RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Rule();
}
