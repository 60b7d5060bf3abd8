using System.CommandLine;
using Holdfast.Server.Commands;
using Holdfast.Server.Demo;

var root = new RootCommand("Holdfast: one process per node, one cluster, and the protocols that existing clients already speak.");
root.Subcommands.Add(ServerCommand.Create());
root.Subcommands.Add(EtcdCommand.Create());
root.Subcommands.Add(DemoCommand.Create());
root.Subcommands.Add(KvCommand.Create());
root.Subcommands.Add(TenureCommands.CreateLock());
root.Subcommands.Add(TenureCommands.CreateElect());
root.Subcommands.Add(ServiceCommand.Create());
root.Subcommands.Add(FlagCommand.Create());
root.Subcommands.Add(StatusCommand.Create());
root.Subcommands.Add(TopCommand.Create());
root.Subcommands.Add(DoctorCommand.Create());
root.Subcommands.Add(MemberCommand.Create());
root.Subcommands.Add(MembershipCommands.CreateToken());
root.Subcommands.Add(MembershipCommands.CreateLeave());
root.Subcommands.Add(CertCommand.Create());
root.Subcommands.Add(BackupCommand.Create());
root.Subcommands.Add(RestoreCommand.Create());
root.Subcommands.Add(RecoverCommand.Create());
root.Subcommands.Add(ConfigCommand.Create());
root.Subcommands.Add(SimCommand.Create());
root.Subcommands.Add(VersionCommand.Create());

// Long enough for a node to hand over its leadership and to let requests under way finish.
return await root.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(10) });
