using System.Collections.Concurrent;
using Holdfast.Cluster;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Storage;
using Holdfast.Transport;
using Holdfast.Vectors.Endpoints.Routing;
using Holdfast.Vectors.Machine;
using Holdfast.Vectors.Machine.Sharing;
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

    private readonly IndexWorkers workers = new(new IndexWorkerOptions(), onFatal);
    private readonly ConcurrentDictionary<GroupId, ShardMachine> machines = new();
    private readonly ConcurrentDictionary<GroupId, ReadLoad> loads = new();
    private readonly LongMessages messages = new();
    private ClusterNode? cluster;
    private ulong self;

    /// <summary>Which large write is prepared next on this node, and that searches go first. Half of the processors, as for graphs.</summary>
    internal WriteTurns Turns { get; } = new(Math.Max(1, Environment.ProcessorCount / 2));

    /// <summary>An empty state for a group of this face; null for another's.</summary>
    public IStateMachine? Create(GroupRecord group)
    {
        if (!group.Face.StartsWith(FacePrefix, StringComparison.Ordinal)) return null;
        var machine = new ShardMachine(files: filesOf?.Invoke(group.Id)) { Kept = () => onKept?.Invoke(group.Id) };
        machines[group.Id] = machine;
        workers.Add(machine, new GroupPeers(group.Id, () => cluster, () => self));
        return machine;
    }

    /// <summary>Begins to answer other nodes.</summary>
    public void Serve(ClusterNode node, NodeId id) => (cluster, self) = (node, id.Value);

    /// <summary>Answers another node about a shard that has its replica here.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> OnAskedAsync(ControlRequest request, CancellationToken cancel)
    {
        var message = request.Payload;
        try
        {
            if (ShardVerb.Serve(messages, ref message) is { } served) return served;
            if (GraphVerb.AskOf(message.Span) is { } wanted) return GraphVerb.Answer(machines.TryGetValue(wanted.Group, out var holder) ? workers.Tell(holder, wanted.Ask) : null);
            if (GraphVerb.PieceOf(message.Span) is { } part) return machines.TryGetValue(part.Group, out var source) ? GraphShelf.PieceOf(source, part.File, part.From) : default(ReadOnlyMemory<byte>);
            if (ShardVerb.StandingOf(message.Span) is { } asked) return StandingOf(asked) is { } standing ? ShardVerb.Answer(standing) : throw VectorFault.NotFound("the shard has no replica on that node");
            if (ShardVerb.HandOverOf(message.Span) is { } passed)
            {
                await HandOverAsync(passed.Group, passed.To).ConfigureAwait(false);
                return ShardVerb.Answer();
            }

            if (ShardVerb.Decode(message.Span) is not { } call) throw new ControlRefusedException("the question is not whole, or of a newer program", mayPass: true);
            var near = NearOf(call.Group);
            if (call.Question is not { } question) return ShardVerb.Answer(await (near ?? throw NoReplica()).ProposeAsync(call.Command, cancel).ConfigureAwait(false));
            var answer = await (near ?? throw VectorFault.Unavailable("the shard has no replica on that node")).AskAsync(question, call.Demand, cancel).ConfigureAwait(false);
            var config = machines[call.Group].State!.Config;
            return ShardVerb.Shortened(ShardVerb.Answer(answer, question is PageQuestion or PartQuestion, config.ColumnOf), call.TakesPieces, messages);
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
            if (view.Tombstones.Contains(group) && machines.TryRemove(group, out _))
            {
                loads.TryRemove(group, out _);
                workers.Remove(machine);
            }
    }

    /// <summary>Ends the threads that build graphs.</summary>
    public void Dispose()
    {
        workers.Dispose();
        Turns.Dispose();
    }

    /// <summary>
    /// The replica here, once its state is there and counts; null before, or when there is none. One that is still being filled has too little to say, and one whose place has moved away too, unless its group
    /// still counts on it.
    /// </summary>
    internal IShard? NearOf(GroupId group)
    {
        if (cluster?.FindGroup(group) is not { Status: { IsRestored: true } status } replica || !machines.TryGetValue(group, out var machine)) return null;
        if (!status.Configuration.CountsForQuorum(new NodeId(self))) return null;
        if (status.Leader == NodeId.None && !(cluster.View.Groups.TryGetValue(group, out var record) && record.Replicas.Any(place => place.Node.Value == self))) return null;
        var load = loads.GetOrAdd(group, static _ => new ReadLoad());
        return new NearShard(new ReplicatedShard(replica, machine, () => cluster.FeatureLevelAhead), self, load.Answers) { Load = load, Turns = Turns };
    }

    /// <summary>Hands a shard that is led here over to another of its replicas; begun is not done.</summary>
    /// <exception cref="VectorFault">It is not led here, or the other cannot lead it just now.</exception>
    internal async Task HandOverAsync(GroupId group, ulong to)
    {
        if (cluster?.FindGroup(group) is not { Status.IsServingLeader: true } led) throw VectorFault.Unavailable("the shard is not led here");
        if (await led.TransferLeadershipAsync(new NodeId(to)).ConfigureAwait(false) != ChangeVerdict.Begun) throw VectorFault.Unavailable($"the shard's lead cannot go to node {to} just now");
    }

    /// <summary>How the replica here stands; null when there is none.</summary>
    internal ReplicaStanding? StandingOf(GroupId group)
    {
        if (cluster?.FindGroup(group)?.Status is not { IsGivenUp: false } status || !machines.TryGetValue(group, out var machine)) return null;
        var micros = loads.TryGetValue(group, out var load) ? load.Micros : 0;
        return new ReplicaStanding(status.IsServingLeader, NearOf(group) is not null, status.Term.Value, status.Applied.Value, status.Commit.Value, status.StateHash, machine.State?.Store.Count ?? 0, micros);
    }

    /// <summary>What building graphs has taken, and saved, on this node.</summary>
    internal GraphMeters Graphs => workers.Meters;

    /// <summary>Searches that were answered from what was answered before, on this node.</summary>
    internal long AnsweredBefore => loads.Values.Sum(load => load.Answers.Hits);

    /// <summary>A proposal that was certainly not made: another node may be asked.</summary>
    private static ControlRefusedException NoReplica() => new("the shard has no replica on that node", mayPass: true);
}
