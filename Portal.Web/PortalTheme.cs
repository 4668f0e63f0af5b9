using MudBlazor;

namespace Portal.Web;

/// <summary>The look of the portal; the only file with colour values. The contrast of every pair is computed by a test.</summary>
public static class PortalTheme
{
    private static readonly string[] Text =
    [
        "system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Source Han Sans SC", "sans-serif",
    ];

    /// <summary>Families for everything else, for documents that stand outside the pages.</summary>
    public static readonly string Sans = string.Join(", ", Text.Select(family => family.Contains(' ', StringComparison.Ordinal) ? $"'{family}'" : family));

    /// <summary>Families for addresses, ids, headers and records.</summary>
    public const string Mono = "ui-monospace, \"Cascadia Mono\", Menlo, Consolas, \"DejaVu Sans Mono\", \"Noto Sans Mono CJK SC\", monospace";

    /// <summary>Grounds of status chips, one for each tone.</summary>
    public static readonly ChipTints LightTints = new(Green: "#E3F3E9", Amber: "#FBEFD9", Red: "#FCE8E6", Blue: "#E1F1F7", Grey: "#EBEEF2");

    public static readonly ChipTints DarkTints = new(Green: "#173626", Amber: "#3B2C10", Red: "#43201E", Blue: "#12313D", Grey: "#2A3340");

    public static readonly PaletteLight Light = new()
    {
        Primary = "#0F5FA8",
        PrimaryContrastText = "#FFFFFF",
        Secondary = "#5B4B9A",
        SecondaryContrastText = "#FFFFFF",
        Tertiary = "#0F6E6E",
        TertiaryContrastText = "#FFFFFF",
        Success = "#1A7340",
        SuccessContrastText = "#FFFFFF",
        Warning = "#8A5300",
        WarningContrastText = "#FFFFFF",
        Error = "#B3261E",
        ErrorContrastText = "#FFFFFF",
        Info = "#0B6B8A",
        InfoContrastText = "#FFFFFF",
        Dark = "#1B2430",
        DarkContrastText = "#FFFFFF",
        Background = "#F6F7F9",
        Surface = "#FFFFFF",
        BackgroundGray = "#EEF1F4",
        TextPrimary = "#1B2430",
        TextSecondary = "#4B5768",
        TextDisabled = "#8994A3",
        ActionDefault = "#4B5768",
        ActionDisabled = "#8994A3",
        ActionDisabledBackground = "#EEF1F4",
        LinesDefault = "#D9DEE5",
        LinesInputs = "#7B8798",
        TableLines = "#D9DEE5",
        TableHover = "#EDF3FA",
        TableStriped = "#F6F7F9",
        Divider = "#D9DEE5",
        DividerLight = "#D9DEE5",
        AppbarBackground = "#FFFFFF",
        AppbarText = "#1B2430",
        DrawerBackground = "#FFFFFF",
        DrawerText = "#1B2430",
        DrawerIcon = "#4B5768",
        Skeleton = "#E3E7EC",
        OverlayDark = "rgba(27,36,48,0.45)",
        OverlayLight = "rgba(255,255,255,0.5)",
    };

    public static readonly PaletteDark Dark = new()
    {
        Primary = "#7DB7F0",
        PrimaryContrastText = "#10151B",
        Secondary = "#B9A9F0",
        SecondaryContrastText = "#10151B",
        Tertiary = "#6FD0CF",
        TertiaryContrastText = "#10151B",
        Success = "#6FCF97",
        SuccessContrastText = "#10151B",
        Warning = "#F2B84B",
        WarningContrastText = "#10151B",
        Error = "#F5938C",
        ErrorContrastText = "#10151B",
        Info = "#6CC6E5",
        InfoContrastText = "#10151B",
        Dark = "#E6EAF0",
        DarkContrastText = "#10151B",
        Background = "#12161C",
        Surface = "#1A2029",
        BackgroundGray = "#212935",
        TextPrimary = "#E6EAF0",
        TextSecondary = "#A9B4C2",
        TextDisabled = "#6B7685",
        ActionDefault = "#A9B4C2",
        ActionDisabled = "#6B7685",
        ActionDisabledBackground = "#212935",
        LinesDefault = "#323C4A",
        LinesInputs = "#7F8B9C",
        TableLines = "#323C4A",
        TableHover = "#232C38",
        TableStriped = "#12161C",
        Divider = "#323C4A",
        DividerLight = "#323C4A",
        AppbarBackground = "#1A2029",
        AppbarText = "#E6EAF0",
        DrawerBackground = "#1A2029",
        DrawerText = "#E6EAF0",
        DrawerIcon = "#A9B4C2",
        Skeleton = "#2A3340",
        OverlayDark = "rgba(0,0,0,0.6)",
        OverlayLight = "rgba(26,32,41,0.5)",
    };

    public static readonly MudTheme Theme = new()
    {
        PaletteLight = Light,
        PaletteDark = Dark,
        LayoutProperties = new LayoutProperties { DefaultBorderRadius = "6px", AppbarHeight = "56px", DrawerWidthLeft = "240px" },
        Typography = new Typography
        {
            Default = new DefaultTypography { FontFamily = Text, FontSize = "14px", LineHeight = "1.5", LetterSpacing = "0" },
            H1 = new H1Typography { FontFamily = Text, FontSize = "22px", FontWeight = "600", LineHeight = "1.3", LetterSpacing = "0" },
            H2 = new H2Typography { FontFamily = Text, FontSize = "16px", FontWeight = "600", LineHeight = "1.4", LetterSpacing = "0" },
            H3 = new H3Typography { FontFamily = Text, FontSize = "14px", FontWeight = "600", LineHeight = "1.5", LetterSpacing = "0" },
            H6 = new H6Typography { FontFamily = Text, FontSize = "16px", FontWeight = "600", LineHeight = "1.4", LetterSpacing = "0" },
            Subtitle1 = new Subtitle1Typography { FontFamily = Text, FontSize = "14px", FontWeight = "600", LetterSpacing = "0" },
            Subtitle2 = new Subtitle2Typography { FontFamily = Text, FontSize = "13px", FontWeight = "600", LetterSpacing = "0" },
            Body1 = new Body1Typography { FontFamily = Text, FontSize = "14px", LineHeight = "1.5", LetterSpacing = "0" },
            Body2 = new Body2Typography { FontFamily = Text, FontSize = "13px", LineHeight = "1.5", LetterSpacing = "0" },
            Button = new ButtonTypography { FontFamily = Text, FontSize = "14px", FontWeight = "500", LineHeight = "1.5", LetterSpacing = "0", TextTransform = "none" },
            Caption = new CaptionTypography { FontFamily = Text, FontSize = "12px", LineHeight = "1.5", LetterSpacing = "0" },
        },
    };

    /// <summary>Style rules that hand the tints and the monospaced families to portal.css.</summary>
    public static string Variables(bool dark)
    {
        var tints = dark ? DarkTints : LightTints;
        return $":root{{color-scheme:{(dark ? "dark" : "light")};--mono:{Mono};--tint-green:{tints.Green};--tint-amber:{tints.Amber};--tint-red:{tints.Red};--tint-blue:{tints.Blue};--tint-grey:{tints.Grey}}}";
    }
}

/// <summary>Ground colours of status chips.</summary>
public sealed record ChipTints(string Green, string Amber, string Red, string Blue, string Grey);
