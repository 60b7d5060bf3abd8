using System.Collections.Immutable;
using Holdfast.Primitives;

namespace Holdfast.Keyspace;

/// <summary>A move that a plan wants.</summary>
internal sealed record PlannedMove(GroupId Source, GroupId Target, SlotRanges Slots);

/// <summary>Plans how slots are spread evenly over shards: who has more than his share gives the last of his slots to who has less, and nothing moves that need not. Pure.</summary>
internal static class SlotPlanner
{
    /// <summary>Slots of one move: they are sealed together, for as long as their last changes take.</summary>
    public const int SlotsPerMove = 256;

    public static IReadOnlyList<PlannedMove> Even(IReadOnlyDictionary<GroupId, ImmutableArray<(int First, int Last)>> layout)
    {
        var shards = layout.OrderBy(pair => pair.Key).Select(pair => (Group: pair.Key, Slots: SlotRanges.Of(pair.Value).Slots().ToList())).ToArray();
        var plan = new List<PlannedMove>();
        if (shards.Length == 0) return plan;
        var total = shards.Sum(shard => shard.Slots.Count);

        // Who has most keeps the odd slots, so that nobody gives one away to take another.
        var shares = new Dictionary<GroupId, int>();
        var odd = total % shards.Length;
        foreach (var (group, slots) in shards.OrderByDescending(shard => shard.Slots.Count).ThenBy(shard => shard.Group)) shares[group] = (total / shards.Length) + (odd-- > 0 ? 1 : 0);
        foreach (var source in shards)
        {
            foreach (var target in shards)
            {
                var count = Math.Min(source.Slots.Count - shares[source.Group], shares[target.Group] - target.Slots.Count);
                for (; count > 0; count -= SlotsPerMove)
                {
                    var taken = source.Slots[^Math.Min(count, SlotsPerMove)..];
                    source.Slots.RemoveRange(source.Slots.Count - taken.Count, taken.Count);
                    target.Slots.AddRange(taken);
                    target.Slots.Sort();
                    plan.Add(new PlannedMove(source.Group, target.Group, SlotRanges.Of(taken.Select(slot => (slot, slot)))));
                }
            }
        }

        return plan;
    }
}
