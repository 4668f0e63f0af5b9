using System.CommandLine;
using Portal.Core.Mailboxes;

namespace Portal.Web.Cli;

/// <summary><c>mailbox create</c> and <c>mailbox list</c>.</summary>
internal static class MailboxVerbs
{
    public static Command Create() => new("mailbox", CliText.Say("Mailbox")) { Make() };

    private static Command Make()
    {
        var address = new Argument<string>("ADDRESS") { Description = CliText.Say("MailboxAddress") };
        var quota = new Option<string?>("--quota") { Description = CliText.Say("MailboxQuota") };
        var name = new Option<string?>("--name") { Description = CliText.Say("MailboxName") };
        var password = Input.PasswordOption();
        return Verbs.Verb("create", CliText.Say("MailboxCreate"), async (parsed, host, cancel) =>
        {
            var isGiven = parsed.GetValue(password);
            var wanted = new NewMailbox(parsed.GetRequiredValue(address), parsed.GetValue(name) ?? "", isGiven ? FirstCredential.Given : FirstCredential.Password, isGiven ? await Input.ReadPasswordAsync(cancel) : null)
            {
                QuotaBytes = parsed.GetValue(quota) is { } size ? Input.ParseSize(size) : null,
            };
            var made = (await host.Get<MailboxService>().CreateAsync(CommandHost.Actor, wanted, cancel)).OrRefuse();
            Console.WriteLine(isGiven ? CliText.Say("MailboxCreated", wanted.Address) : CliText.Say("MailboxCreatedPassword", wanted.Address, made.Credential.Password));
        }).With(address, quota, name, password);
    }
}
