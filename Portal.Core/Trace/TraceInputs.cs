using System.Globalization;

namespace Portal.Core.Trace;

/// <summary>Names of a decision's inputs that are known beyond where it is made; the words for all of them stand beside the trace's page.</summary>
public static class TraceInputs
{
    public const string ForwardedTo = "forwardedTo";

    /// <summary>The limit that was passed, in bytes.</summary>
    public const string LimitBytes = "limitBytes";

    public const string DeclaredBytes = "declaredBytes";

    /// <summary>The one mailbox that an address led to; what else is told of a mailbox is told of this one.</summary>
    public const string Mailbox = "mailbox";

    /// <summary>How many mailboxes an address led to.</summary>
    public const string Mailboxes = "mailboxes";

    /// <summary>The first of several mailboxes, separated as <see cref="Separator"/> says.</summary>
    public const string LeadsTo = "leadsTo";

    public const string UsedBytes = "usedBytes";

    public const string QuotaBytes = "quotaBytes";

    /// <summary>Since when nothing has been left of the quota.</summary>
    public const string FullSince = "fullSince";

    public const string Separator = ", ";

    /// <summary>Texts, without those that say nothing.</summary>
    public static IReadOnlyDictionary<string, string> Told(params ReadOnlySpan<(string Name, string? Text)> texts)
    {
        var inputs = new Dictionary<string, string>(texts.Length);
        foreach (var (name, text) in texts)
            if (!string.IsNullOrEmpty(text)) inputs[name] = text;
        return inputs;
    }

    public static IReadOnlyDictionary<string, string> Of(params ReadOnlySpan<(string Name, long Figure)> figures)
    {
        var inputs = new Dictionary<string, string>(figures.Length);
        foreach (var (name, figure) in figures) inputs[name] = figure.ToString(CultureInfo.InvariantCulture);
        return inputs;
    }
}
