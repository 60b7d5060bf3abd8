using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Holdfast.Cluster;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Endpoints.Facade;

/// <summary>
/// Collections as the directory knows them: a record under <c>vectors/collection/NAME</c>, set only if nobody else has set it, and for each shard a data group whose face is <c>vectors/ID/SHARD</c>. Of several groups
/// with one face, which two creators may make at once, the lowest counts, and the others are deleted. Whoever finds a collection without a group makes it: a creator may have died in between.
/// </summary>
internal sealed class DirectoryCollections(ClusterNode cluster, NodeId self, VectorGroups groups) : ICollections
{
    private const string Prefix = "vectors/collection/";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    private readonly ConcurrentDictionary<string, (string Text, CollectionRecord Record)> read = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string Id, int Shard), IShardGroup> reached = new();

    public async ValueTask<IReadOnlyList<CollectionRecord>> ListAsync(CancellationToken cancel)
    {
        await SeeAllAsync(cancel).ConfigureAwait(false);
        return [.. cluster.View.Settings.Where(each => each.Key.StartsWith(Prefix, StringComparison.Ordinal)).Select(each => Read(each.Key[Prefix.Length..], each.Value))];
    }

    public async ValueTask<CollectionRecord?> FindAsync(string name, CancellationToken cancel)
    {
        if (Known(name) is { } known) return known;

        await SeeAllAsync(cancel).ConfigureAwait(false);
        return Known(name);
    }

    public async ValueTask<bool> CreateAsync(string name, CollectionConfig config, CancellationToken cancel)
    {
        await SeeAllAsync(cancel).ConfigureAwait(false);
        if (Known(name) is not null) return false;
        var id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
        var reply = await cluster.CompareSettingAsync(Prefix + name, "", TextOf(id, config), cancel).ConfigureAwait(false);
        if (reply.IsUndecided) throw VectorFault.Unknown(reply.Reason);
        if (!reply.Accepted) return false;
        var record = new CollectionRecord(name, id, config);
        for (var shard = 0; shard < config.Shards; shard++) await ShardAsync(record, shard, cancel).ConfigureAwait(false);
        return true;
    }

    public async ValueTask<bool> DeleteAsync(string name, CancellationToken cancel)
    {
        await SeeAllAsync(cancel).ConfigureAwait(false);
        if (Known(name) is not { } record) return false;
        var reply = await cluster.CompareSettingAsync(Prefix + name, cluster.View.Settings.GetValueOrDefault(Prefix + name, ""), "", cancel).ConfigureAwait(false);
        if (reply.IsUndecided) throw VectorFault.Unknown(reply.Reason);
        if (!reply.Accepted) return false;
        for (var shard = 0; shard < record.Config.Shards; shard++)
        {
            foreach (var group in GroupsOf(record.Id, shard)) await cluster.DeleteGroupAsync(group.Id, cancel).ConfigureAwait(false);
            reached.TryRemove((record.Id, shard), out _);
        }

        return true;
    }

    public ValueTask<IShardGroup> ShardAsync(CollectionRecord collection, int shard, CancellationToken cancel) =>
        reached.TryGetValue((collection.Id, shard), out var known) ? new(known) : ReachAsync(collection, shard, cancel);

    /// <summary>Groups of shards whose collection is gone.</summary>
    internal IReadOnlyList<GroupId> LeftOver(DirectoryView view)
    {
        var ids = view.Settings.Where(each => each.Key.StartsWith(Prefix, StringComparison.Ordinal)).Select(each => Read(each.Key[Prefix.Length..], each.Value).Id).ToHashSet(StringComparer.Ordinal);
        return [.. view.Groups.Values.Where(group => group.Face.StartsWith(VectorGroups.FacePrefix, StringComparison.Ordinal) && !ids.Contains(group.Face.Split('/')[1])).Select(group => group.Id)];
    }

    /// <summary>Makes the groups that collections lack, whose creator did not come so far.</summary>
    internal async Task CompleteAsync(DirectoryView view, CancellationToken cancel)
    {
        foreach (var (key, text) in view.Settings)
        {
            if (!key.StartsWith(Prefix, StringComparison.Ordinal)) continue;
            var record = Read(key[Prefix.Length..], text);
            for (var shard = 0; shard < record.Config.Shards; shard++)
                if (GroupsOf(record.Id, shard).Count == 0) await ReachAsync(record, shard, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>Waits until the shard's group is there, runs here, and is configured; makes it when nobody has.</summary>
    private async ValueTask<IShardGroup> ReachAsync(CollectionRecord collection, int shard, CancellationToken cancel)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(Patience);
        try
        {
            var group = await GroupAsync(collection, shard, patience.Token).ConfigureAwait(false);
            if (!group.Replicas.Any(place => place.Node == self)) throw VectorFault.NotHere("asking a shard that has no replica on this node; ask a node that has one");
            using var timer = new PeriodicTimer(Look);
            while (true)
            {
                if (cluster.FindGroup(group.Id) is { Status.IsRestored: true } replica && groups.Find(group.Id) is { } machine)
                {
                    var reachable = new ReplicatedShard(replica, machine);
                    if (machine.State is null) await ConfigureAsync(reachable, collection, patience.Token).ConfigureAwait(false);
                    else return reached.GetOrAdd((collection.Id, shard), reachable);
                }

                await timer.WaitForNextTickAsync(patience.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw VectorFault.Unavailable($"shard {shard} of collection {collection.Name} was not there within {Patience.TotalSeconds} s");
        }
    }

    private static async Task ConfigureAsync(ReplicatedShard shard, CollectionRecord collection, CancellationToken cancel)
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

    /// <summary>An odd number: what was asked for, three where there are so many nodes, and never more than there are.</summary>
    private int ReplicasOf(CollectionConfig config)
    {
        var most = Math.Min(Math.Max(config.Replicas, 3), cluster.View.Members.Count);
        return most % 2 == 0 ? most - 1 : most;
    }

    private List<GroupRecord> GroupsOf(string id, int shard)
    {
        var face = FaceOf(id, shard);
        return [.. cluster.View.Groups.Values.Where(group => group.Face == face)];
    }

    private static string FaceOf(string id, int shard) => $"{VectorGroups.FacePrefix}{id}/{shard.ToString(CultureInfo.InvariantCulture)}";

    private CollectionRecord? Known(string name) => cluster.View.Settings.TryGetValue(Prefix + name, out var text) ? Read(name, text) : null;

    private CollectionRecord Read(string name, string text)
    {
        if (read.TryGetValue(name, out var known) && known.Text == text) return known.Record;
        using var document = JsonDocument.Parse(text);
        var record = new CollectionRecord(name, document.RootElement.GetProperty("id").GetString()!, CollectionConfig.Parse(document.RootElement.GetProperty("config").GetRawText()));
        read[name] = (text, record);
        return record;
    }

    private static string TextOf(string id, CollectionConfig config)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, PayloadEdit.WriterOptions))
        {
            writer.WriteStartObject();
            writer.WriteString("id", id);
            writer.WritePropertyName("config");
            writer.WriteRawValue(config.Json, skipInputValidation: true);
            writer.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
