using System.Globalization;

namespace Portal.Web.Cli.Demo;

/// <summary>Somebody of the demo's organisation.</summary>
internal sealed record DemoPerson(string LocalPart, string Name, string Department);

/// <summary>One message of the demo's day.</summary>
/// <param name="Sender">A person's local part, or "Name &lt;address&gt;" outside.</param>
/// <param name="Recipients">The same for each recipient.</param>
/// <param name="AnswersPrevious">Whether it answers the message before.</param>
internal sealed record DemoLetter(string Sender, IReadOnlyList<string> Recipients, string Subject, string Text, bool AnswersPrevious)
{
    public bool IsFromOutside => Sender.Contains('<', StringComparison.Ordinal);
}

/// <summary>Reads people.txt and mail.txt, which were written for the demo; their heads explain their form.</summary>
internal static class DemoScript
{
    public static IReadOnlyList<DemoPerson> People { get; } =
        [.. Lines("people.txt").Where(l => l.Length > 0 && l[0] != '#').Select(l => l.Split(" | ")).Select(p => new DemoPerson(p[0], p[1], p[2]))];

    public static IReadOnlyList<DemoLetter> Letters()
    {
        var letters = new List<DemoLetter>();
        foreach (var block in Blocks()) letters.AddRange(Read(block));
        return letters;
    }

    private static IEnumerable<(string[] Head, string Text)> Blocks()
    {
        var lines = Lines("mail.txt").Where(l => !l.StartsWith('#')).ToList();
        var starts = lines.Select((line, at) => (line, at)).Where(x => x.line.StartsWith("= ", StringComparison.Ordinal)).Select(x => x.at).ToList();
        foreach (var (start, end) in starts.Zip(starts.Skip(1).Append(lines.Count)))
            yield return (lines[start][2..].Split(" | "), string.Join("\r\n", lines[(start + 1)..end]).Trim() + "\r\n");
    }

    private static IEnumerable<DemoLetter> Read((string[] Head, string Text) block)
    {
        var kind = block.Head[0].Split(' ');
        var (sender, recipients, subject) = (block.Head[1], block.Head[2], block.Head[3]);
        if (kind is [var one])
        {
            yield return new DemoLetter(sender, [.. recipients.Split(", ").SelectMany(Members)], one == "re" ? $"Re: {subject}" : subject, block.Text, one == "re");
            yield break;
        }

        var (count, first) = (int.Parse(kind[1], CultureInfo.InvariantCulture), 20_400 + 97 * subject.Length);
        for (var i = 0; i < count; i++)
        {
            var round = kind[0] == "send" ? [.. Members(sender)] : Members(recipients).ToArray();
            var person = round[i % round.Length];
            string Number(string text) => text.Replace("{n}", (first + 3 * i).ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
            yield return kind[0] == "send"
                ? new DemoLetter(person, [recipients], Number(subject), Number(block.Text), false)
                : new DemoLetter(sender, [person], Number(subject), Number(block.Text), false);
        }
    }

    private static IEnumerable<string> Members(string name)
    {
        if (name == "all") return People.Select(p => p.LocalPart);
        var department = People.Where(p => p.Department == name).Select(p => p.LocalPart).ToList();
        return department.Count > 0 ? department : [name];
    }

    private static string[] Lines(string file)
    {
        using var stream = typeof(DemoScript).Assembly.GetManifestResourceStream($"Portal.Web.Cli.Demo.{file}") ?? throw new InvalidOperationException($"{file} is not embedded");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().ReplaceLineEndings("\n").Split('\n');
    }
}
