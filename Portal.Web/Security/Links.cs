namespace Portal.Web.Security;

/// <summary>Addresses that leave the portal: in a dialog to copy, on the console.</summary>
public static class Links
{
    /// <summary>Where the owner of a new or reset mailbox chooses a password; relative to the portal's address.</summary>
    public static string FirstPassword(string token) => $"first-password/{token}";
}
