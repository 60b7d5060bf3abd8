using System.CommandLine;
using Holdfast.Server;

var root = new RootCommand("Holdfast: one process per node, one cluster, and the protocols that existing clients already speak.");
root.Subcommands.Add(VersionCommand.Create());
return await root.Parse(args).InvokeAsync();
