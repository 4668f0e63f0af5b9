using System.CommandLine;
using Portal.Core.Accounts;

namespace Portal.Web.Cli;

/// <summary><c>setup</c>: for machines what the set-up page is for people.</summary>
internal static class SetupVerb
{
    public static Command Create()
    {
        var domain = new Option<string>("--domain") { Description = CliText.Say("SetupDomain"), Required = true };
        var administrator = new Option<string>("--admin") { Description = CliText.Say("SetupAdmin"), Required = true };
        var organisation = new Option<string?>("--organisation") { Description = CliText.Say("SetupOrganisation") };
        var password = Input.PasswordOption();
        password.Required = true;
        var reason = Input.ReasonOption();
        var verb = Verbs.Verb("setup", CliText.Say("Setup"), mayCreate: true, act: async (parsed, host, cancel) =>
        {
            var name = parsed.GetRequiredValue(domain);
            var request = new SetupRequest(null, parsed.GetValue(organisation) ?? name, name, parsed.GetRequiredValue(administrator), null, await Input.ReadPasswordAsync(cancel));
            (await host.Get<SetupService>().SetUpAsync(CommandHost.ActorOf(parsed, reason), request, cancel)).OrRefuse();
            Console.WriteLine(CliText.Say("SetupDone", parsed.GetRequiredValue(administrator)));
        });
        return verb.With(domain, administrator, organisation, password, reason);
    }

    public static Command With(this Command verb, params ReadOnlySpan<Symbol> symbols)
    {
        foreach (var symbol in symbols)
        {
            if (symbol is Argument argument) verb.Add(argument);
            else verb.Add((Option)symbol);
        }

        return verb;
    }
}
