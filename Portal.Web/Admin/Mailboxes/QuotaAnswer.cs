namespace Portal.Web.Admin.Mailboxes;

/// <param name="Bytes">Null for no limit.</param>
public sealed record QuotaAnswer(long? Bytes);
