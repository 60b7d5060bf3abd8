using System.Text.Json;
using Holdfast.Primitives;
using Holdfast.Storage;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Queries;
using Holdfast.Vectors.Shards;
using Holdfast.Vectors.Tests.Files;

namespace Holdfast.Vectors.Tests.Shards;

/// <summary>Vectors that a collection gets later, and those whose name is deleted: what points have, what snapshots carry, and that replicas agree whatever their segments went through.</summary>
public sealed class ColumnChangeTests : IDisposable
{
    private const string First = """{"a":{"size":32,"distance":"Cosine"},"z":{"size":2,"distance":"Dot"}}""";
    private readonly string folder = Directory.CreateTempSubdirectory("holdfast-columns-").FullName;
    private CollectionConfig config = CollectionConfig.Create(JsonDocument.Parse($$"""{"vectors":{{First}}}""").RootElement, 1);

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void A_vector_made_later_is_written_found_and_survives_merges_snapshots_and_restarts()
    {
        var shard = new FiledShard(Files(1), First);
        Upsert(shard, 0, 3000, id => [new("a", shard.Next()), new("z", [id, 1])]);
        shard.UntilIdle();
        Make(shard, "m", """{"dense":{"size":2,"distance":"Euclid"}}""");
        Upsert(shard, 3000, 10, id => [new("a", shard.Next()), new("m", [id, 0])]);
        Assert.Null(shard.Propose(ShardCommand.UpdateVectors([new PointWrite(PointId.Of(7), Payload.Empty, [new("m", [7, 0])])], config.ColumnOf)).Fault);
        Assert.Equal(2, config.ColumnOf("m"));
        Assert.Equal([7UL, 3000, 3001], Nearest(shard, "m", [7, 0], 3));
        var again = shard.Restarted(Files(1), shard.Snapshot(out _));
        Assert.Equal(shard.Machine.StateHash, again.Machine.StateHash);
        Assert.Equal([7UL, 3000, 3001], Nearest(again, "m", [7, 0], 3));
        again.UntilIdle();
        Assert.Equal([7UL, 3000, 3001], Nearest(again, "m", [7, 0], 3));
        Assert.Equal([5f, 1f], Look(again, 5).Vectors.Single(vector => vector.Name == "z").Values);
        Assert.Equal(shard.Machine.StateHash, again.Machine.StateHash);
    }

    [Fact]
    public void A_deleted_vector_is_nowhere_and_its_name_may_be_given_to_another()
    {
        var shard = new FiledShard(Files(1), First);
        Upsert(shard, 0, 2000, id => [new("a", shard.Next()), new("z", [id, 1])]);
        shard.UntilIdle();
        Delete(shard, "z");
        Make(shard, "z", """{"dense":{"size":3,"distance":"Euclid"}}""");
        Assert.Equal((2, 3), (config.ColumnOf("z"), config.Columns.Count));
        var columns = Assert.Single(Look(shard, 5).Vectors);
        Assert.Equal("a", columns.Name);
        Assert.Empty(Nearest(shard, "z", [0, 0, 0], 3));
        Upsert(shard, 5, 1, id => [new("a", shard.Next()), new("z", [1, 2, 3])]);
        Assert.Equal([5UL], Nearest(shard, "z", [0, 0, 0], 3));
        Assert.Throws<VectorFault>(() => ShardReader.Answer(shard.Machine.State!, new NearestQuestion(new NearestQuery { Column = 1, Vector = [1, 1], Limit = 1 })));
        Assert.Throws<VectorFault>(() => ShardReader.Answer(shard.Machine.State!, new NearestQuestion(new NearestQuery { Column = 9, Vector = [1, 1], Limit = 1 })));
    }

    [Fact]
    public void Replicas_that_merged_restarted_or_did_neither_have_the_same_hash()
    {
        var (still, merging, restarting) = (new FiledShard(null, First), new FiledShard(Files(2), First), new FiledShard(Files(3), First));
        FiledShard[] all = [still, merging, restarting];
        Each(shard => Upsert(shard, 0, 2500, id => [new("a", Numbered(id)), new("z", [id, 0])]));
        merging.UntilIdle();
        restarting.UntilIdle();
        Each(shard => shard.Propose(ShardCommand.OverwritePayload([PointId.Of(3)], Payload.From(JsonDocument.Parse("""{"n":1}""").RootElement))));
        Same();
        Change(c => CollectionChange.MakeVector(c, "m", JsonDocument.Parse("""{"sparse":{"modifier":"idf"}}""").RootElement));
        Each(shard => Upsert(shard, 100, 50, id => [new("m", [1, 2], [(uint)id, 9999])]));
        for (var steps = 0; steps < 7; steps++) merging.Step();
        Change(c => CollectionChange.DeleteVector(c, "z"));
        merging.UntilIdle();
        Same();
        all[2] = restarting = restarting.Restarted(Files(3), restarting.Snapshot(out _));
        Same();
        Change(c => CollectionChange.DeleteVector(c, "m"));
        all[2] = restarting = restarting.Restarted(Files(3), restarting.Snapshot(out _));
        Each(shard => shard.Propose(ShardCommand.Delete([PointId.Of(3), PointId.Of(120)])));
        foreach (var shard in new[] { merging, restarting }) shard.UntilIdle();
        all[1] = merging = merging.Restarted(Files(2), merging.Snapshot(out _));
        Same();
        foreach (var shard in all) Assert.Equal(2498, shard.Store.Count);

        void Each(Action<FiledShard> act)
        {
            foreach (var shard in all) act(shard);
        }

        void Change(Func<CollectionConfig, CollectionConfig> change)
        {
            config = change(config);
            Each(shard => Assert.Null(shard.Propose(ShardCommand.Configure(config.Json)).Fault));
        }

        void Same() => Assert.Single(all.Select(shard => shard.Machine.StateHash).Distinct());
    }

    [Fact]
    public void An_entry_that_was_proposed_before_a_name_was_deleted_loses_that_vector_and_nothing_else()
    {
        var shard = new FiledShard(null, First);
        var late = ShardCommand.Upsert([new PointWrite(PointId.Of(1), Payload.Empty, [new("a", shard.Next()), new("z", [1, 2])])], config.ColumnOf);
        Delete(shard, "z");
        Assert.Null(shard.Propose(late).Fault);
        Assert.Equal("a", Assert.Single(Look(shard, 1).Vectors).Name);
    }

    [Fact]
    public void A_snapshot_that_began_before_a_name_was_deleted_carries_it_still()
    {
        var shard = new FiledShard(Files(1), First);
        Upsert(shard, 0, 2000, id => [new("a", shard.Next()), new("z", [id, 1])]);
        using var view = shard.Machine.CaptureSnapshot();
        var hash = shard.Machine.StateHash;
        Delete(shard, "z");
        shard.UntilIdle();
        var chunks = new List<byte[]>();
        var chunk = new Wire.ByteBuffer();
        for (var goesOn = true; goesOn;)
        {
            chunk.Clear();
            goesOn = view.WriteNext(chunk);
            chunks.Add(chunk.Written.ToArray());
        }

        var again = shard.Restarted(Files(1), chunks);
        Assert.Equal(hash, again.Machine.StateHash);
        Assert.Equal(["a", "z"], Look(again, 5).Vectors.Select(vector => vector.Name));
        Assert.NotEqual(hash, shard.Machine.StateHash);
    }

    [Fact]
    public void Names_are_unique_unnamed_ones_stand_alone_and_numbers_are_not_shown()
    {
        Assert.Contains("already exists", Refusal(() => CollectionChange.MakeVector(config, "a", JsonDocument.Parse("""{"dense":{"size":3,"distance":"Dot"}}""").RootElement)), StringComparison.Ordinal);
        Assert.Contains("already exists", Refusal(() => CollectionChange.MakeVector(config, "a", JsonDocument.Parse("""{"sparse":{}}""").RootElement)), StringComparison.Ordinal);
        Assert.Same(config, CollectionChange.MakeVector(config, "a", JsonDocument.Parse("""{"dense":{"size":32,"distance":"Cosine"}}""").RootElement));
        Assert.Contains("Not existing vector name", Refusal(() => CollectionChange.DeleteVector(config, "b")), StringComparison.Ordinal);
        var unnamed = CollectionConfig.Create(JsonDocument.Parse("""{"vectors":{"size":2,"distance":"Dot"}}""").RootElement, 1);
        Assert.Contains("without a name", Refusal(() => CollectionChange.MakeVector(unnamed, "b", JsonDocument.Parse("""{"dense":{"size":3,"distance":"Dot"}}""").RootElement)), StringComparison.Ordinal);
        var both = CollectionChange.MakeVector(unnamed, "words", JsonDocument.Parse("""{"sparse":{}}""").RootElement);
        Assert.Equal((0, 1), (both.ColumnOf(""), both.ColumnOf("words")));
        Assert.DoesNotContain("columns", both.Shown, StringComparison.Ordinal);
        Assert.False(CollectionChange.DeleteVector(both, "words").HasNames);
    }

    private static string Refusal(Func<CollectionConfig> change) => Assert.Throws<VectorFault>(() => change()).Message;

    private static float[] Numbered(float id)
    {
        var vector = new float[32];
        vector[0] = 1;
        vector[1 + ((int)id % 31)] = id / 5000;
        StoredVectors.BringToLengthOne(vector);
        return vector;
    }

    private static FoundPoint Look(FiledShard shard, ulong id)
    {
        var question = new RetrieveQuestion([PointId.Of(id)]) { Wanted = ContentWanted.Everything };
        return Assert.Single(RowLookup.Look(RowLookup.Find(shard.Machine.State!, question), question).Points);
    }

    private StateFiles Files(int replica) => new SnapshotStore(new DirectoryDisk(Directory.CreateDirectory(Path.Combine(folder, $"{replica}")).FullName), new ClusterId(7)).FilesOf(new GroupId(9));

    private void Upsert(FiledShard shard, int from, int count, Func<float, NamedVector[]> vectors) =>
        Assert.Null(shard.Propose(ShardCommand.Upsert([.. Enumerable.Range(from, count).Select(id => new PointWrite(PointId.Of((ulong)id), Payload.Empty, vectors(id)))], config.ColumnOf)).Fault);

    private void Make(FiledShard shard, string name, string vector) => Configure(shard, CollectionChange.MakeVector(config, name, JsonDocument.Parse(vector).RootElement));

    private void Delete(FiledShard shard, string name) => Configure(shard, CollectionChange.DeleteVector(config, name));

    private void Configure(FiledShard shard, CollectionConfig next)
    {
        config = next;
        Assert.Null(shard.Propose(ShardCommand.Configure(config.Json)).Fault);
    }

    private ulong[] Nearest(FiledShard shard, string name, float[] vector, int limit) =>
        [.. ShardReader.Answer(shard.Machine.State!, new NearestQuestion(new NearestQuery { Column = config.ColumnOf(name), Vector = vector, Limit = limit })).Points.Select(point => point.Id.Number)];
}
