using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Portal.Core.Accounts;

/// <summary>A filter and order of a list that a person keeps by name.</summary>
public sealed class SavedView
{
    public long Id { get; init; }

    public Guid AccountId { get; init; }

    /// <summary>Which list, such as "mailboxes".</summary>
    public required string List { get; init; }

    /// <summary>As the person calls it; one of a kind for that person and list.</summary>
    public required string Name { get; init; }

    /// <summary>What stands behind the question mark of the list's address.</summary>
    public required string Query { get; set; }
}

internal sealed class SavedViewConfiguration : IEntityTypeConfiguration<SavedView>
{
    public void Configure(EntityTypeBuilder<SavedView> view)
    {
        view.Property(v => v.List).HasMaxLength(SavedViewService.MaxNameLength);
        view.Property(v => v.Name).HasMaxLength(SavedViewService.MaxNameLength);
        view.Property(v => v.Query).HasMaxLength(SavedViewService.MaxQueryLength);
        view.HasIndex(v => new { v.AccountId, v.List, v.Name }).IsUnique();
        view.HasOne<Account>().WithMany().HasForeignKey(v => v.AccountId).OnDelete(DeleteBehavior.Cascade);
    }
}
