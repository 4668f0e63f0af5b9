using Portal.Web.Cli;
using Portal.Web.Hosting;

// A verb (setup, mailbox …) is a command on the system; nothing, or settings alone, start the server.
return Verbs.AreMeant(args) ? await Verbs.RunAsync(args) : await Server.RunAsync(args);
