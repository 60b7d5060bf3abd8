using System.Globalization;
using Holdfast.Primitives;
using Holdfast.Simulation.Cluster;

namespace Holdfast.Simulation.Shards;

/// <summary>A client of the Redis face, which goes where it is sent. Some of its commands ask for no more than that they be executed (<see cref="ClusterOptions.AsyncShare"/>): what their replies say may still be lost.</summary>
internal abstract class RedisClient(ClusterWorld world, int number) : ClusterClient(world)
{
    private static readonly Mark AnsweredEarly = new("sim: a client of shards was answered before its command was committed, as it had asked for");

    private static readonly Mark DiedAfterAnswer = new("sim: a process lost its power just when it had answered a client of shards");

    private static readonly string[] Refusals = ["-MOVED ", "-TRYAGAIN", "-CLUSTERDOWN", "-EXECABORT", "-UNBLOCKED"];

    // Of dice of its own, so that runs without classes draw what they drew before there were any.
    private readonly SeededRandom classDice = new(world.Options.Seed ^ 0xC1A5_5A4D ^ (ulong)number);

    /// <summary>Whether the next command's reply need not wait for a quorum.</summary>
    protected bool IsEarly() => classDice.Chance(World.Options.AsyncShare);

    /// <summary>
    /// Sends commands of one connection and hears all replies. What was certainly not executed is said to <paramref name="refused"/>, and the client turns elsewhere; of what was perhaps executed it hears nothing.
    /// </summary>
    protected void Do(string[][] commands, bool isEarly, Action<string[]> answered, Action refused, ulong name = 0, SimConnection? held = null, bool waits = false)
    {
        var setsClass = isEarly && held is null;
        Ask(
            process => AskAsync(process, held ?? process.Shards!.Connect(), setsClass ? [["HOLDFAST.DURABILITY", "async"], .. commands] : commands, waits),
            replies =>
            {
                if (replies is null)
                {
                    // Cut off: unknown (S19).
                    Target = Dice.Next(World.Options.Machines);
                    Later(TimeSpan.FromMilliseconds(Dice.Next(5, 60)));
                    return;
                }

                if (Array.Find(replies, reply => reply.StartsWith('-')) is { } refusal)
                {
                    ClusterCheck.Require(Array.Exists(Refusals, each => refusal.StartsWith(each, StringComparison.Ordinal)), $"a command failed by {refusal}");
                    refused();
                    Target = refusal.StartsWith("-MOVED ", StringComparison.Ordinal) ? int.Parse(refusal.AsSpan(refusal.LastIndexOf(':') + 1), CultureInfo.InvariantCulture) - 1 : Dice.Next(World.Options.Machines);
                    Later(TimeSpan.FromMilliseconds(Dice.Next(1, 20)));
                    return;
                }

                if (isEarly) AnsweredEarly.Hit();
                answered(setsClass ? replies[1..] : replies);
                Count((ulong)(setsClass ? replies.Length - 1 : replies.Length) ^ name << 8);
                Later(Think());
            },
            _ => Later(Think()),
            () => Later(Think()));
    }

    /// <summary>An answer that ends a wait rests on somebody else's command: there are few of those, so processes die after them more often.</summary>
    private async ValueTask<string[]?> AskAsync(ClusterProcess process, SimConnection connection, string[][] commands, bool waits)
    {
        var replies = await connection.AskAsync(commands);
        if (replies is not null && !World.IsHealed && classDice.Chance(World.Options.DiesAfterAnswer * (waits ? 10 : 1))) World.Clock.After(TimeSpan.Zero, () => DieOf(process));
        return replies;
    }

    /// <summary>Nothing of what it did just now has left it, or reached its disk.</summary>
    private static void DieOf(ClusterProcess process)
    {
        if (process.IsAlive) DiedAfterAnswer.Hit();
        process.Machine.CrashOf(process, losesPower: true);
    }
}
