namespace Portal.Web.Components.Shared;

public static class Texts
{
    /// <summary>"a-very-lo…example.org": the middle makes room for both ends.</summary>
    public static string CutMiddle(string text, int max)
    {
        if (text.Length <= max) return text;
        var tail = (max - 1) / 2;
        var head = max - 1 - tail;
        if (char.IsHighSurrogate(text[head - 1])) head--;
        if (char.IsLowSurrogate(text[^tail])) tail--;
        return $"{text[..head]}…{text[^tail..]}";
    }
}
