using Microsoft.Extensions.Localization;
using MudBlazor;
using Portal.Core.Messages;

namespace Portal.Web.Mail;

/// <summary>What folders are called and look like: those of special use in the reader's language, one's own as named.</summary>
internal static class FolderNames
{
    public static string Of(IStringLocalizer<MailPage> words, MailFolder folder) => folder.SpecialUse == SpecialUse.None ? folder.Name : words[$"Folder_{folder.SpecialUse}"];

    public static string IconOf(MailFolder folder) => folder.SpecialUse switch
    {
        SpecialUse.Inbox => Icons.Material.Outlined.Inbox,
        SpecialUse.Drafts => Icons.Material.Outlined.Drafts,
        SpecialUse.Sent => Icons.Material.Outlined.Send,
        SpecialUse.Junk => Icons.Material.Outlined.Report,
        SpecialUse.Trash => Icons.Material.Outlined.Delete,
        SpecialUse.Archive => Icons.Material.Outlined.Archive,
        _ => Icons.Material.Outlined.Folder,
    };
}
