namespace Portal.Core.Jobs;

/// <summary>This process instance: the owner of what it claims. Each start is another one (DESIGN §4).</summary>
public sealed class ThisNode
{
    public Guid Id { get; } = Guid.CreateVersion7();
}
