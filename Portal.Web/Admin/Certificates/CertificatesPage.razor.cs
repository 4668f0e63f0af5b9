using Microsoft.AspNetCore.Components;
using Portal.Core;
using Portal.Core.Certificates;
using Portal.Web.Components.Shared;
using Portal.Web.Security;

namespace Portal.Web.Admin.Certificates;

/// <summary>What the TLS ports show, how long it lasts, and whether its files could be read.</summary>
public sealed partial class CertificatesPage
{
    private static readonly TimeSpan Pace = TimeSpan.FromSeconds(10);
    private PortalGrid<CertificateRow>? grid;
    private CertificateRow? current;

    [SupplyParameterFromQuery(Name = "certificate")] private string? CertificateKey { get; set; }

    [Inject] private CertificateService Service { get; set; } = null!;

    [Inject] private CurrentActor Actor { get; set; } = null!;

    [Inject] private PageParts Parts { get; set; } = null!;

    [Inject] private TimeProvider Clock { get; set; } = null!;

    protected override async Task OnParametersSetAsync()
    {
        if (CertificateKey != current?.Id) await FindAsync();
    }

    private async Task<Outcome<Page<CertificateRow>>> LoadAsync(GridRequest ask, CancellationToken cancel)
    {
        var rows = await Service.ListAsync(await Actor.GetAsync(cancel), cancel);
        return rows.IsDone ? new Page<CertificateRow>([.. rows.Value.Skip(ask.Skip).Take(ask.Take)], rows.Value.Count, true) : rows.Refusal;
    }

    private async Task FindAsync()
    {
        if (CertificateKey is null) current = null;
        else current = await Service.ListAsync(await Actor.GetAsync(), CancellationToken.None) is { IsDone: true } rows ? rows.Value.FirstOrDefault(r => r.Id == CertificateKey) : null;
    }

    private async Task ReloadAsync()
    {
        await FindAsync();
        await grid!.ReloadAsync();
    }

    private async Task LookAgainAsync()
    {
        Parts.Notices.Show(await Service.LookAgainAsync(await Actor.GetAsync(), CancellationToken.None), L["Looked"]);
        await ReloadAsync();
    }

    private void Open(CertificateRow row) => Parts.Nav.SetQuery(("certificate", row.Id));

    private void Close() => Parts.Nav.SetQuery(("certificate", null));

    private EventCallback Stepper(int by) => current is null ? default : EventCallback.Factory.Create(this, () => grid!.OpenBesideAsync(by));

    private Status StatusOf(CertificateRow row) => Statuses.Of(row, Clock.GetUtcNow());

    private int DaysLeft(CertificateRow row) => Math.Max(0, (int)(row.Facts!.Until - Clock.GetUtcNow()).TotalDays);

    private string NamesOf(CertificateRow row)
    {
        if (row.Facts is not { } facts) return Path.GetFileName(row.File);
        return facts.Names.Count == 1 ? facts.Names[0] : L["NamesAndMore", facts.Names[0], facts.Names.Count - 1];
    }

    /// <summary>What became of the last try to read its files; null for the one that we make. The drawer names the file with its whole path.</summary>
    private string? ReplyTo(CertificateRow row) => row switch
    {
        { Trouble: { } trouble } => L[$"Fault_{trouble.Fault}", Path.GetFileName(trouble.File)].Value,
        { TriedAt: not null } => L["NoFault"].Value,
        _ => null,
    };
}
