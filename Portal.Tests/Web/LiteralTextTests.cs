using System.Net;
using System.Reflection;
using System.Reflection.Emit;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Rendering;
using Portal.Web;

namespace Portal.Tests.Web;

/// <summary>No page holds text of its own: what the Razor compiler made of each is read, and every literal that would be shown is named.</summary>
public partial class LiteralTextTests
{
    private static readonly HashSet<string> ShownAttributes = new(StringComparer.OrdinalIgnoreCase)
    {
        "Label", "Title", "Text", "Help", "HelperText", "Placeholder", "AriaLabel", "aria-label", "alt", "aria-description", "ErrorText", "RequiredError", "AdornmentText",
    };

    private static readonly Dictionary<short, OpCode> OpCodesByValue =
        typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static).Select(f => (OpCode)f.GetValue(null)!).ToDictionary(o => o.Value);

    [Fact]
    public void Every_text_of_a_page_comes_from_a_resource()
    {
        var found = typeof(PortalTheme).Assembly.GetTypes()
            .Where(t => typeof(IComponent).IsAssignableFrom(t) || (t.DeclaringType is { } outer && typeof(IComponent).IsAssignableFrom(outer)))
            .SelectMany(t => t.GetMethods(BindingFlags.Instance | BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public | BindingFlags.DeclaredOnly).SelectMany(m => Literals(m).Select(text => $"{t.DeclaringType?.Name ?? t.Name}: «{text}»")))
            .Distinct().ToList();

        Assert.True(found.Count == 0, string.Join('\n', found));
    }

    [Fact]
    public void The_reader_sees_text_content_and_attributes()
    {
        var found = Literals(typeof(Sample).GetMethod("BuildRenderTree", BindingFlags.Instance | BindingFlags.NonPublic)!).ToList();

        Assert.Equal(["Hello", "Name of it"], found);
    }

    private static IEnumerable<string> Literals(MethodInfo method)
    {
        if (method.GetMethodBody()?.GetILAsByteArray() is not { } il) yield break;

        string? last = null, beforeLast = null;   // what the two instructions before loaded, when they loaded text
        for (var at = 0; at < il.Length;)
        {
            var code = il[at] == 0xFE ? OpCodesByValue[(short)(0xFE00 | il[at + 1])] : OpCodesByValue[il[at]];
            at += code.Size;
            if ((code == OpCodes.Call || code == OpCodes.Callvirt) && Shown(method.Module, BitConverter.ToInt32(il, at), beforeLast, last) is { } shown) yield return shown;
            beforeLast = last;
            last = code == OpCodes.Ldstr ? method.Module.ResolveString(BitConverter.ToInt32(il, at)) : null;
            at += SizeOf(code, il, at);
        }
    }

    private static string? Shown(Module module, int token, string? beforeLast, string? last)
    {
        if (last is null) return null;

        string name;
        try
        {
            if (module.ResolveMethod(token) is not { } called || called.DeclaringType != typeof(RenderTreeBuilder)) return null;
            name = called.Name;
        }
        catch (ArgumentException)
        {
            return null;   // a generic method of a generic type: not the builder's
        }

        return name switch
        {
            nameof(RenderTreeBuilder.AddContent) => WithLetters(last),
            nameof(RenderTreeBuilder.AddMarkupContent) => WithLetters(Tags().Replace(last, m => string.Join(' ', ShownInMarkup().Matches(m.Value).Select(a => a.Groups["text"].Value)))),
            nameof(RenderTreeBuilder.AddAttribute) or nameof(RenderTreeBuilder.AddComponentParameter) when beforeLast is not null && ShownAttributes.Contains(beforeLast) => WithLetters(last),
            _ => null,
        };
    }

    private static string? WithLetters(string text) => WebUtility.HtmlDecode(text).Trim() is { } plain && plain.Any(char.IsLetter) ? plain : null;

    private static int SizeOf(OpCode code, byte[] il, int at) => code.OperandType switch
    {
        OperandType.InlineNone => 0,
        OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
        OperandType.InlineVar => 2,
        OperandType.InlineI8 or OperandType.InlineR => 8,
        OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(il, at)),
        _ => 4,
    };

    [GeneratedRegex("<style>.*?</style>|<[^>]*>", RegexOptions.Singleline)]
    private static partial Regex Tags();

    [GeneratedRegex("""(?:title|placeholder|aria-label|alt)="(?<text>[^"]*)""")]
    private static partial Regex ShownInMarkup();

    private sealed class Sample : ComponentBase
    {
        protected override void BuildRenderTree(RenderTreeBuilder builder)
        {
            builder.OpenElement(0, "p");
            builder.AddAttribute(1, "class", "not shown");
            builder.AddAttribute(2, "id", Guid.NewGuid().ToString());
            builder.AddMarkupContent(3, "<b>Hello</b>");
            builder.AddAttribute(4, "aria-label", "Name of it");
            builder.CloseElement();
        }
    }
}
