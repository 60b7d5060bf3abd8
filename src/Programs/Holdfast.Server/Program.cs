using System.CommandLine;
using Holdfast.Server.Commands;

// Long enough for a node to hand over its leadership and to let requests under way finish.
return await VerbTable.Create().Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(10) });
