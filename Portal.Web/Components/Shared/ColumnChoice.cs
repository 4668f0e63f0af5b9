namespace Portal.Web.Components.Shared;

/// <summary>A column that a person may leave out of a list.</summary>
public sealed record ColumnChoice(string Name, string Title, bool IsShown);
