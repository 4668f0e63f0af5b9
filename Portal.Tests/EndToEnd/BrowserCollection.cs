namespace Portal.Tests.EndToEnd;

/// <summary>Tests on a real screen run one after another and beside nothing else: several browsers on two cores only measure each other.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class BrowserCollection
{
    public const string Name = "Browser";
}
