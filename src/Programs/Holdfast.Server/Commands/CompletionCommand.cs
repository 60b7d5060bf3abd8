using System.CommandLine;
using Holdfast.Server.Completion;

namespace Holdfast.Server.Commands;

/// <summary><c>holdfast completion bash|zsh|fish</c>: prints a script for the shell, made from the same table as the command line itself.</summary>
internal static class CompletionCommand
{
    private static readonly (string Shell, Func<CompletionTable, string> Script)[] Shells =
        [("bash", ShellScripts.Bash), ("zsh", ShellScripts.Zsh), ("fish", ShellScripts.Fish)];

    internal static Command Create(RootCommand root)
    {
        var shell = new Argument<string>("shell") { Description = "bash, zsh or fish." };
        shell.AcceptOnlyFromAmong([.. Shells.Select(known => known.Shell)]);
        var command = new Command("completion", "Prints a completion script: source <(holdfast completion bash), or see docs/install.md.") { shell };
        command.SetAction(parsed =>
        {
            Console.Out.Write(Shells.First(known => known.Shell == parsed.GetValue(shell)).Script(CompletionTable.Of(root)));
            return 0;
        });
        return command;
    }
}
