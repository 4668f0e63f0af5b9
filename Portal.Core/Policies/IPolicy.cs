using System.Diagnostics.CodeAnalysis;

namespace Portal.Core.Policies;

/// <summary>Rules of the whole system that people change: one row of <see cref="Jobs.Setting"/>, read whole and written whole.</summary>
public interface IPolicy<TSelf>
    where TSelf : IPolicy<TSelf>
{
    /// <summary>Key of its row.</summary>
    [SuppressMessage("Design", "CA1000", Justification = "Each policy has its one row.")]
    static abstract string Key { get; }

    /// <summary>Raised by one with each change; 0 while it is as shipped.</summary>
    int Version { get; set; }

    /// <summary>What is wrong with it; null when it can be kept.</summary>
    Invalid? Fault();

    /// <summary>As it is kept.</summary>
    TSelf Normal();
}
