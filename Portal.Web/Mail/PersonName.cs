namespace Portal.Web.Mail;

/// <summary>The name in "Name &lt;address&gt;", or the address where there is none; for lists.</summary>
internal static class PersonName
{
    public static string Of(string person)
    {
        var open = person.IndexOf('<', StringComparison.Ordinal);
        var name = open > 0 ? person[..open].Trim().Trim('"').Trim() : "";
        return name.Length > 0 ? name : person.Trim().Trim('<', '>');
    }
}
