using System.Text.Json;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Shards;
using Holdfast.Wire;

namespace Holdfast.Vectors.Tests.Shards;

/// <summary>The replicated state of a shard: the same on every replica, whatever its rows look like there.</summary>
public sealed class ShardMachineTests
{
    private const string Named = """{"vectors":{"a":{"size":3,"distance":"Dot"},"b":{"size":2,"distance":"Euclid"}}}""";

    [Fact]
    public void Replicas_that_came_by_different_ways_to_the_same_points_have_the_same_hash()
    {
        var (one, other) = (Replica.Of(Named), Replica.Of(Named));
        one.Upsert(1, [1, 2, 3], "{}");
        one.Upsert(2, [4, 5, 6], """{"k":1}""");
        one.Upsert(1, [7, 8, 9], """{"x":"y"}""");
        other.Upsert(3, [0, 0, 0], "{}");
        other.Upsert(2, [4, 5, 6], """{"k":1}""");
        other.Upsert(1, [7, 8, 9], "{}");
        Assert.NotEqual(one.Machine.StateHash, other.Machine.StateHash);
        other.Propose(ShardCommand.Delete([PointId.Of(3)]));
        other.Propose(ShardCommand.SetPayload([PointId.Of(1)], Json("""{"x":"y"}"""), ""));
        Assert.Equal(one.Machine.StateHash, other.Machine.StateHash);
    }

    [Fact]
    public void Every_kind_of_content_is_in_the_hash()
    {
        var replica = Replica.Of(Named);
        replica.Upsert(1, [1, 2, 3], """{"k":1}""");
        var seen = new HashSet<ulong> { replica.Machine.StateHash };
        foreach (var command in new[]
        {
            ShardCommand.SetPayload([PointId.Of(1)], Json("""{"k":2}"""), ""),
            ShardCommand.UpdateVectors([new PointWrite(PointId.Of(1), Payload.Empty, [new("b", [1, 1])])], replica.Config.ColumnOf),
            ShardCommand.DeleteVectors([PointId.Of(1)], 1),
            ShardCommand.CreateIndex("k", "\"integer\""),
            ShardCommand.ClearPayload([PointId.Of(1)]),
            ShardCommand.Delete([PointId.Of(1)]),
        })
        {
            Assert.Null(replica.Propose(command).Fault);
            Assert.True(seen.Add(replica.Machine.StateHash));
        }
    }

    [Fact]
    public void A_large_entry_yields_and_shows_nothing_before_it_is_done()
    {
        var replica = Replica.Of(Named);
        var points = Enumerable.Range(0, 1000).Select(id => new PointWrite(PointId.Of((ulong)id), Payload.Empty, [new("a", [id, 1, 2])])).ToArray();
        var command = ShardCommand.Upsert(points, replica.Config.ColumnOf);
        var slices = 0;
        while (!replica.Apply(command).IsDone)
        {
            slices++;
            Assert.All(replica.Machine.State!.Store.Segments, segment => Assert.Equal(0, segment.LiveCount));
        }

        Assert.True(slices >= 3);
        Assert.Equal(1000, replica.Machine.State!.Store.Segments[0].LiveCount);
        var whole = Replica.Of(Named);
        foreach (var point in points) whole.Propose(ShardCommand.Upsert([point], replica.Config.ColumnOf));
        Assert.Equal(whole.Machine.StateHash, replica.Machine.StateHash);
    }

    [Fact]
    public void A_snapshot_holds_what_was_there_while_entries_go_on()
    {
        var replica = Replica.Of(Named, segmentRowsMax: 500);
        for (var id = 0; id < 3000; id++) replica.Upsert((ulong)id, [id, id, 1], $$"""{"n":{{id}}}""");
        replica.Propose(ShardCommand.CreateIndex("n", "\"integer\""));
        replica.Propose(ShardCommand.Delete([.. Enumerable.Range(100, 50).Select(id => PointId.Of((ulong)id))]));
        var hash = replica.Machine.StateHash;
        using var view = replica.Machine.CaptureSnapshot();
        var restored = new ShardMachine(700);
        using (var builder = restored.BeginRestore())
        {
            var (chunk, step) = (new ByteBuffer(), 0);
            do
            {
                chunk.Clear();
                if (!view.WriteNext(chunk)) break;
                builder.ReadNext(chunk.Written);
                replica.Propose(ShardCommand.SetPayload([PointId.Of(2999), PointId.Of((ulong)step)], Json("""{"later":true}"""), ""));
                replica.Upsert(2998, [9, 9, 9], "{}");
                replica.Propose(ShardCommand.Delete([PointId.Of(2997)]));
            }
            while (++step < 1000);
            builder.Complete();
        }

        Assert.Equal(hash, restored.StateHash);
        Assert.Equal(2950, restored.State!.Store.Count);
        Assert.NotEqual(hash, replica.Machine.StateHash);
    }

    [Fact]
    public void A_deletion_by_filter_asks_again_at_its_place_in_the_log()
    {
        var replica = Replica.Of(Named);
        replica.Upsert(1, [1, 1, 1], """{"k":"old"}""");
        replica.Upsert(2, [1, 1, 1], """{"k":"old"}""");
        var command = ShardCommand.Delete([PointId.Of(1), PointId.Of(2)], """{"must":[{"key":"k","match":{"value":"old"}}]}""");
        replica.Propose(ShardCommand.SetPayload([PointId.Of(2)], Json("""{"k":"new"}"""), ""));
        Assert.Equal(1, replica.Propose(command).Changed);
        Assert.False(replica.Machine.State!.Store.TryFind(PointId.Of(1), out _, out _));
        Assert.True(replica.Machine.State!.Store.TryFind(PointId.Of(2), out _, out _));
    }

    [Fact]
    public void An_entry_that_is_cut_short_or_unknown_is_refused_and_changes_nothing()
    {
        var replica = Replica.Of(Named);
        replica.Upsert(1, [1, 1, 1], """{"k":"old"}""");
        var hash = replica.Machine.StateHash;
        foreach (var whole in new[] { ShardCommand.Upsert([new PointWrite(PointId.Of(2), Payload.Empty, [new("a", [1, 2, 3])])], replica.Config.ColumnOf), ShardCommand.Delete([PointId.Of(1)]), ShardCommand.SetPayload([PointId.Of(1)], Json("""{"k":2}"""), "") })
            for (var length = 0; length < whole.Length; length++)
            {
                Assert.NotNull(replica.Propose(whole[..length]).Fault);
                Assert.Equal(hash, replica.Machine.StateHash);
            }

        Assert.NotNull(replica.Propose([1, 99]).Fault);
        Assert.NotNull(replica.Propose(ShardCommand.Configure("{")).Fault);
        Assert.NotNull(new Replica(0).Propose(ShardCommand.Delete([PointId.Of(1)])).Fault);
    }

    [Fact]
    public void Payload_keys_are_set_inside_removed_and_kept_in_order()
    {
        var replica = Replica.Of(Named);
        replica.Upsert(1, [1, 1, 1], """{"z":1,"a":{"b":{"c":1}},"m":[1,2]}""");
        replica.Propose(ShardCommand.SetPayload([PointId.Of(1)], Json("""{"d":2}"""), "a.b"));
        replica.Propose(ShardCommand.SetPayload([PointId.Of(1)], Json("""{"e":3}"""), "new.one"));
        replica.Propose(ShardCommand.DeletePayload([PointId.Of(1)], ["m", "a.b.c"]));
        replica.Machine.State!.Store.TryFind(PointId.Of(1), out var segment, out var row);
        Assert.Equal("""{"z":1,"a":{"b":{"d":2}},"new":{"one":{"e":3}}}""", System.Text.Encoding.UTF8.GetString(segment.PayloadOf(row).Json));
    }

    private static Payload Json(string json) => Payload.From(JsonDocument.Parse(json).RootElement);

    private sealed class Replica(int segmentRowsMax)
    {
        private ulong index;

        public ShardMachine Machine { get; } = new(segmentRowsMax);

        public CollectionConfig Config => Machine.State!.Config;

        public static Replica Of(string request, int segmentRowsMax = 4096)
        {
            var replica = new Replica(segmentRowsMax);
            Assert.Null(replica.Propose(ShardCommand.Configure(CollectionConfig.Create(JsonDocument.Parse(request).RootElement, 1).Json)).Fault);
            return replica;
        }

        public void Upsert(ulong id, float[] a, string payload) => Assert.Null(Propose(ShardCommand.Upsert([new PointWrite(PointId.Of(id), Json(payload), [new("a", a)])], Config.ColumnOf)).Fault);

        public ShardReply Propose(byte[] command)
        {
            ApplyResult result;
            do result = Apply(command);
            while (!result.IsDone);
            return (ShardReply)result.Reply!;
        }

        public ApplyResult Apply(byte[] command)
        {
            var result = Machine.Apply(new CommittedEntry { Position = new LogPosition(new Term(1), new LogIndex(index + 1)), TimeMicros = 0, FeatureLevel = 1, Command = command, ReplyWanted = true });
            if (result.IsDone) index++;
            return result;
        }
    }
}
