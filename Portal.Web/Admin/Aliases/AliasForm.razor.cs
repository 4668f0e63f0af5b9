using Microsoft.AspNetCore.Components;
using Microsoft.Extensions.Localization;
using Portal.Core.Addresses;
using Portal.Core.Domains;
using Portal.Core.Recipients;
using Portal.Web.Components.Shared;
using Portal.Web.Resources;
using Portal.Web.Security;

namespace Portal.Web.Admin.Aliases;

public sealed partial class AliasForm(
    AliasService aliases, CurrentActor actor, PageParts parts, IStringLocalizer<AliasesPage> l, IStringLocalizer<Shell> s)
{
    private static readonly char[] Separators = ['\n', '\r', ',', ';', ' ', '\t'];
    private readonly FieldErrors errors = new();
    private AliasDetail? alias;
    private AliasKind kind = AliasKind.Mailbox;
    private PickedMailbox? mailbox;
    private string localPart = "", targets = "";
    private string? domain, gone;
    private bool isDone;
    private (AliasKind, PickedMailbox?, string, string) opened = (AliasKind.Mailbox, null, "", "");

    private IStringLocalizer<AliasesPage> L => l;

    private IStringLocalizer<Shell> S => s;

    /// <summary>The alias to change; null makes a new one.</summary>
    [Parameter] public Guid? Id { get; set; }

    /// <summary>A new one that takes what no other address of its domain names.</summary>
    [Parameter] public bool IsCatchAll { get; set; }

    /// <summary>Domain a new one starts with.</summary>
    [Parameter] public Guid? DomainId { get; set; }

    [Parameter, EditorRequired] public IReadOnlyList<DomainChoice> Domains { get; set; } = [];

    [Parameter] public EventCallback OnClose { get; set; }

    [Parameter] public EventCallback<AliasDetail> OnDelete { get; set; }

    [Parameter] public EventCallback OnUp { get; set; }

    [Parameter] public EventCallback OnDown { get; set; }

    /// <summary>What stands in the form now.</summary>
    private (AliasKind, PickedMailbox?, string, string) Typed => (kind, mailbox, localPart, targets);

    private bool IsRead => Id is null || alias is not null;

    private string Title => alias?.Address ?? (IsCatchAll ? L["AddCatchAll"] : L["Add"]);

    protected override async Task OnInitializedAsync()
    {
        errors.Require("Mailbox", () => kind != AliasKind.Mailbox || mailbox is not null, L["MailboxMissing"]);
        errors.Require("LocalPart", () => Id is not null || IsCatchAll || !string.IsNullOrWhiteSpace(localPart), L["LocalPartMissing"]);
        errors.Require("Targets", () => kind == AliasKind.Mailbox || !string.IsNullOrWhiteSpace(targets), L["TargetsMissing"]);
        if (Id is not { } id) return;
        var found = await aliases.GetAsync(await actor.GetAsync(), id, CancellationToken.None);
        if (!found.IsDone)
        {
            gone = parts.Wording.Of(found.Refusal);
            return;
        }

        alias = found.Value;
        kind = alias.Mailbox is null ? AliasKind.Forwarder : AliasKind.Mailbox;
        if (alias.Mailbox is { } address) mailbox = new PickedMailbox(alias.Content.MailboxId!.Value, address);
        else targets = string.Join('\n', alias.Targets);
        opened = Typed;
    }

    protected override void OnParametersSet()
    {
        if (domain is null && Domains.Count > 0) domain = (Domains.FirstOrDefault(d => d.Id == DomainId) ?? Domains[0]).Id.ToString();
    }

    private EventCallback Stepper(EventCallback step) => Id is null ? default : step;

    // Deleted, there is nothing left to lose; refused, there is.
    private async Task DeleteAsync(AliasDetail unwanted)
    {
        isDone = true;
        await OnDelete.InvokeAsync(unwanted);
        isDone = false;
    }

    private async Task SaveAsync()
    {
        if (!errors.Check()) return;

        var mailboxId = kind == AliasKind.Mailbox ? mailbox!.Id : (Guid?)null;
        IReadOnlyList<string> list = kind == AliasKind.Mailbox ? [] : targets.Split(Separators, StringSplitOptions.RemoveEmptyEntries);
        if (alias is not null) await ChangeAsync(alias, mailboxId, list);
        else await AddAsync(mailboxId, list);
    }

    private async Task AddAsync(Guid? mailboxId, IReadOnlyList<string> list)
    {
        var content = new AliasContent { DomainId = Guid.TryParse(domain, out var id) ? id : Guid.Empty, LocalPart = IsCatchAll ? "" : localPart, MailboxId = mailboxId, Targets = list };
        var made = await aliases.CreateAsync(await actor.GetAsync(), content, CancellationToken.None);
        if (!errors.Take(made, parts.Wording, "LocalPart", "Domain", "Targets")) return;
        var name = $"{(IsCatchAll ? "*" : localPart.Trim())}@{Domains.FirstOrDefault(d => d.Id == id)?.DisplayName}";
        parts.Notices.Done(L["Added", name], async () => await aliases.DeleteAsync(await actor.GetAsync(), made.Value, CancellationToken.None));
        isDone = true;
        await OnClose.InvokeAsync();
    }

    private async Task ChangeAsync(AliasDetail read, Guid? mailboxId, IReadOnlyList<string> list)
    {
        var wanted = mailboxId is null ? TextOf(list.Select(MailAddress.Fold)) : mailbox!.Address;
        var saved = await parts.Saves.SaveAsync(
            read,
            async over => await aliases.SetTargetAsync(await actor.GetAsync(), over.Id, over.Version, mailboxId, list, CancellationToken.None),
            async () => await aliases.GetAsync(await actor.GetAsync(), read.Id, CancellationToken.None),
            (before, now) => [new(L["LeadsTo"], TextOf(before.Targets), wanted, TextOf(now.Targets))]);
        if (saved.Outcome is { } outcome ? !errors.Take(outcome, parts.Wording, "Targets") : !saved.IsTheirs) return;

        var over = saved.Over;
        if (!saved.IsTheirs)
        {
            parts.Notices.Done(L["Changed", over.Address],
                async () => await aliases.SetTargetAsync(await actor.GetAsync(), over.Id, over.Version + 1, over.Content.MailboxId, over.Content.Targets, CancellationToken.None));
        }

        isDone = true;
        await OnClose.InvokeAsync();
    }

    private string TextOf(IEnumerable<string> addresses) => string.Join(L["ListMark"], addresses.Distinct().Order(StringComparer.Ordinal));
}
