using System.CommandLine;
using Holdfast.Server.Completion;

namespace Holdfast.Server.Commands;

/// <summary><c>holdfast reference</c>: prints docs/commands.md.</summary>
internal static class ReferenceCommand
{
    internal static Command Create(RootCommand root)
    {
        var command = new Command("reference", "Prints every verb with its arguments and options as Markdown (docs/commands.md).");
        command.SetAction(_ =>
        {
            Console.Out.Write(CommandReference.Of(root));
            return 0;
        });
        return command;
    }
}
