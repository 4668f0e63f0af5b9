using System.CommandLine;
using Portal.Web.Hosting;

namespace Portal.Web.Cli;

/// <summary>The command line: one file a group of verbs. To add a verb: a file here, a line in <see cref="Root"/>, words in CliText.resx.</summary>
internal static class Verbs
{
    /// <summary>Nothing, or settings alone (<c>--Portal:Web:Port=8081</c>), mean the server.</summary>
    public static bool AreMeant(string[] args) => args is [var first, ..] && !(first.StartsWith("--", StringComparison.Ordinal) && first.Contains(':', StringComparison.Ordinal));

    public static Task<int> RunAsync(string[] args)
    {
        var parsed = Root().Parse(args);
        return parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
    }

    /// <summary>A verb that works on the system; a refusal ends it with its sentence and status 1.</summary>
    public static Command Verb(string name, string description, Func<ParseResult, CommandHost, CancellationToken, Task> act, bool mayCreate = false)
    {
        var verb = new Command(name, description);
        verb.SetAction(async (parsed, cancel) =>
        {
            try
            {
                await using var host = await CommandHost.OpenAsync(mayCreate, cancel);
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

    private static RootCommand Root()
    {
        var root = new RootCommand(CliText.Say("Root"))
        {
            SetupVerb.Create(), DemoVerb.Create(), MailboxVerbs.Create(), MailVerbs.Create(), QueueVerbs.Create(), TraceVerbs.Create(),
        };
        root.SetAction(_ => Server.RunAsync([]));
        return root;
    }
}
