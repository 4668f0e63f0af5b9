using System.Globalization;
using Portal.Core.Addresses;
using Portal.Core.Domains;

namespace Portal.Web.Admin.Domains;

/// <summary>Where a domain's mail goes on to, as it stands in a form.</summary>
public sealed record OnwardForm
{
    public DomainKind Kind { get; set; }

    public string Host { get; set; } = "";

    public string Port { get; set; } = "25";

    public RouteTls Tls { get; set; }

    public RecipientCheck Check { get; set; }

    /// <summary>A port that is no number is none that there is: its field says so.</summary>
    public Onward Onward => new()
    {
        Kind = Kind,
        Host = string.IsNullOrWhiteSpace(Host) ? null : Host,
        Port = int.TryParse(Port, NumberStyles.None, CultureInfo.InvariantCulture, out var port) ? port : 0,
        Tls = Tls,
        Check = Check,
    };

    public static OnwardForm Of(Onward onward) => new()
    {
        Kind = onward.Kind,
        Host = onward.Host ?? "",
        Port = onward.Port.ToString(CultureInfo.InvariantCulture),
        Tls = onward.Tls,
        Check = onward.Check,
    };
}
