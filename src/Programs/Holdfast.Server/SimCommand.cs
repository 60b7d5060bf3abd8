using System.CommandLine;
using Holdfast.Simulation;

namespace Holdfast.Server;

/// <summary><c>holdfast sim</c>: the deterministic simulator, with its own plain arguments (<c>--seed N [--trace]</c>, <c>--seeds N --minutes M</c>, <c>--mutations</c>, <c>--mutate NAME</c>, <c>--table</c>).</summary>
internal static class SimCommand
{
    public static Command Create()
    {
        var command = new Command("sim", "Runs whole groups in one thread from one seed, with every fault we know, and checks every rule.") { TreatUnmatchedTokensAsErrors = false };
        command.SetAction(parsed => SimulationCommand.Run([.. parsed.UnmatchedTokens], Console.Out));
        return command;
    }
}
