using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Portal.Core.Audit;

namespace Portal.Tests.Core.Audit;

/// <summary>The audit only grows: nothing in the program changes or removes an entry.</summary>
public partial class AppendOnlyTests
{
    [Fact]
    public void An_entry_can_be_made_but_not_changed() =>
        Assert.All(typeof(AuditEntry).GetProperties(BindingFlags.Public | BindingFlags.Instance), property =>
            Assert.Contains(typeof(IsExternalInit), property.SetMethod!.ReturnParameter.GetRequiredCustomModifiers()));

    [Fact]
    public void No_code_removes_or_rewrites_entries()
    {
        Assert.Matches(Rewriting(), "await db.Audit.Where(e => e.At < x)\n            .ExecuteDeleteAsync(cancel);");
        Assert.Matches(Rewriting(), "db.Audit.RemoveRange(old);");
        Assert.Matches(Rewriting(), "DELETE FROM \"AuditEntry\" WHERE 1");
        Assert.DoesNotMatch(Rewriting(), "db.Audit.Add(entry);\n        await db.SaveChangesAsync(cancel);\n        await db.Folders.ExecuteDeleteAsync(cancel);");

        var files = System.IO.Directory.EnumerateFiles(Root(), "*.cs", SearchOption.AllDirectories)
            .Where(f => !f.Contains("/obj/", StringComparison.Ordinal) && !f.Contains("/bin/", StringComparison.Ordinal) && !f.Contains("/Portal.Tests/", StringComparison.Ordinal) && !f.Contains("/Migrations/", StringComparison.Ordinal))
            .ToList();
        Assert.Contains(files, f => f.EndsWith("AuditService.cs", StringComparison.Ordinal));
        Assert.Empty(files.Where(f => Rewriting().IsMatch(File.ReadAllText(f))));
    }

    private static string Root([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../.."));

    // One statement that begins at the audit set, or raw SQL on its table.
    [GeneratedRegex("""(\.Audit\b|Set<AuditEntry>\(\))[^;]*\.(ExecuteDelete|ExecuteUpdate|Remove|RemoveRange|Update|UpdateRange|Attach)(Async)?\(|(DELETE\s+FROM|UPDATE)\s+\\?"AuditEntry""", RegexOptions.IgnoreCase)]
    private static partial Regex Rewriting();
}
