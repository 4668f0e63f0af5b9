using Microsoft.Extensions.Localization;

namespace Portal.Web.Resources;

/// <summary>Names Resources/Shell.resx: the shell, the shared components, and words every page uses (Save, Cancel …).</summary>
public sealed class Shell;

/// <summary>Names Resources/Refusals.resx: the keys of <see cref="Core.Refusal"/>.</summary>
public sealed class Refusals;

/// <summary>Names Resources/Rules.resx: rules of the trace, such as "recipient.unknown".</summary>
public sealed class Rules;

/// <summary>Names Resources/Actions.resx: actions of the audit, such as "mailbox.quota.set".</summary>
public sealed class Actions;

/// <summary>Names Resources/Banners.resx: keys of <see cref="Core.Alerts.SystemNotice"/>.</summary>
public sealed class Banners;

/// <summary>Names Resources/Jobs.resx: large acts carried out in turns (<see cref="Core.Jobs.WorkProgress"/>), and why they left a row alone.</summary>
public sealed class Jobs;

/// <summary>Names Resources/Controls.resx: MudBlazor's own texts, in Chinese.</summary>
public sealed class Controls;

public static class Plurals
{
    /// <summary>The text for a count: <c>key_one</c> for 1, else <c>key_other</c>; hole 0 is the count, the rest follows.</summary>
    public static string Plural(this IStringLocalizer words, string key, long count, params object[] more) =>
        words[count == 1 ? $"{key}_one" : $"{key}_other", [count, .. more]];
}
