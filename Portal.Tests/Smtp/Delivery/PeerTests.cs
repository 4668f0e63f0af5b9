using System.Net;
using Portal.Smtp.Delivery;

namespace Portal.Tests.Smtp.Delivery;

/// <summary>Every file in Peers/ is a remote server and a test of what our connection makes of it.</summary>
public sealed class PeerTests
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "Smtp", "Peers");

    public static TheoryData<string> Files => [.. Directory.GetFiles(Folder, "*.smtp").Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Peer(string file)
    {
        var script = PeerScript.Read(Path.Combine(Folder, file));
        await using var peer = new ScriptedPeer(script);

        var said = await CourierAsync(script, peer.EndPoint);

        await peer.Played.WaitAsync(TimeSpan.FromSeconds(20));
        var wanted = script.Lines.Where(l => l.Kind == "==").ToList();
        Assert.True(wanted.Count == said.Count, $"{file} came to: {string.Join(" | ", said)}");
        foreach (var (line, actual) in wanted.Zip(said)) Assert.True(line.Matches(actual), $"{file}:{line.Number} wanted «{line.Text}», got «{actual}»");
    }

    /// <summary>"bob@example.org End 250 2.0.0 OK": recipient, stage and reply; "bob@example.org lost Content Network obstacle words" for one left without; "open Stage Cause obstacle words" when it came to no connection.</summary>
    private static async Task<List<string>> CourierAsync(PeerScript script, IPEndPoint endPoint)
    {
        var said = new List<string>();
        var address = new PeerAddress("mx.example.org", endPoint, script.Tls, script.Login is { } login ? new NetworkCredential(login.User, login.Password) : null);
        try
        {
            await using var connection = await SmtpConnection.OpenAsync(address, script.Options, TimeProvider.System, CancellationToken.None);
            for (var i = 0; i < script.Times && connection.IsUsable; i++) said.AddRange(Told(script, await connection.SendAsync(MailOf(script), CancellationToken.None)));
            await connection.QuitAsync();
        }
        catch (SmtpFailure failure)
        {
            said.Add($"open {failure.Stage} {failure.Cause} {Obstacle.Of(failure) ?? "-"} {failure.Message}");
        }

        return said;
    }

    private static IEnumerable<string> Told(PeerScript script, TransactionResult result) => script.Recipients.Zip(result.Replies, (recipient, reply) => reply is { } decided
        ? $"{recipient} {decided.Stage} {decided.Reply}"
        : $"{recipient} lost {result.Failure!.Stage} {result.Failure.Cause} {Obstacle.Of(result.Failure) ?? "-"} {result.Failure.Message}");

    private static OutgoingMail MailOf(PeerScript script) => new()
    {
        ReversePath = script.ReversePath,
        Recipients = script.Recipients.ConvertAll(r => new OutgoingRecipient(r, script.Notify, script.OriginalRecipient)),
        SizeBytes = script.Content.Length,
        Needs = script.Needs,
        Return = script.Return,
        EnvelopeId = script.EnvelopeId,
        OpenContentAsync = _ => Task.FromResult<Stream>(new MemoryStream(script.Content)),
    };
}
