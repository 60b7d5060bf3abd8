using System.Text.Json;
using Holdfast.Cluster;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Shards;
using Holdfast.Vectors.Tests.Endpoints;
using Holdfast.Wire;

namespace Holdfast.Vectors.Tests.Shards;

/// <summary>Fences (S22): a holder whose lock has a newer token writes nothing more on a shard that has seen the newer one. (Over splits: the world of splits.)</summary>
public sealed class ShardFenceTests
{
    [Fact]
    public void A_command_is_refused_once_the_shard_has_seen_a_newer_token_S22()
    {
        var (shard, replica) = (new Shard(), new Shard());
        foreach (var (token, name, isTaken) in new[] { (10UL, "jobs", true), (11UL, "jobs", true), (10UL, "jobs", false), (11UL, "jobs", true), (10UL, "others", true), (12UL, "jobs", true), (11UL, "jobs", false) })
        {
            var command = Under(name, token, Upsert(token, 1));
            var (reply, same) = (shard.Propose(command), replica.Propose(command));
            Assert.Equal((isTaken, !isTaken, reply.Fault), (reply.Fault is null, reply.IsFenced, same.Fault));
            if (!isTaken) Assert.Contains($"lock '{name}' has a newer token than {token}: ", reply.Fault, StringComparison.Ordinal);
            Assert.Equal(shard.Machine.StateHash, replica.Machine.StateHash);
        }

        Assert.Null(shard.Propose(Upsert(99, 1)).Fault); // Under no lock.
    }

    [Fact]
    public void A_long_command_is_asked_for_its_fence_once()
    {
        var (sliced, whole) = (new Shard(), new Shard());
        Assert.Null(sliced.Propose(Under("jobs", 5, Upsert(0, 2000))).Fault);
        Assert.True(sliced.Slices > 3);
        Assert.Null(whole.Propose(Under("jobs", 5, Upsert(0, 1))).Fault);
        Assert.Null(whole.Propose(Upsert(1, 1999)).Fault);
        Assert.Equal(whole.Machine.StateHash, sliced.Machine.StateHash);
    }

    [Fact]
    public void What_stands_behind_a_fence_is_a_command_of_a_client()
    {
        var shard = new Shard();
        foreach (var inner in new byte[][] { [], [1], [1, 99], [2, 2], SplitCommand.Seal(HashPart.All.Going), Under("other", 1, Upsert(1, 1)) })
        {
            var reply = shard.Propose(Under("jobs", 5, inner));
            Assert.Equal((true, false), (reply.Fault is not null, reply.IsFenced));
        }

        Assert.Null(shard.Propose(Under("jobs", 4, Upsert(1, 1))).Fault); // Nothing of it was remembered.
        Assert.Null(shard.Propose(Under("jobs", 4, ShardCommand.CreateIndex("k", "\"keyword\""))).Fault);
        Assert.Equal(ShardCommand.LateLevel, ShardCommand.LevelOf(Under("jobs", 4, Upsert(1, 1))));
    }

    [Fact]
    public void Fences_are_in_a_snapshot_and_in_the_hash()
    {
        var shard = new Shard();
        shard.Propose(Upsert(1, 10));
        var unfenced = shard.Machine.StateHash;
        shard.Propose(Under("jobs", 7, Upsert(1, 10)));
        Assert.NotEqual(unfenced, shard.Machine.StateHash);
        var restored = new Shard(shard.Machine);
        Assert.Equal(shard.Machine.StateHash, restored.Machine.StateHash);
        Assert.True(restored.Propose(Under("jobs", 6, Upsert(1, 1))).IsFenced);
        Assert.Null(restored.Propose(Under("jobs", 7, Upsert(1, 1))).Fault);

        var forgetful = new Shard(PlantedShardBug.SnapshotForgetsFences);
        forgetful.Propose(Under("jobs", 7, Upsert(1, 10)));
        Assert.Throws<InvariantBrokenException>(() => new Shard(forgetful.Machine));
    }

    [Fact]
    public async Task Clients_say_their_fence_in_a_header_and_are_told_when_the_lock_has_a_later_holder()
    {
        await using var door = await OpenDoor.StartAsync();
        await door.AskAsync("PUT", "/collections/c", """{"vectors":{"size":2,"distance":"Dot"},"shard_number":1}""");
        const string Point = """{"points":[{"id":1,"vector":[1,2],"payload":{"by":"one"}}]}""";
        Assert.Equal(200, (await Under("PUT", "/collections/c/points", Point, "jobs 41")).Status);
        Assert.Equal(200, (await Under("PUT", "/collections/c/points", Point, "jobs 42")).Status);
        foreach (var (method, path, body) in new[]
        {
            ("PUT", "/collections/c/points", Point),
            ("POST", "/collections/c/points/delete", """{"points":[1]}"""),
            ("POST", "/collections/c/points/delete", """{"filter":{"must":[{"key":"by","match":{"value":"one"}}]}}"""),
            ("POST", "/collections/c/points/payload", """{"points":[1],"payload":{"by":"old"}}"""),
            ("POST", "/collections/c/points/batch", """{"operations":[{"delete":{"points":[1]}}]}"""),
            ("PUT", "/collections/c/index", """{"field_name":"by","field_schema":"keyword"}"""),
        })
        {
            var (status, answer) = await Under(method, path, body, "jobs 41");
            Assert.Equal((412, "Fenced: lock 'jobs' has a newer token than 41: 42"), (status, answer.GetProperty("status").GetProperty("error").GetString()));
        }

        Assert.Equal("one", (await door.AskAsync("GET", "/collections/c/points/1")).GetProperty("payload").GetProperty("by").GetString());
        Assert.Equal(200, (await Under("GET", "/collections/c/points/1", null, "jobs 41")).Status);
        foreach (var header in new[] { "jobs", "jobs -1", "jobs 0", "41", " 41", "jobs 99999999999999999999", new string('x', 256) + " 41" }) Assert.Equal(400, (await Under("PUT", "/collections/c/points", Point, header)).Status);
        Assert.Equal(501, (await Under("DELETE", "/collections/c", null, "jobs 42")).Status);

        Task<(int Status, JsonElement Answer)> Under(string method, string path, string? body, string fence) => door.SendAsync(method, path, body, ("holdfast-fence", fence));
    }

    private static byte[] Under(string name, ulong token, byte[] command) => ShardFences.Around(System.Text.Encoding.UTF8.GetBytes(name), new FencingToken(token), command);

    private static byte[] Upsert(ulong first, int count) =>
        ShardCommand.Upsert([.. Enumerable.Range(0, count).Select(at => new PointWrite(PointId.Of(first + (ulong)at), Payload.Empty, [new NamedVector("", [first + (ulong)at, 1])]))], _ => 0);

    private sealed class Shard
    {
        private ulong index;

        public Shard(PlantedShardBug bug = PlantedShardBug.None)
        {
            Machine = new ShardMachine(4096) { Bug = bug };
            using var config = JsonDocument.Parse("""{"vectors":{"size":2,"distance":"Dot"},"shard_number":1}""");
            Assert.Null(Propose(ShardCommand.Configure(CollectionConfig.Create(config.RootElement, 1).Json)).Fault);
        }

        public Shard(ShardMachine from)
        {
            Machine = new ShardMachine(4096);
            using var view = from.CaptureSnapshot();
            using var builder = Machine.BeginRestore();
            for (var chunk = new ByteBuffer(); view.WriteNext(chunk); chunk.Clear()) builder.ReadNext(chunk.Written);
            builder.Complete();
        }

        public ShardMachine Machine { get; }

        public int Slices { get; private set; }

        public ShardReply Propose(byte[] command)
        {
            var entry = new CommittedEntry { Position = new LogPosition(new Term(1), new LogIndex(++index)), TimeMicros = 0, FeatureLevel = 1, Command = command, ReplyWanted = true };
            ApplyResult result;
            for (result = Machine.Apply(entry); !result.IsDone; result = Machine.Apply(entry)) Slices++;
            return (ShardReply)result.Reply!;
        }
    }
}
