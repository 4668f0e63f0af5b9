namespace Portal.Tests.Fixtures;

/// <summary>Tests that measure a promised time, or take the whole machine, run one after another and beside nothing else.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneCollection
{
    public const string Name = "Alone";
}
