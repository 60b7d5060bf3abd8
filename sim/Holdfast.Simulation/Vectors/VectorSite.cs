using System.Text.Json;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Simulation.Cluster;
using Holdfast.Simulation.Running;
using Holdfast.Vectors;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Endpoints.Routing;
using Holdfast.Vectors.Machine;
using Holdfast.Vectors.Queries;
using Holdfast.Vectors.Routing;
using Holdfast.Vectors.Shards;

namespace Holdfast.Simulation.Vectors;

/// <summary>
/// The shards of vectors of one process, and the routing to those of others: machines, segments in files, merges, graphs, choice of replicas and hedged reads are production. The workers' thread, the lines between
/// nodes and the clock are the simulator's.
/// </summary>
internal sealed class VectorSite
{
    /// <summary>Components of a vector.</summary>
    public const int Size = 4;

    private static readonly TimeSpan WorksEvery = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan LooksEvery = TimeSpan.FromMilliseconds(50);

    private readonly ClusterProcess process;
    private readonly Dictionary<GroupId, ShardMachine> machines = [];
    private readonly Dictionary<GroupId, IShard> routed = [];
    private readonly Dictionary<GroupId, AnswerCache> answers = [];
    private readonly LongMessages messages = new();
    private readonly List<ShardIndexing> indexing = [];
    private Task driving = Task.CompletedTask;

    public VectorSite(ClusterProcess process)
    {
        this.process = process;
        var options = new IndexWorkerOptions { RowsMin = process.Dice.Next(8, 40), SealRowsMin = process.Dice.Next(10, 60), DeadRowsMin = process.Dice.Next(3, 20) };
        var (calls, board, time) = (new SiteCalls(process), new ReplicaBoard(new SiteTime(process), () => (long)process.Dice.NextUInt64()), new SiteTime(process));
        foreach (var group in ClusterWorld.VectorIds)
        {
            var machine = machines[group] = new ShardMachine(96, process.FilesOf(group)) { Bug = ShardBug };
            indexing.Add(new ShardIndexing(machine, options));
            answers[group] = new AnswerCache();
            routed[group] = new RoutedShard(new Places(this, group), process.Node, calls, board, Config.Columns, time);
        }

        Collections = new SiteCollections(process, this);
    }

    /// <summary>The collection.</summary>
    public static CollectionConfig Config { get; } = CollectionConfig.Create(JsonDocument.Parse("""{"vectors":{"size":4,"distance":"Euclid"},"shard_number":2}""").RootElement, 1);

    private ClusterWorld World => process.World;

    /// <summary>The collection as this process finds it in the directory.</summary>
    public SiteCollections Collections { get; }

    public ShardMachine MachineOf(GroupId group) => machines[group];

    /// <summary>The groups have begun: the workers' thread too, and the look at what is being split.</summary>
    public void Begin(Action<TimeSpan, Action> every)
    {
        every(WorksEvery, () => process.Guard(() =>
        {
            foreach (var each in indexing)
                for (var steps = process.Dice.Next(1, 6); steps > 0 && each.Work(); steps--)
                {
                }
        }));
        every(LooksEvery, () =>
        {
            if (driving.IsCompleted && Leads && World.VectorCheck.Directory.Record.Layout.Split is not null) driving = DriveAsync();
        });
    }

    /// <summary>Whether this process believes that it leads the directory, for which the keyspace's group stands here: two may believe it at once.</summary>
    private bool Leads => process.GroupOf(ClusterWorld.Keyspace) is { Status.IsServingLeader: true };

    private async Task DriveAsync()
    {
        try
        {
            await new SplitRunner(Collections, SplitBug, new SiteTime(process)).RunAsync(World.VectorCheck.Directory.Record, () => Leads, CancellationToken.None);
        }
        catch (VectorFault)
        {
            // Not just now: it is looked at again.
        }
        catch (Exception fault)
        {
            World.Fault(fault);
        }
    }

    /// <summary>What the driver forgets the target would notice: the bug is that nobody does.</summary>
    private PlantedShardBug ShardBug => World.Options.Mutation == ClusterMutation.VectorSplitForgetsTheRest ? PlantedShardBug.AdoptsUnseen : Enum.TryParse<PlantedShardBug>(World.Options.Mutation.ToString(), out var bug) ? bug : PlantedShardBug.None;

    private PlantedSplitBug SplitBug => World.Options.Mutation switch
    {
        ClusterMutation.VectorSplitForgetsTheRest => PlantedSplitBug.ForgetsTheRest,
        ClusterMutation.VectorSplitDividesTooSoon => PlantedSplitBug.DividesTooSoon,
        _ => PlantedSplitBug.None,
    };

    /// <summary>A shard as this node's clients reach it.</summary>
    public IShard ShardOf(GroupId group) => World.Options.Mutation switch
    {
        ClusterMutation.VectorReadNotPassedOn => new OneReplica(this, group),
        ClusterMutation.VectorUnknownWriteRepeated => new Repeating(routed[group]),
        _ => routed[group],
    };

    /// <summary>Answers another node.</summary>
    public async ValueTask<byte[]> AnswerAsync(byte[] message)
    {
        try
        {
            var asked = (ReadOnlyMemory<byte>)message;
            if (ShardVerb.Serve(messages, ref asked) is { } served) return served;
            var call = ShardVerb.Decode(asked.Span) ?? throw new CheckFailedException("a question between nodes is not whole");
            var near = NearOf(call.Group) ?? throw VectorFault.Unavailable("the shard has no replica on that node");
            if (call.Question is not { } question) return ShardVerb.Answer(await near.ProposeAsync(call.Command, CancellationToken.None));
            return ShardVerb.Answer(await near.AskAsync(question, call.Demand, CancellationToken.None), question is PageQuestion or PartQuestion, Config.ColumnOf).ToArray();
        }
        catch (VectorFault fault)
        {
            return ShardVerb.Refusal(fault);
        }
    }

    private Near? NearOf(GroupId group)
    {
        if (process.GroupOf(group) is not { Status.IsRestored: true } replica) return null;
        IShardGroup shard = new ReplicatedShard(replica, machines[group], () => replica.Status.FeatureLevel);
        if (World.Options.Mutation == ClusterMutation.VectorKeptAnswerOutlivesWrite) shard = new Unversioned(shard);
        return new Near(this, new NearShard(shard, process.Node.Value, answers[group]));
    }

    private sealed class Places(VectorSite site, GroupId group) : IReplicaPlaces
    {
        public GroupId Group => group;

        /// <summary>Where the replicas are, as the directory says: as the group's leader knows it, or, while nobody leads, as this node's own replica does; a node that is no member yet asks anybody.</summary>
        public IReadOnlyList<NodeId> Nodes
        {
            get
            {
                var nodes = new List<NodeId>();
                foreach (var member in (site.World.LeaderOf(group) ?? site.process).GroupOf(group).Status.Configuration.Members) nodes.Add(member.Node);
                return nodes.Count > 0 ? nodes : [.. site.World.Machines.Select(machine => machine.Node)];
            }
        }

        public IReadOnlyList<NodeId> Others => [];

        public IShard? Near => site.NearOf(group) is { } near && Nodes.Contains(site.process.Node) ? near : null;
    }

    /// <summary>The replica here, with what may be planted in how it reads and acknowledges.</summary>
    private sealed class Near(VectorSite site, NearShard shard) : IShard
    {
        public ValueTask<ShardReply> ProposeAsync(byte[] command, CancellationToken cancel)
        {
            var done = shard.ProposeAsync(command, cancel);
            if (site.World.Options.Mutation != ClusterMutation.VectorAcknowledgedEarly || done.IsCompleted) return done;
            _ = done.AsTask().ContinueWith(static task => _ = task.Exception, TaskScheduler.Default);
            return new(new ShardReply(new LogIndex(1), null, 1));
        }

        public ValueTask<ShardAnswer> AskAsync(ShardQuestion question, ReadDemand demand, CancellationToken cancel) => shard.AskAsync(question, (site.World.Options.Mutation, demand.Level) switch
        {
            (ClusterMutation.VectorReadWithoutBarrier, ReadLevel.Strong) => ReadDemand.Eventual,
            (ClusterMutation.VectorSessionForgotten, ReadLevel.Session) => ReadDemand.Eventual,
            _ => demand,
        }, cancel);
    }

    /// <summary>A planted bug: what was applied since an answer was kept does not show in its version.</summary>
    private sealed class Unversioned(IShardGroup shard) : IShardGroup
    {
        public (LogIndex Applied, LogIndex Committed) Position => shard.Position;

        public ulong SettingsHash => shard.SettingsHash;

        public byte[] FencesWritten => shard.FencesWritten;

        public ulong Version => 0;

        public ValueTask<ShardReply> ProposeAsync(byte[] command, CancellationToken cancel) => shard.ProposeAsync(command, cancel);

        public ValueTask<ShardState> ReadAsync(bool isStrong, CancellationToken cancel) => shard.ReadAsync(isStrong, cancel);

        public ValueTask<TResult> OnLoopAsync<TResult>(Func<ShardState, TResult> read, bool isStrong, CancellationToken cancel) => shard.OnLoopAsync(read, isStrong, cancel);
    }

    /// <summary>A planted bug: one replica is asked, and when it does not answer nobody is.</summary>
    private sealed class OneReplica(VectorSite site, GroupId group) : IShard
    {
        private readonly Places places = new(site, group);

        public ValueTask<ShardReply> ProposeAsync(byte[] command, CancellationToken cancel) => site.routed[group].ProposeAsync(command, cancel);

        public async ValueTask<ShardAnswer> AskAsync(ShardQuestion question, ReadDemand demand, CancellationToken cancel)
        {
            var node = places.Nodes[site.process.Dice.Next(places.Nodes.Count)];
            if (node == site.process.Node && places.Near is { } near) return await near.AskAsync(question, demand, cancel);
            var reply = await new SiteCalls(site.process).ReadAsync(node, ShardVerb.Encode(group, question, demand), cancel);
            return reply.IsOk ? ShardVerb.DecodeAnswer(reply.Payload.Span, Config.Columns) : throw VectorFault.Unavailable(reply.Fault);
        }
    }

    /// <summary>A planted bug: what may have been written is written once more (against S25).</summary>
    private sealed class Repeating(IShard shard) : IShard
    {
        public async ValueTask<ShardReply> ProposeAsync(byte[] command, CancellationToken cancel)
        {
            try
            {
                return await shard.ProposeAsync(command, cancel);
            }
            catch (VectorFault fault) when (fault.Status == 500)
            {
                return await shard.ProposeAsync(command, cancel);
            }
        }

        public ValueTask<ShardAnswer> AskAsync(ShardQuestion question, ReadDemand demand, CancellationToken cancel) => shard.AskAsync(question, demand, cancel);
    }
}
