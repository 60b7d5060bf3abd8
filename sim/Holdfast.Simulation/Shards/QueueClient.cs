using System.Globalization;
using Holdfast.Simulation.Cluster;

namespace Holdfast.Simulation.Shards;

/// <summary>
/// A client of queues, which waits for what others bring: values are pushed, each once, and moved on from the queue to the list of what is done. Half of those who wait are served by somebody else's command, which may be of another class than their own.
/// </summary>
internal sealed class QueueClient(ClusterWorld world, int number) : RedisClient(world, number)
{
    /// <summary>Waiting commands and unknown outcomes are over by then.</summary>
    private static readonly TimeSpan BeforeLooking = TimeSpan.FromSeconds(2);

    /// <summary>One of them looks, in the end, at what is there.</summary>
    private readonly bool isLookout = number == 0;

    private readonly bool[] seen = new bool[world.Options.Keys];
    private bool isLooking;

    private QueueCheck Check => World.ShardCheck.Queues;

    protected override bool IsOver => World.IsClosing && (!isLookout || Array.TrueForAll(seen, static each => each));

    public override string? Missing() => base.Missing() ?? (IsOver ? null : "was not shown all queues in the end");

    protected override void Act()
    {
        if (World.IsClosing)
        {
            if (isLooking) Look();
            else Later(BeforeLooking);
            isLooking = true;
            return;
        }

        if (Dice.Chance(0.1)) Target = Dice.Next(World.Options.Machines);
        var (key, isEarly) = (Dice.Next(World.Options.Keys), IsEarly());
        if (Dice.Chance(0.45)) Push(key, isEarly);
        else Move(key, isEarly);
    }

    private static string Queue(int key) => $"q{ShardClient.Tag(key)}";

    private static string Done(int key) => $"d{ShardClient.Tag(key)}";

    private void Push(int key, bool isEarly)
    {
        var value = Check.NextValue();
        Do([["RPUSH", Queue(key), $"{value}"]], isEarly, _ => { if (!isEarly) Check.OnPushed(value); }, static () => { });
    }

    private void Move(int key, bool isEarly)
    {
        var waits = Dice.Chance(0.7);
        string[] command = waits
            ? ["BLMOVE", Queue(key), Done(key), "LEFT", "RIGHT", string.Create(CultureInfo.InvariantCulture, $"{0.01 * Dice.Next(1, 40):F2}")]
            : ["LMOVE", Queue(key), Done(key), "LEFT", "RIGHT"];
        Do([command], isEarly, replies => { foreach (var value in ValuesOf(replies[0])) if (!isEarly) Check.OnMoved(value); }, static () => { }, waits: waits);
    }

    private void Look()
    {
        var key = Array.IndexOf(seen, false);
        Do([["LRANGE", Queue(key), "0", "-1"], ["LRANGE", Done(key), "0", "-1"]], isEarly: false, replies =>
        {
            seen[key] = true;
            Check.OnSeen(ValuesOf(replies[0]), ValuesOf(replies[1]));
        }, static () => { });
    }

    /// <summary>What a reply tells, whichever form it has; nothing of none.</summary>
    private static IEnumerable<ulong> ValuesOf(string reply)
    {
        foreach (var word in reply.Split(' '))
            if (ulong.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var value)) yield return value;
    }
}
