namespace Portal.Web.Components.Shared;

/// <summary>The shape of what is being read, for <see cref="Waiting"/>.</summary>
public enum WaitingShape
{
    /// <summary>Rows between lines, as a list or facts have them.</summary>
    Lines,

    /// <summary>Text without a frame of its own.</summary>
    Text,

    /// <summary>The tiles of a dashboard.</summary>
    Tiles,
}
