using System.Text;

namespace Portal.Web.Mail;

/// <summary>Cuts a typed or pasted list of recipients into single ones; commas inside quotes are part of a name.</summary>
internal static class AddressSplit
{
    public static IEnumerable<string> Of(string text)
    {
        var one = new StringBuilder();
        var isQuoted = false;
        foreach (var c in text)
        {
            if (c == '"') isQuoted = !isQuoted;
            if (!isQuoted && c is ',' or ';' or '\n' or '\r' or '\t')
            {
                if (one.ToString().Trim() is { Length: > 0 } done) yield return done;
                one.Clear();
            }
            else if (!char.IsControl(c)) one.Append(c);
        }

        if (one.ToString().Trim() is { Length: > 0 } last) yield return last;
    }
}
