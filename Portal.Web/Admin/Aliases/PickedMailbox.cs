namespace Portal.Web.Admin.Aliases;

/// <summary>A mailbox somebody has chosen.</summary>
public sealed record PickedMailbox(Guid Id, string Address);
