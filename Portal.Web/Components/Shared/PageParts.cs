using Microsoft.AspNetCore.Components;
using MudBlazor;

namespace Portal.Web.Components.Shared;

/// <summary>What nearly every page that acts needs: to tell, to word, to ask, to save, to go.</summary>
public sealed record PageParts(Notices Notices, Wording Wording, IDialogService Dialogs, SaveGuard Saves, NavigationManager Nav);
