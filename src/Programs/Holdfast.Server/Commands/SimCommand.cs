using System.CommandLine;
using Holdfast.Simulation;

namespace Holdfast.Server.Commands;

/// <summary><c>holdfast sim</c>: hands its arguments to the simulator, which knows its own usage.</summary>
internal static class SimCommand
{
    internal static Command Create()
    {
        var command = new Command("sim", "Runs whole clusters in one thread from a seed: --seed N [--trace], --seeds N --minutes M, --mutations, --mutate NAME.") { TreatUnmatchedTokensAsErrors = false };
        command.SetAction(parsed => SimulationCommand.Run([.. parsed.UnmatchedTokens], Console.Out));
        return command;
    }
}
