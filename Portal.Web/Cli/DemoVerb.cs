using System.CommandLine;
using Portal.Web.Cli.Demo;

namespace Portal.Web.Cli;

/// <summary><c>demo</c>: an organisation to look around in.</summary>
internal static class DemoVerb
{
    public static Command Create() => Verbs.Verb("demo", CliText.Say("Demo"), mayCreate: true, act: async (_, host, cancel) =>
    {
        var (signIns, messages) = await new DemoSeeder(host).SeedAsync(cancel);
        Console.WriteLine(CliText.Say("DemoDone", DemoScript.People.Count + 1, messages));
        foreach (var signIn in signIns)
            Console.WriteLine(signIn.Password is null ? CliText.Say("DemoSignInOwn", CliText.Say($"Role{signIn.Role}"), signIn.Address) : CliText.Say("DemoSignIn", CliText.Say($"Role{signIn.Role}"), signIn.Address, signIn.Password));
    });
}
