using System.CommandLine;
using Holdfast.Server.Demo;

namespace Holdfast.Server.Commands;

/// <summary>Every verb of <c>holdfast</c>, in the order in which its help lists them. The command line, the completions and docs/commands.md are all made from it.</summary>
internal static class VerbTable
{
    internal static RootCommand Create()
    {
        var root = new RootCommand("Holdfast: one process per node, one cluster, and the protocols that existing clients already speak.")
        {
            ServerCommand.Create(),
            EtcdCommand.Create(),
            DemoCommand.Create(),
            KvCommand.Create(),
            KeyspaceCommand.Create(),
            VectorsCommand.Create(),
            TenureCommands.CreateLock(),
            TenureCommands.CreateElect(),
            ServiceCommand.Create(),
            FlagCommand.Create(),
            RagCommand.Create(),
            StatusCommand.Create(),
            TopCommand.Create(),
            DoctorCommand.Create(),
            MemberCommand.Create(),
            MembershipCommands.CreateToken(),
            MembershipCommands.CreateLeave(),
            CertCommand.Create(),
            BackupCommand.Create(),
            RestoreCommand.Create(),
            RecoverCommand.Create(),
            ConfigCommand.Create(),
            SimCommand.Create(),
            VersionCommand.Create(),
        };
        root.Subcommands.Add(CompletionCommand.Create(root));
        root.Subcommands.Add(ReferenceCommand.Create(root));
        return root;
    }
}
