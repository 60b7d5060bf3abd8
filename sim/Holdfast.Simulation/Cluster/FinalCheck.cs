using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Simulation.Checks;
using Holdfast.Simulation.Procedures;

namespace Holdfast.Simulation.Cluster;

/// <summary>After healing and a while of calm: somebody leads, everybody has the same, every client was served, and all histories could have happened.</summary>
internal sealed class FinalCheck(ClusterWorld world, IReadOnlyList<ClusterClient> clients)
{
    /// <summary>Whether nobody is about to hear of a commit: what ends a lease or a session may have been committed in the very last moment.</summary>
    public bool IsSettled => world.Groups.All(IsSettledIn);

    public void Run()
    {
        foreach (var group in world.Groups) CheckReplicas(group);
        for (var i = 0; i < clients.Count; i++)
            if (clients[i].Missing() is { } missing) ClusterCheck.Require(false, $"no progress after healing: client {i} ({clients[i].GetType().Name}) {missing}");
        foreach (var (group, ledger) in world.ProcedureCheck.Ledgers) Decide($"group {group}", ledger.History, ledger.WithoutEffect, DataClient.Registers);
        if (world.Options.HasShards) Decide("shards", world.ShardCheck.History, world.ShardCheck.WithoutEffect, world.Options.Keys);
        if (world.Options.HasVectors) Decide("vectors", world.VectorCheck.History, world.VectorCheck.WithoutEffect, world.Options.Keys);
        Decide("keyspace", world.History, world.WithoutEffect, world.Options.Keys);
        Decide("ledger", world.LedgerCheck.History, world.LedgerCheck.WithoutEffect, 3);
        Decide("executor", world.ExecutorCheck.History, world.ExecutorCheck.WithoutEffect, 3);
    }

    private bool IsSettledIn(GroupId group)
    {
        if (world.LeaderOf(group)?.GroupOf(group).Status is not { } leading) return true;
        foreach (var member in leading.Configuration.Members)
            if (world.MachineOf(member.Node) is { IsUp: true } machine && machine.Process!.GroupOf(group).Status.Applied != leading.Commit) return false;
        return true;
    }

    private void CheckReplicas(GroupId group)
    {
        var leader = world.LeaderOf(group);
        ClusterCheck.Require(leader is not null, $"no progress after healing: nobody leads group {group}");
        var replica = leader!.GroupOf(group);
        foreach (var member in replica.Status.Configuration.Members)
        {
            var machine = world.MachineOf(member.Node);
            ClusterCheck.Require(machine is { IsUp: true }, $"{member.Node} is a member of group {group} and did not come back");
            var other = machine!.Process!.GroupOf(group);
            ClusterCheck.Require(other.Status.Applied == replica.Status.Commit, $"{member.Node} applied {other.Status.Applied} of {replica.Status.Commit} in group {group} after healing");
            ClusterCheck.Require(other.Status.StateHash == replica.Status.StateHash, $"{member.Node} ends with another state of group {group} than its leader");
        }
    }

    private void Decide(string name, History history, HashSet<int> withoutEffect, int keys)
    {
        for (var key = 0; key < keys; key++)
        {
            var operations = history.ForKey(key, withoutEffect);
            var verdict = LinearizabilityCheck.Decide(operations);
            if (verdict == LinearizabilityVerdict.Undecided) world.Counts.Undecided++;
            if (verdict != LinearizabilityVerdict.Violated) continue;
            if (world.IsTracing)
                foreach (var operation in operations) world.Trace(operation.ToString());
            ClusterCheck.Require(false, $"the history of {name} key {key} is not linearizable");
        }
    }
}
