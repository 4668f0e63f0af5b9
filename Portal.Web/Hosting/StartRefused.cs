namespace Portal.Web.Hosting;

/// <summary>The start, or a command, can't go on for a reason its reader can mend: one sentence, exit status 1.</summary>
internal sealed class StartRefused(string sentence) : Exception(sentence);
