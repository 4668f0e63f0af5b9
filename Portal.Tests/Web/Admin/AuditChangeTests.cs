using Portal.Core.Audit;
using Portal.Core.Permissions;
using Portal.Tests.Fixtures;

namespace Portal.Tests.Web.Admin;

public class AuditChangeTests
{
    [Fact]
    public void Values_stand_side_by_side_and_tell_which_changed()
    {
        var changes = Of(new { name = "Anna", quota = (long?)5, old = true }, new { name = "Anna", quota = (long?)null, added = "x" });

        Assert.Equal([new("name", "Anna", "Anna"), new("quota", "5", null), new("old", "true", null), new("added", null, "x")], changes);
        Assert.Equal(["quota", "old", "added"], changes.Where(c => c.IsChanged).Select(c => c.Name));
    }

    [Fact]
    public void A_single_value_has_no_name_and_an_entry_without_values_has_none()
    {
        Assert.Equal([new(null, "1", "2")], Of(1, 2));
        Assert.Equal([new(null, null, "text")], Of(null, "text"));
        Assert.Empty(Of(null, null));
    }

    private static IReadOnlyList<AuditChange> Of(object? before, object? after) => AuditChange.Of(AuditEntry.Change(Actor.Operator(), TestDatabase.Start, "a.b", "t", before, after));
}
