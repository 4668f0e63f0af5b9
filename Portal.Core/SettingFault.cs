namespace Portal.Core;

/// <summary>
/// A setting that can't be, as a resource key with arguments: validation hands on text only, so both stand in one. The host words it in
/// the language of the shell (<c>HostText</c>).
/// </summary>
public static class SettingFault
{
    private const char Between = '\u001F';

    public static string Of(string key, params IEnumerable<object?> arguments) => string.Join(Between, arguments.Prepend(key));

    /// <summary>Key and arguments; null for text that <see cref="Of"/> did not make.</summary>
    public static (string Key, object[] Arguments)? Read(string failure) =>
        failure.Split(Between) is [var key, _, ..] parts ? (key, [.. parts.Skip(1)]) : null;
}
