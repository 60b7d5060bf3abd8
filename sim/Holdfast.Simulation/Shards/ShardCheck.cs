using System.Text;
using Holdfast.Keyspace;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Simulation.Checks;
using Holdfast.Simulation.Cluster;
using Holdfast.Wire;

namespace Holdfast.Simulation.Shards;

/// <summary>What must hold of shards whose slots move: one owner per slot and epoch, every acknowledged key in its owner's keyspace, replicas alike to the byte, every slot served in the end.</summary>
internal sealed class ShardCheck(ClusterWorld world)
{
    private readonly Dictionary<(int Slot, ulong Epoch), GroupId> owners = [];
    private readonly List<string> kept = [];
    private int named;

    /// <summary>What clients did to the registers.</summary>
    public History History { get; } = new();

    public HashSet<int> WithoutEffect { get; } = [];

    public QueueCheck Queues { get; } = new();

    public int NextKept() => named++;

    /// <summary>A key was acknowledged that nobody ever deletes.</summary>
    public void OnKept(string name) => kept.Add(name);

    /// <summary>A replica has applied up to a committed index, and has nothing unconfirmed: what it says of its slots is what its log says.</summary>
    public void OnApplied(ClusterProcess process, GroupId group)
    {
        var slots = process.Shards!.MachineOf(group).State.Slots;
        for (var key = 0; key < world.Options.Keys; key++)
        {
            var slot = ShardClient.SlotOf(key);
            if (!slots.Owned[slot]) continue;
            if (!owners.TryGetValue((slot, slots.Epoch), out var owner)) owners.Add((slot, slots.Epoch), group);
            else ClusterCheck.Require(owner == group, $"slot {slot} is owned by shard {owner} and by shard {group} in epoch {slots.Epoch}");
        }
    }

    /// <summary>Whether all that leaders have executed is with everybody: a key may expire in the very moment in which it is looked at.</summary>
    public bool IsSettled => Array.TrueForAll(ClusterWorld.ShardIds, group => world.LeaderOf(group)?.GroupOf(group) is not { } leader
        || (leader.Replica.Execution!.IsSettled && leader.Status.Configuration.Members.ToArray().All(member => world.MachineOf(member.Node)?.Process?.GroupOf(group)?.Status.Applied == leader.Status.Commit)));

    /// <summary>After healing and a while of calm.</summary>
    public void Final()
    {
        ClusterCheck.Require(world.ShardDirectory.Running.Count == 0, $"moves have not ended after healing: {string.Join(", ", world.ShardDirectory.Running.Keys)}");
        var served = new GroupId[KeySlot.Count];
        var leaders = new Dictionary<GroupId, ShardMachine>();
        foreach (var group in ClusterWorld.ShardIds)
        {
            var machine = leaders[group] = world.LeaderOf(group)!.Shards!.MachineOf(group);
            for (var slot = 0; slot < KeySlot.Count; slot++)
            {
                if (!machine.State.Slots.Owned[slot]) continue;
                ClusterCheck.Require(served[slot] == GroupId.Directory, $"slot {slot} is served by shards {served[slot]} and {group} in the end");
                served[slot] = group;
            }

            ClusterCheck.Require(machine.State.Slots.Outgoing.IsEmpty, $"shard {group} is left with slots that go nowhere");
            CheckReplicas(group, machine);
        }

        Queues.Final();
        var lost = Array.IndexOf(served, GroupId.Directory);
        ClusterCheck.Require(lost < 0, $"slot {lost} is served by nobody in the end");
        foreach (var name in kept)
        {
            var key = Encoding.ASCII.GetBytes(name);
            ClusterCheck.Require(leaders[served[KeySlot.Of(key)]].Keyspace.Locate(key).Exists, $"the key {name} was acknowledged and is not there");
        }
    }

    private void CheckReplicas(GroupId group, ShardMachine leader)
    {
        var content = ContentOf(leader);
        foreach (var member in world.LeaderOf(group)!.GroupOf(group).Status.Configuration.Members)
        {
            var other = ContentOf(world.MachineOf(member.Node)!.Process!.Shards!.MachineOf(group));
            if (other.SequenceEqual(content)) continue;
            if (world.IsTracing)
            {
                foreach (var record in content.Except(other)) world.Trace($"leader of {group} only: {Readable(record)}");
                foreach (var record in other.Except(content)) world.Trace($"{member.Node} only: {Readable(record)}");
            }

            ClusterCheck.Require(false, $"{member.Node} ends with other keys in shard {group} than its leader");
        }
    }

    private static string Readable(string record) => string.Concat(Convert.FromHexString(record).Select(static each => each is > 31 and < 127 ? $"{(char)each}" : $"\\{each:x2}"));

    private static List<string> ContentOf(ShardMachine machine)
    {
        var chunk = new ByteBuffer();
        using (var view = machine.CaptureSnapshot())
        {
            while (view.WriteNext(chunk))
            {
                // All of it.
            }
        }

        var reader = new SpanReader(chunk.Written);
        using var head = new ShardState();
        ClusterCheck.Require(SnapshotCodec.TryReadHead(ref reader, head, out _), "a shard's snapshot has no head");
        var records = new List<string>();
        while (reader.Rest.Length > 0) records.Add(Convert.ToHexString(reader.ReadBlock()));
        records.Sort(StringComparer.Ordinal);
        return records;
    }
}
