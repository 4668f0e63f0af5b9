using System.CommandLine;
using Portal.Core.Mailboxes;

namespace Portal.Web.Cli;

/// <summary><c>mailbox create</c> and <c>mailbox list</c>.</summary>
internal static class MailboxVerbs
{
    public static Command Create() => new("mailbox", CliText.Say("Mailbox")) { Make(), List() };

    private static Command Make()
    {
        var address = new Argument<string>("ADDRESS") { Description = CliText.Say("MailboxAddress") };
        var quota = new Option<string?>("--quota") { Description = CliText.Say("MailboxQuota") };
        var name = new Option<string?>("--name") { Description = CliText.Say("MailboxName") };
        var password = Input.PasswordOption();
        var reason = Input.ReasonOption();
        return Verbs.Verb("create", CliText.Say("MailboxCreate"), async (parsed, host, cancel) =>
        {
            var isGiven = parsed.GetValue(password);
            var wanted = new NewMailbox(parsed.GetRequiredValue(address), parsed.GetValue(name) ?? "", isGiven ? FirstCredential.Given : FirstCredential.Password, isGiven ? await Input.ReadPasswordAsync(cancel) : null)
            {
                QuotaBytes = parsed.GetValue(quota) is { } size ? Input.ParseSize(size) : null,
            };
            var made = (await host.Get<MailboxService>().CreateAsync(CommandHost.ActorOf(parsed, reason), wanted, cancel)).OrRefuse();
            Console.WriteLine(isGiven ? CliText.Say("MailboxCreated", wanted.Address) : CliText.Say("MailboxCreatedPassword", wanted.Address, made.Credential.Password));
        }).With(address, quota, name, password, reason);
    }

    private static Command List()
    {
        var json = Output.JsonOption();
        return Verbs.Verb("list", CliText.Say("MailboxList"), async (parsed, host, cancel) =>
        {
            var rows = new List<MailboxRow>();
            while (true)
            {
                var page = (await host.Get<MailboxExport>().ListAsync(CommandHost.Actor, rows.Count == 0 ? Guid.Empty : rows[^1].Id, cancel)).OrRefuse();
                rows.AddRange(page);
                if (page.Count < MailboxExport.PageRows) break;
            }

            await Output.WriteAsync<Row>([.. rows.Select(m => new Row(m.Address, m.Name, m.Kind, m.State, m.UsedBytes, m.QuotaBytes, m.LastSignInAt, m.DeletedAt))], parsed.GetValue(json));
        }).With(json);
    }

    private sealed record Row(string Address, string Name, MailboxKind Kind, MailboxState State, long UsedBytes, long? QuotaBytes, DateTimeOffset? LastSignInAt, DateTimeOffset? DeletedAt);
}
