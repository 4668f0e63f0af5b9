using Portal.Core;

namespace Portal.Web.Components.Shared;

/// <summary>What a form says at its fields: from its own checks and from the service's refusals.</summary>
public sealed class FieldErrors
{
    private readonly Dictionary<string, string> texts = [];
    private readonly List<(string Field, Func<string?> Fault)> checks = [];

    /// <summary>The text at a field; null when there is nothing to say.</summary>
    public string? this[string field] => texts.GetValueOrDefault(field);

    /// <summary>What belongs to no field; null when there is nothing to say.</summary>
    public string? General => this[""];

    public bool Any => texts.Count > 0;

    /// <summary>How often saving was stopped; <see cref="FormFault"/> then leads to the first error.</summary>
    public int Stops { get; private set; }

    /// <summary>Forgets what was said; the form begins anew.</summary>
    public void Clear() => texts.Clear();

    /// <summary>What a field is asked when it is left and before saving, and what it says while it is not right.</summary>
    public void Require(string field, Func<bool> isRight, string text) => checks.Add((field, () => isRight() ? null : text));

    /// <summary>The same where the field itself knows its words: null while it is right.</summary>
    public void Require(string field, Func<string?> fault) => checks.Add((field, fault));

    /// <summary>Asks a field that was just left.</summary>
    public void Leave(string field)
    {
        texts.Remove(field);
        Ask(field);
    }

    /// <summary>Asks every field before saving.</summary>
    /// <returns>True when all are right.</returns>
    public bool Check()
    {
        Clear();
        foreach (var field in checks.Select(c => c.Field).Distinct()) Ask(field);
        if (Any) Stops++;
        return !Any;
    }

    /// <summary>Puts a refusal at its field, or above the form; null takes it as done.</summary>
    /// <param name="fields">Fields the form has: a refusal of another one stands above the form.</param>
    /// <returns>True when there was none.</returns>
    public bool Take(Outcome outcome, Wording wording, params ReadOnlySpan<string> fields)
    {
        Clear();
        if (outcome.Refusal is not { } refusal) return true;
        Stops++;
        texts[refusal.Field is { } field && fields.Contains(field) ? field : ""] = wording.Of(refusal);
        return false;
    }

    private void Ask(string field)
    {
        if (checks.Where(c => c.Field == field).Select(c => c.Fault()).FirstOrDefault(f => f is not null) is { } text) texts[field] = text;
    }
}
