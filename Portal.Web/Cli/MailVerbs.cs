using System.CommandLine;
using Portal.Core.Messages;

namespace Portal.Web.Cli;

/// <summary><c>mail list</c> and <c>mail show</c>: what a mailbox holds, byte for byte; every reading is audited.</summary>
internal static class MailVerbs
{
    public static Command Create() => new("mail", CliText.Say("Mail")) { List(), Show() };

    private static Command List()
    {
        var address = new Argument<string>("ADDRESS") { Description = CliText.Say("MailboxAddress") };
        var json = Output.JsonOption();
        return Verbs.Verb("list", CliText.Say("MailList"), async (parsed, host, cancel) =>
        {
            var rows = new List<ListedMail>();
            while (true)
            {
                var page = (await host.Get<OperatorMailService>().ListAllAsync(CommandHost.Actor, parsed.GetRequiredValue(address), rows.Count == 0 ? 0 : rows[^1].Id, cancel)).OrRefuse();
                rows.AddRange(page);
                if (page.Count < OperatorMailService.PageRows) break;
            }

            await Output.WriteAsync(rows, parsed.GetValue(json));
        }).With(address, json);
    }

    private static Command Show()
    {
        var address = new Argument<string>("ADDRESS") { Description = CliText.Say("MailboxAddress") };
        var id = new Argument<long>("ID") { Description = CliText.Say("MailId") };
        return Verbs.Verb("show", CliText.Say("MailShow"), async (parsed, host, cancel) =>
        {
            await using var message = (await host.Get<OperatorMailService>().OpenRawAsync(CommandHost.Actor, parsed.GetRequiredValue(address), parsed.GetRequiredValue(id), cancel)).OrRefuse();
            await using var output = Console.OpenStandardOutput();
            await message.CopyToAsync(output, cancel);
        }).With(address, id);
    }
}
