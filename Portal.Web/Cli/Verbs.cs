using System.CommandLine;
using Portal.Web.Hosting;

namespace Portal.Web.Cli;

/// <summary>The command line: one file a group of verbs. To add a verb: a file here, a line in <see cref="Root"/>, words in CliText.resx.</summary>
internal static class Verbs
{
    /// <summary>Nothing, or settings alone (<c>--Portal:Web:Port=8081</c>), mean the server.</summary>
    public static bool AreMeant(string[] args) => Divide(args).Command.Count > 0;

    public static Task<int> RunAsync(string[] args)
    {
        var (settings, command) = Divide(args);
        return Root(settings).Parse(command).InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
    }

    /// <summary>A verb that works on the system; a refusal ends it with its sentence and status 1.</summary>
    public static Command Verb(string name, string description, Func<ParseResult, CommandHost, CancellationToken, Task> act, bool mayCreate = false)
    {
        var verb = new Command(name, description);
        verb.SetAction(async (parsed, cancel) =>
        {
            try
            {
                await using var host = await CommandHost.OpenAsync(((PortalCommand)parsed.RootCommandResult.Command).Settings, mayCreate, cancel);
                await act(parsed, host, cancel);
                return 0;
            }
            catch (Exception e) when (Server.Sentence(e) is { } sentence)
            {
                await Console.Error.WriteLineAsync(sentence);
                return 1;
            }
        });
        return verb;
    }

    /// <summary>Settings may stand before, between and behind the words of a command, with their value after "=" or as the next word.</summary>
    private static (string[] Settings, List<string> Command) Divide(string[] args)
    {
        var (settings, command) = (new List<string>(), new List<string>());
        for (var i = 0; i < args.Length; i++)
        {
            if (!IsSetting(args[i]))
            {
                command.Add(args[i]);
                continue;
            }

            settings.Add(args[i]);
            if (!args[i].Contains('=', StringComparison.Ordinal) && i + 1 < args.Length) settings.Add(args[++i]);
        }

        return ([.. settings], command);
    }

    private static bool IsSetting(string arg) => arg.StartsWith("--", StringComparison.Ordinal) && arg.Split('=')[0].Contains(':', StringComparison.Ordinal);

    private static PortalCommand Root(string[] settings)
    {
        var root = new PortalCommand(CliText.Say("Root"), settings)
        {
            SetupVerb.Create(), DemoVerb.Create(), DomainVerbs.Create(), MailboxVerbs.Create(), MailVerbs.Create(), QueueVerbs.Create(), TraceVerbs.Create(),
        };
        root.SetAction(_ => Server.RunAsync(settings));
        return root;
    }

    /// <summary>The whole command line, and the settings that stood on it.</summary>
    private sealed class PortalCommand(string description, string[] settings) : RootCommand(description)
    {
        public string[] Settings { get; } = settings;
    }
}
