using System.CommandLine;
using Portal.Core.Domains;
using Portal.Web.Hosting;

namespace Portal.Web.Cli;

/// <summary><c>domain dkim list</c>, <c>domain dkim rotate</c> and <c>domain dkim check</c>.</summary>
internal static class DomainVerbs
{
    public static Command Create() => new("domain", CliText.Say("Domain")) { new Command("dkim", CliText.Say("Dkim")) { List(), Rotate(), Check() } };

    private static Command List()
    {
        var (domain, json) = (DomainArgument(), Output.JsonOption());
        return Verbs.Verb("list", CliText.Say("DkimList"), async (parsed, host, cancel) =>
            await WriteAsync(host, await IdOfAsync(host, parsed.GetRequiredValue(domain), cancel), parsed.GetValue(json), cancel)).With(domain, json);
    }

    private static Command Rotate()
    {
        var (domain, reason) = (DomainArgument(), Input.ReasonOption());
        return Verbs.Verb("rotate", CliText.Say("DkimRotate"), async (parsed, host, cancel) =>
        {
            var id = await IdOfAsync(host, parsed.GetRequiredValue(domain), cancel);
            if ((await host.Get<DkimKeyService>().RotateAsync(CommandHost.ActorOf(parsed, reason), id, cancel)).Refusal is { } refusal) throw CliText.Refused(refusal);
            var set = (await host.Get<DkimKeyService>().ListAsync(CommandHost.Actor, id, cancel)).OrRefuse();
            Console.WriteLine(CliText.Say("DkimRotated"));
            foreach (var key in set.In(DkimKeyState.Waiting)) Console.WriteLine(key.Record.ZoneLine);
        }).With(domain, reason);
    }

    private static Command Check()
    {
        var (domain, json) = (DomainArgument(), Output.JsonOption());
        return Verbs.Verb("check", CliText.Say("DkimCheck"), async (parsed, host, cancel) =>
        {
            var id = await IdOfAsync(host, parsed.GetRequiredValue(domain), cancel);
            if ((await host.Get<DkimKeyService>().CheckAsync(CommandHost.Actor, id, cancel)).Refusal is { } refusal) throw CliText.Refused(refusal);
            await WriteAsync(host, id, parsed.GetValue(json), cancel);
        }).With(domain, json);
    }

    private static Argument<string> DomainArgument() => new("DOMAIN") { Description = CliText.Say("DomainName") };

    private static async Task WriteAsync(CommandHost host, Guid id, bool asJson, CancellationToken cancel)
    {
        var set = (await host.Get<DkimKeyService>().ListAsync(CommandHost.Actor, id, cancel)).OrRefuse();
        await Output.WriteAsync<Row>([.. set.Keys.Select(Row.Of)], asJson);
    }

    private static async Task<Guid> IdOfAsync(CommandHost host, string name, CancellationToken cancel)
    {
        var found = await host.Get<DomainService>().FindAsync(CommandHost.Actor, name, cancel);
        return found.IsDone ? found.Value.Id : throw new StartRefused(CliText.Say("NoDomain", name));
    }

    private sealed record Row(string Selector, SigningAlgorithm Algorithm, DkimKeyState State, string Name, string Value, DateTimeOffset CreatedAt, DateTimeOffset? ActivatedAt, DateTimeOffset? RetireAt, KeyRecordState? LastFound, DateTimeOffset? LastCheckedAt)
    {
        public static Row Of(DkimKeyRow key) => new(key.Selector, key.Algorithm, key.State, key.Record.Name, key.Record.Value, key.CreatedAt, key.ActivatedAt, key.RetireAt, key.LastFound, key.LastCheckedAt);
    }
}
