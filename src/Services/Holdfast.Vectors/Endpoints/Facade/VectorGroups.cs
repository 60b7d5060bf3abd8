using System.Collections.Concurrent;
using Holdfast.Cluster;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Storage;
using Holdfast.Vectors.Machine;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Endpoints.Facade;

/// <summary>The shards whose replicas are on this node: makes their machines when the directory places them here, and forgets them when it has a tombstone.</summary>
/// <param name="onFatal">Told when a thread that builds graphs failed; must not return.</param>
/// <param name="filesOf">Where a group's sealed segments are kept; null to have them in memory only.</param>
/// <param name="onKept">Told when a group's segments are in new files, so that a snapshot should name them; null for nobody.</param>
public sealed class VectorGroups(Action<Exception> onFatal, Func<GroupId, StateFiles>? filesOf = null, Action<GroupId>? onKept = null) : IDisposable
{
    /// <summary>What the faces of shards begin with in the directory.</summary>
    public const string FacePrefix = "vectors/";

    private readonly IndexWorkers workers = new(new IndexWorkerOptions(), onFatal);
    private readonly ConcurrentDictionary<GroupId, ShardMachine> machines = new();

    /// <summary>An empty state for a group of this face; null for another's.</summary>
    public IStateMachine? Create(GroupRecord group)
    {
        if (!group.Face.StartsWith(FacePrefix, StringComparison.Ordinal)) return null;
        var machine = new ShardMachine(files: filesOf?.Invoke(group.Id)) { Kept = () => onKept?.Invoke(group.Id) };
        machines[group.Id] = machine;
        workers.Add(machine);
        return machine;
    }

    /// <summary>Forgets what the directory has a tombstone for. Memory goes when the last reader has let go of it.</summary>
    public void Follow(DirectoryView view)
    {
        foreach (var (group, machine) in machines)
            if (view.Tombstones.Contains(group) && machines.TryRemove(group, out _)) workers.Remove(machine);
    }

    /// <summary>Ends the threads that build graphs.</summary>
    public void Dispose() => workers.Dispose();

    internal ShardMachine? Find(GroupId group) => machines.GetValueOrDefault(group);
}
