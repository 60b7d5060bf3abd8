using Holdfast.Cluster;
using Holdfast.Keyspace;
using Holdfast.Primitives;
using Holdfast.Simulation.Cluster;

namespace Holdfast.Simulation.Shards;

/// <summary>
/// What the directory knows of the shards: the layout and the moves that were asked for. A single copy that answers at once, or not at all for a while: the real one is a group like others, which the
/// other groups of this world stand for, and moves must not depend on it but at their ends (S21).
/// </summary>
internal sealed class ShardDirectory(ClusterWorld world)
{
    /// <summary>Moves at once.</summary>
    private const int MovesMax = 2;

    private readonly SeededRandom dice = world.Dice.Fork();

    public string Layout { get; private set; } = ShardLayout.Even([ClusterWorld.ShardA, ClusterWorld.ShardB]);

    public int Revision { get; private set; }

    public SortedDictionary<ulong, GroupMove> Running { get; } = [];

    public ulong Begun { get; private set; }

    /// <summary>Moves that ended with the slots at the target.</summary>
    public int Done { get; private set; }

    /// <summary>Whether it answers now.</summary>
    public bool IsUp { get; private set; } = true;

    public void Begin()
    {
        world.Clock.After(dice.NextSpan(TimeSpan.FromMilliseconds(600), TimeSpan.FromMilliseconds(1200)), Plan);
        world.Clock.After(dice.NextSpan(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(4)), Fail);
    }

    /// <summary>Changes the layout if it is what the asker knows.</summary>
    public bool TryFlip(string known, string flipped)
    {
        if (!IsUp || known != Layout) return known != Layout && IsUp && flipped == Layout;
        if (flipped != Layout) Revision++;
        Layout = flipped;
        return true;
    }

    public bool TryFinish(ulong id, bool isDone)
    {
        if (!IsUp) return false;
        if (Running.Remove(id) && isDone) Done++;
        return true;
    }

    private void Plan()
    {
        if (world.IsClosing) return;
        world.Clock.After(dice.NextSpan(TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(900)), Plan);
        if (!IsUp) return;
        foreach (var (id, move) in Running.ToArray())
            if (dice.Chance(0.08)) Running[id] = move with { IsCancelled = true };
        if (Running.Count >= MovesMax) return;

        // Slots of keys that clients use, and some beside them; of both shards, mostly in one piece.
        var slot = ShardClient.SlotOf(dice.Next(world.Options.Keys));
        var (first, last) = (Math.Max(0, slot - dice.Next(4)), Math.Min(KeySlot.Count - 1, slot + dice.Next(4)));
        var source = GroupId.Directory;
        foreach (var (group, ranges) in ShardLayout.Parse(Layout))
            if (SlotRanges.Of(ranges).Contains(slot)) source = group;
        var slots = SlotRanges.Of(ShardLayout.Parse(Layout)[source].SelectMany(range => Enumerable.Range(range.First, range.Last - range.First + 1)).Where(each => each >= first && each <= last).Select(each => (each, each)));
        Running[++Begun] = new GroupMove(source, source == ClusterWorld.ShardA ? ClusterWorld.ShardB : ClusterWorld.ShardA, slots.ToString(), false);
        if (world.IsTracing) world.Trace($"move {Begun}: slots {slots} leave {source}");
    }

    private void Fail()
    {
        if (world.IsHealed)
        {
            IsUp = true;
            return;
        }

        IsUp = !IsUp;
        world.Clock.After(IsUp ? dice.NextSpan(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(5)) : dice.NextSpan(TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(2)), Fail);
    }
}
