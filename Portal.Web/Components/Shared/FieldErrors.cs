using Portal.Core;

namespace Portal.Web.Components.Shared;

/// <summary>What a form says at its fields: from its own checks and from the service's refusals.</summary>
public sealed class FieldErrors
{
    private readonly Dictionary<string, string> texts = [];

    /// <summary>The text at a field; null when there is nothing to say.</summary>
    public string? this[string field] => texts.GetValueOrDefault(field);

    /// <summary>What belongs to no field; null when there is nothing to say.</summary>
    public string? General => this[""];

    public bool Any => texts.Count > 0;

    public void Clear() => texts.Clear();

    public void Set(string field, string text) => texts[field] = text;

    /// <summary>Puts a refusal at its field, or above the form; null takes it as done.</summary>
    /// <param name="fields">Fields the form has: a refusal of another one stands above the form.</param>
    /// <returns>True when there was none.</returns>
    public bool Take(Outcome outcome, Wording wording, params ReadOnlySpan<string> fields)
    {
        Clear();
        if (outcome.Refusal is not { } refusal) return true;
        texts[refusal is Invalid { Field: { } field } && fields.Contains(field) ? field : ""] = wording.Of(refusal);
        return false;
    }
}
