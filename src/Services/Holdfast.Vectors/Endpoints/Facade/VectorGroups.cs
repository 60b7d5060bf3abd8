using System.Collections.Concurrent;
using Holdfast.Cluster;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Storage;
using Holdfast.Transport;
using Holdfast.Vectors.Endpoints.Routing;
using Holdfast.Vectors.Machine;
using Holdfast.Vectors.Queries;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Endpoints.Facade;

/// <summary>
/// The shards whose replicas are on this node: makes their machines when the directory places them here, answers other nodes about them, and forgets them when it has a tombstone. A node that serves no client
/// itself has one too: data and query roles may be apart.
/// </summary>
/// <param name="onFatal">Told when a thread that builds graphs failed; must not return.</param>
/// <param name="filesOf">Where a group's sealed segments are kept; null to have them in memory only.</param>
/// <param name="onKept">Told when a group's segments are in new files, so that a snapshot should name them; null for nobody.</param>
public sealed class VectorGroups(Action<Exception> onFatal, Func<GroupId, StateFiles>? filesOf = null, Action<GroupId>? onKept = null) : IDisposable
{
    /// <summary>What the faces of shards begin with in the directory.</summary>
    public const string FacePrefix = "vectors/";

    /// <summary>The control verb by which other nodes ask.</summary>
    public const ushort Verb = ShardVerb.Number;

    /// <summary>What the answers take that replicas here keep.</summary>
    private const long ResultBytesMax = 32 << 20;

    private readonly LocalCache results = new(ResultBytesMax, static () => new Instant(Environment.TickCount64 * TimeSpan.TicksPerMillisecond));
    private readonly IndexWorkers workers = new(new IndexWorkerOptions(), onFatal);
    private readonly ConcurrentDictionary<GroupId, ShardMachine> machines = new();
    private ClusterNode? cluster;
    private ulong self;

    /// <summary>An empty state for a group of this face; null for another's.</summary>
    public IStateMachine? Create(GroupRecord group)
    {
        if (!group.Face.StartsWith(FacePrefix, StringComparison.Ordinal)) return null;
        var machine = new ShardMachine(files: filesOf?.Invoke(group.Id)) { Kept = () => onKept?.Invoke(group.Id) };
        machines[group.Id] = machine;
        workers.Add(machine);
        return machine;
    }

    /// <summary>Begins to answer other nodes.</summary>
    public void Serve(ClusterNode node, NodeId id) => (cluster, self) = (node, id.Value);

    /// <summary>Answers another node about a shard that has its replica here.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> OnAskedAsync(ControlRequest request, CancellationToken cancel)
    {
        if (ShardVerb.Decode(request.Payload.Span) is not { } call) throw new ControlRefusedException("the question is not whole, or of a newer program", mayPass: true);
        try
        {
            if (NearOf(call.Group) is not { } shard) throw VectorFault.Unavailable("the shard has no replica on that node");
            if (call.Question is not { } question) return ShardVerb.Answer(await shard.ProposeAsync(call.Command, cancel).ConfigureAwait(false));
            var answer = await shard.AskAsync(question, call.Demand, cancel).ConfigureAwait(false);
            var config = machines[call.Group].State!.Config;
            return ShardVerb.Answer(answer, question is PageQuestion, config.ColumnOf);
        }
        catch (VectorFault fault)
        {
            return ShardVerb.Refusal(fault);
        }
    }

    /// <summary>Forgets what the directory has a tombstone for. Memory goes when the last reader has let go of it.</summary>
    public void Follow(DirectoryView view)
    {
        foreach (var (group, machine) in machines)
            if (view.Tombstones.Contains(group) && machines.TryRemove(group, out _)) workers.Remove(machine);
    }

    /// <summary>Ends the threads that build graphs.</summary>
    public void Dispose() => workers.Dispose();

    /// <summary>The replica here, once its state is there; null before, or when there is none.</summary>
    internal NearShard? NearOf(GroupId group) =>
        cluster?.FindGroup(group) is { Status.IsRestored: true } replica && machines.TryGetValue(group, out var machine) ? new NearShard(new ReplicatedShard(replica, machine), self, new ResultCache(results, group, () => machine.Version, () => machine.State?.Config.Columns ?? [])) : null;
}
