using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using Holdfast.Cluster;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Endpoints.Routing;
using Holdfast.Vectors.Queries;
using Holdfast.Vectors.Routing;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Endpoints.Facade;

/// <summary>
/// Collections as the directory knows them: a record under <c>vectors/collection/NAME</c>, set only if nobody else has set it, and for each shard a data group whose face is <c>vectors/ID/SHARD</c>. Of several groups
/// with one face, which two creators may make at once, the lowest counts, and the others are deleted. Whoever finds a collection without a group makes it: a creator may have died in between.
/// </summary>
internal sealed class DirectoryCollections(ClusterNode cluster, NodeId self, VectorGroups groups, ReplicaBoard board) : ICollections
{
    private const string Prefix = "vectors/collection/";
    private const string AliasKey = "vectors/aliases";

    /// <summary>Times that a change is tried when others change the same thing at once.</summary>
    private const int TriesMax = 16;

    /// <summary>Nodes without a place in a group that are asked whether they have a replica still.</summary>
    private const int OthersMax = 16;

    /// <summary>How long another node may take to say how it stands.</summary>
    private static readonly TimeSpan PeerPatience = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    private readonly NodeCalls calls = new(cluster.Lines);
    private readonly ConcurrentDictionary<string, (string Text, CollectionRecord Record)> read = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string Id, int Shard), IShard> reached = new();

    public WriteTurns Turns => groups.Turns;

    public ClusterShown Cluster
    {
        get
        {
            var (view, status) = (cluster.View, cluster.Directory.Status);
            return new ClusterShown(self.Value, [.. view.Members.Values.Select(member => new PeerShown(member.Node.Value, $"http://{Transport.HostPort.Format(member.Host, member.Port)}/"))], status.Term.Value, status.Commit.Value, status.Leader.Value, status.IsServingLeader, status.Configuration.MayLead(self));
        }
    }

    public async ValueTask<IReadOnlyList<CollectionRecord>> ListAsync(CancellationToken cancel)
    {
        await SeeAllAsync(cancel).ConfigureAwait(false);
        return All(cluster.View);
    }

    public int CountHere => cluster.View.Settings.Count(each => each.Key.StartsWith(Prefix, StringComparison.Ordinal));

    public async ValueTask<CollectionRecord?> FindAsync(string name, CancellationToken cancel)
    {
        if (Known(name) is { } known) return known;

        await SeeAllAsync(cancel).ConfigureAwait(false);
        return Known(name);
    }

    public async ValueTask<bool> CreateAsync(string name, CollectionConfig config, CancellationToken cancel)
    {
        await SeeAllAsync(cancel).ConfigureAwait(false);
        if (Aliases().ContainsKey(name)) throw VectorFault.BadInput($"Can't create collection with name {name}. Alias with the same name already exists");
        if (Known(name) is not null) return false;
        var record = new CollectionRecord(name, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8)), config, ShardLayout.Of(config));
        if (!await CompareAsync(Prefix + name, "", CollectionText.Write(record), cancel).ConfigureAwait(false)) return false;
        foreach (var shard in record.Layout.Numbers) await ShardAsync(record, shard, cancel).ConfigureAwait(false);
        return true;
    }

    public async ValueTask<bool> UpdateAsync(CollectionRecord known, CollectionConfig config, ShardLayout layout, CancellationToken cancel)
    {
        var changed = known with { Config = config, Layout = layout };
        if (!await CompareAsync(Prefix + known.Name, CollectionText.Write(known), CollectionText.Write(changed), cancel).ConfigureAwait(false)) return false;
        foreach (var shard in layout.WithGroups) await ShardAsync(changed, shard, cancel).ConfigureAwait(false);
        return true;
    }

    public async ValueTask<bool> DeleteAsync(string name, CancellationToken cancel)
    {
        await SeeAllAsync(cancel).ConfigureAwait(false);
        if (!cluster.View.Settings.TryGetValue(Prefix + name, out var text)) return false;
        var record = Read(name, text);
        if (!await CompareAsync(Prefix + name, text, "", cancel).ConfigureAwait(false)) return false;
        if (Aliases().Values.Contains(name)) await ChangeAliasesAsync([.. Aliases().Where(each => each.Value == name).Select(each => new AliasChange(each.Key, null))], cancel).ConfigureAwait(false);
        foreach (var shard in record.Layout.WithGroups)
        {
            foreach (var group in GroupsOf(record.Id, shard)) await cluster.DeleteGroupAsync(group.Id, cancel).ConfigureAwait(false);
            reached.TryRemove((record.Id, shard), out _);
        }

        return true;
    }

    public async ValueTask<IReadOnlyDictionary<string, string>> AliasesAsync(CancellationToken cancel)
    {
        await SeeAllAsync(cancel).ConfigureAwait(false);
        return Aliases();
    }

    public async ValueTask ChangeAliasesAsync(IReadOnlyList<AliasChange> changes, CancellationToken cancel)
    {
        for (var tries = 0; tries < TriesMax; tries++)
        {
            await SeeAllAsync(cancel).ConfigureAwait(false);
            var view = cluster.View;
            var before = view.Settings.GetValueOrDefault(AliasKey, "");
            var after = CollectionText.WriteAliases(AliasBook.Apply(CollectionText.ReadAliases(before), changes, name => view.Settings.ContainsKey(Prefix + name)));
            if (before == after || await CompareAsync(AliasKey, before, after, cancel).ConfigureAwait(false)) return;
        }

        throw VectorFault.Unavailable("others change the aliases at the same time; nothing was changed");
    }

    public ValueTask<IShard> ShardAsync(CollectionRecord collection, int shard, CancellationToken cancel)
    {
        if (!reached.TryGetValue((collection.Id, shard), out var known)) return ReachAsync(collection, shard, cancel);
        (known as RoutedShard)?.Know(collection.Config.Columns);
        return new(known);
    }

    public IReadOnlyList<ShardPlace> PlacesOf(CollectionRecord collection) =>
        [.. collection.Layout.Numbers.Select(shard => new ShardPlace(shard, GroupsOf(collection.Id, shard) is [var group, ..] ? [.. WithData(group).Select(place => place.Node.Value)] : []))];

    public async ValueTask<IReadOnlyList<ShardStanding>> StandingsAsync(CollectionRecord collection, CancellationToken cancel)
    {
        var asked = collection.Layout.WithGroups.Select(async shard =>
        {
            if (GroupsOf(collection.Id, shard) is not [var group, ..]) return new ShardStanding(shard, [], [], [], 0);
            ulong[] wanted = [.. WithData(group).Select(place => place.Node.Value)];
            if (await cluster.SightAsync(group.Id, cancel).ConfigureAwait(false) is not { } sighting) return new ShardStanding(shard, wanted, wanted, [], 0);
            return new ShardStanding(shard, wanted, CountingIn(sighting.Configuration), [.. sighting.CaughtUp.Select(node => node.Value)], sighting.Leader.Value);
        });
        return await Task.WhenAll(asked).ConfigureAwait(false);
    }

    public async ValueTask<ReplicaStanding?> ReplicaAsync(CollectionRecord collection, int shard, ulong node, CancellationToken cancel)
    {
        if (GroupsOf(collection.Id, shard) is not [var group, ..]) return null;
        if (node == self.Value) return groups.StandingOf(group.Id);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(PeerPatience);
        var reply = await calls.ReadAsync(new NodeId(node), ShardVerb.Stand(group.Id), patience.Token).ConfigureAwait(false);
        cancel.ThrowIfCancellationRequested();
        return reply.IsOk ? ShardVerb.DecodeStanding(reply.Payload.Span) : null;
    }

    public async ValueTask<PeerStanding?> PeerAsync(ulong node, CancellationToken cancel) =>
        await cluster.ReportOfAsync(new NodeId(node), GroupId.Directory, cancel).ConfigureAwait(false) is { } report
            ? new PeerStanding(report.Leads, report.Term.Value, report.Commit.Value, report.Applied.Value, report.Configuration.MayLead(new NodeId(node)))
            : null;

    public async ValueTask CatchUpAsync(CancellationToken cancel) => await SeeAllAsync(cancel).ConfigureAwait(false);

    public bool KnowsSplits => cluster.FeatureLevelAhead >= ShardCommand.LateLevel;

    public async ValueTask PlaceAsync(CollectionRecord collection, int shard, IReadOnlyList<ulong> nodes, CancellationToken cancel)
    {
        if (GroupsOf(collection.Id, shard) is not [var group, ..]) throw VectorFault.NotFound($"Shard {shard} not found");
        if (nodes.FirstOrDefault(node => !cluster.View.Members.ContainsKey(new NodeId(node))) is > 0 and var unknown) throw VectorFault.BadInput($"Peer {unknown} does not exist");
        var witnesses = group.Replicas.Where(place => place.Role == MemberRole.Witness);
        var reply = await cluster.PlaceGroupAsync(group.Id, [.. nodes.Select(node => new ReplicaPlace(new NodeId(node), MemberRole.Voter)), .. witnesses], cancel).ConfigureAwait(false);
        if (reply.IsUndecided) throw VectorFault.Unknown(reply.Reason);
        if (!reply.Accepted) throw VectorFault.BadInput(reply.Reason);
    }

    public async ValueTask HandOverAsync(CollectionRecord collection, int shard, ulong leader, ulong to, CancellationToken cancel)
    {
        if (GroupsOf(collection.Id, shard) is not [var group, ..]) throw VectorFault.NotFound($"Shard {shard} not found");
        if (leader == self.Value)
        {
            await groups.HandOverAsync(group.Id, to).ConfigureAwait(false);
            return;
        }

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(PeerPatience);
        var reply = await calls.ReadAsync(new NodeId(leader), ShardVerb.HandOver(group.Id, to), patience.Token).ConfigureAwait(false);
        if (!reply.IsOk) throw VectorFault.Unavailable(reply.Fault);
        if (ShardVerb.RefusalIn(reply.Payload.Span) is { } refused) throw refused;
    }

    public async ValueTask RemovePeerAsync(ulong node, bool isForced, CancellationToken cancel)
    {
        if (!cluster.View.Members.ContainsKey(new NodeId(node))) throw VectorFault.NotFound($"Peer {node} does not exist");
        if (!isForced && cluster.View.Groups.Values.Any(group => group.Face.StartsWith(VectorGroups.FacePrefix, StringComparison.Ordinal) && group.Replicas.Any(place => place.Node.Value == node)))
            throw VectorFault.BadInput($"Cannot remove peer {node} as there are shards on it");
        var reply = await cluster.LeaveAsync(new NodeId(node), cancel).ConfigureAwait(false);
        if (reply.IsUndecided) throw VectorFault.Unknown(reply.Reason);
        if (!reply.Accepted) throw VectorFault.BadInput(reply.Reason);
    }

    /// <summary>Groups of shards whose collection, or whose key, is gone.</summary>
    internal IReadOnlyList<GroupId> LeftOver(DirectoryView view)
    {
        var faces = All(view).SelectMany(record => record.Layout.WithGroups.Select(shard => FaceOf(record.Id, shard))).ToHashSet(StringComparer.Ordinal);
        return [.. view.Groups.Values.Where(group => group.Face.StartsWith(VectorGroups.FacePrefix, StringComparison.Ordinal) && !faces.Contains(group.Face)).Select(group => group.Id)];
    }

    /// <summary>Collections of which a shard is being split.</summary>
    internal IEnumerable<CollectionRecord> Splitting(DirectoryView view) => All(view).Where(record => record.Layout.Split is not null);

    /// <summary>The groups of every collection, by its name.</summary>
    internal IEnumerable<(string Collection, GroupId Group)> GroupsOf(DirectoryView view)
    {
        var names = All(view).ToDictionary(record => record.Id, record => record.Name, StringComparer.Ordinal);
        foreach (var group in view.Groups.Values)
            if (group.Face.StartsWith(VectorGroups.FacePrefix, StringComparison.Ordinal) && names.TryGetValue(group.Face.Split('/')[1], out var name)) yield return (name, group.Id);
    }

    /// <summary>Makes the groups that collections lack, whose creator did not come so far.</summary>
    internal async Task CompleteAsync(DirectoryView view, CancellationToken cancel)
    {
        foreach (var record in All(view))
            foreach (var shard in record.Layout.WithGroups)
                if (GroupsOf(record.Id, shard).Count == 0) await ReachAsync(record, shard, cancel).ConfigureAwait(false);
    }

    /// <summary>Waits until the shard's group is there, has a replica that answers, and is configured; makes it when nobody has.</summary>
    private async ValueTask<IShard> ReachAsync(CollectionRecord collection, int shard, CancellationToken cancel)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(Patience);
        try
        {
            var group = await GroupAsync(collection, shard, patience.Token).ConfigureAwait(false);
            var routed = new RoutedShard(new Places(cluster, groups, group.Id), self, calls, board, collection.Config.Columns);
            using var timer = new PeriodicTimer(Look);
            while (true)
            {
                try
                {
                    await routed.AskAsync(new FactsQuestion(), ReadDemand.Eventual, patience.Token).ConfigureAwait(false);
                    return reached.GetOrAdd((collection.Id, shard), routed);
                }
                catch (VectorFault)
                {
                    // Not there yet, or not configured yet.
                    await ConfigureAsync(routed, collection, patience.Token).ConfigureAwait(false);
                }

                await timer.WaitForNextTickAsync(patience.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw VectorFault.Unavailable($"shard {shard} of collection {collection.Name} was not there within {Patience.TotalSeconds} s");
        }
    }

    private static async Task ConfigureAsync(RoutedShard shard, CollectionRecord collection, CancellationToken cancel)
    {
        try
        {
            await shard.ProposeAsync(ShardCommand.Configure(collection.Config.Json), cancel).ConfigureAwait(false);
        }
        catch (VectorFault)
        {
            // No leader yet, or its fate is not known: it is looked at again, and configuring twice does nothing the second time.
        }
    }

    private async ValueTask<GroupRecord> GroupAsync(CollectionRecord collection, int shard, CancellationToken cancel)
    {
        var known = GroupsOf(collection.Id, shard);
        if (known.Count == 0)
        {
            await SeeAllAsync(cancel).ConfigureAwait(false);
            known = GroupsOf(collection.Id, shard);
        }

        if (known.Count == 0)
        {
            var reply = await cluster.CreateGroupAsync(FaceOf(collection.Id, shard), ReplicasOf(collection.Config), cancel).ConfigureAwait(false);
            if (!reply.Accepted) throw VectorFault.Unavailable(reply.Reason);
            using var timer = new PeriodicTimer(Look);
            while ((known = GroupsOf(collection.Id, shard)).Count == 0) await timer.WaitForNextTickAsync(cancel).ConfigureAwait(false);
        }

        foreach (var extra in known.Skip(1)) await cluster.DeleteGroupAsync(extra.Id, cancel).ConfigureAwait(false);
        return known[0];
    }

    /// <summary>Created or deleted a moment ago through another node: this one is sure only when it has seen what the directory's leader has.</summary>
    private async Task SeeAllAsync(CancellationToken cancel)
    {
        if (!(await cluster.Directory.ReadBarrierAsync().AsTask().WaitAsync(cancel).ConfigureAwait(false)).IsGranted) throw VectorFault.Unavailable("the directory has no leader just now");
        groups.Follow(cluster.View);
    }

    private async ValueTask<bool> CompareAsync(string key, string before, string after, CancellationToken cancel)
    {
        if (after.Length > CollectionText.CharactersMax) throw VectorFault.BadInput("what is to be recorded of the collection is too long");
        var reply = await cluster.CompareSettingAsync(key, before, after, cancel).ConfigureAwait(false);
        return reply.IsUndecided ? throw VectorFault.Unknown(reply.Reason) : reply.Accepted;
    }

    /// <summary>An odd number: what was asked for, three where there are so many nodes that carry this face, and never more than there are.</summary>
    private int ReplicasOf(CollectionConfig config) => ReplicaCount.For(cluster.View, VectorGroups.FacePrefix, Math.Max(config.Replicas, 3));

    /// <summary>The replicas that can answer: witnesses only count.</summary>
    private static IEnumerable<ReplicaPlace> WithData(GroupRecord group) => group.Replicas.Where(place => place.Role != MemberRole.Witness);

    private List<GroupRecord> GroupsOf(string id, int shard)
    {
        var face = FaceOf(id, shard);
        return [.. cluster.View.Groups.Values.Where(group => group.Face == face)];
    }

    /// <summary>Those with a state whose agreement counts; while members change, those of before too. Not who only comes with the change: it counts when the change is done.</summary>
    private static ulong[] CountingIn(Configuration configuration)
    {
        var counting = new List<ulong>();
        foreach (var member in configuration.IsJoint ? configuration.Outgoing : configuration.Members)
            if (member.CountsForQuorum && member.Role != MemberRole.Witness) counting.Add(member.Node.Value);
        return [.. counting];
    }

    private static string FaceOf(string id, int shard) => $"{VectorGroups.FacePrefix}{id}/{shard.ToString(CultureInfo.InvariantCulture)}";

    private List<CollectionRecord> All(DirectoryView view) => [.. view.Settings.Where(each => each.Key.StartsWith(Prefix, StringComparison.Ordinal)).Select(each => Read(each.Key[Prefix.Length..], each.Value))];

    private IReadOnlyDictionary<string, string> Aliases() => CollectionText.ReadAliases(cluster.View.Settings.GetValueOrDefault(AliasKey, ""));

    private CollectionRecord? Known(string name)
    {
        if (cluster.View.Settings.TryGetValue(Prefix + name, out var text)) return Read(name, text);
        return Aliases().TryGetValue(name, out var aliased) && cluster.View.Settings.TryGetValue(Prefix + aliased, out text) ? Read(aliased, text) : null;
    }

    private CollectionRecord Read(string name, string text)
    {
        if (read.TryGetValue(name, out var known) && known.Text == text) return known.Record;
        var record = CollectionText.Read(name, text);
        read[name] = (text, record);
        return record;
    }

    private sealed class Places(ClusterNode cluster, VectorGroups groups, GroupId group) : IReplicaPlaces
    {
        public GroupId Group => group;

        public IReadOnlyList<NodeId> Nodes => cluster.View.Groups.TryGetValue(group, out var record) ? [.. WithData(record).Select(place => place.Node)] : [];

        public IReadOnlyList<NodeId> Others
        {
            get
            {
                var view = cluster.View;
                var nodes = view.Groups.TryGetValue(group, out var record) ? record.Replicas : [];
                return [.. view.Members.Values.Where(member => member.Roles.HasFlag(NodeRoles.Vectors) && !nodes.Any(place => place.Node == member.Node)).Select(member => member.Node).Take(OthersMax)];
            }
        }

        public IShard? Near => groups.NearOf(group);
    }
}
