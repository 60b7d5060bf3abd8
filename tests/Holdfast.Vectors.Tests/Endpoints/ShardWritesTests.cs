using System.Text;
using System.Text.Json;
using Holdfast.Cluster;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Endpoints.Routing;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Queries;
using Holdfast.Vectors.Routing;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Tests.Endpoints;

/// <summary>A request's way to several shards: all are asked at once, what is known to be refused is refused before any has done something, and what is done by half says so. (Beside splits: the world of splits.)</summary>
public sealed class ShardWritesTests
{
    private static readonly WriteFence Old = new(Encoding.UTF8.GetBytes("jobs"), new FencingToken(4));
    private static readonly WriteFence New = new(Encoding.UTF8.GetBytes("jobs"), new FencingToken(5));

    [Fact]
    public async Task All_shards_are_asked_before_one_has_answered()
    {
        var room = await Room.MakeAsync();
        var open = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var asked = new HashSet<int>();
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        room.Before = async shard =>
        {
            lock (asked)
                if (asked.Add(shard) && asked.Count == 3) all.SetResult();
            await open.Task;
        };
        var writing = room.Face.UpsertAsync(room.Record, Points(0, 60), null, default);
        await all.Task.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        Assert.False(writing.IsCompleted);
        open.SetResult();
        await writing;
        Assert.Equal(60, await room.CountAsync());
    }

    [Fact]
    public async Task Of_two_points_of_one_name_in_a_request_the_later_one_stays()
    {
        var room = await Room.MakeAsync(pointsPerCommand: 2);
        await room.Face.UpsertAsync(room.Record, [.. Points(0, 20), .. Points(0, 20, "later")], null, default);
        foreach (var point in await room.ReadAsync()) Assert.Contains("later", Encoding.UTF8.GetString(point.Payload.Json), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("None", 0)]
    [InlineData("ForeseesNothing", 1)] // A planted bug, found.
    public async Task A_former_holder_whom_one_shard_knows_to_be_one_writes_on_none(string bug, int atLeast)
    {
        var room = await Room.MakeAsync(bug: Enum.Parse<PlantedWriteBug>(bug));
        await room.Face.Under(New).UpsertAsync(room.Record, [Points(0, 60)[0]], null, default);
        var fault = await Assert.ThrowsAsync<VectorFault>(() => room.Face.Under(Old).UpsertAsync(room.Record, Points(100, 60), null, default));
        Assert.Equal(412, fault.Status);
        Assert.Equal(atLeast > 0, await room.CountAsync() > 1);
        Assert.Equal(atLeast > 0, fault.Message.Contains("a part of the request was done", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_shard_that_is_away_is_told_with_what_the_others_have_done()
    {
        var room = await Room.MakeAsync();
        room.Before = static shard => shard == 1 ? throw VectorFault.Unavailable("away; nothing was written") : Task.CompletedTask;
        var fault = await Assert.ThrowsAsync<VectorFault>(() => room.Face.UpsertAsync(room.Record, Points(0, 60), null, default));
        Assert.Equal((500, "a part of the request was done, and another refused: Service unavailable: away; nothing was written"), (fault.Status, fault.Message));
        Assert.InRange(await room.CountAsync(), 1, 59);
        room.Before = static _ => throw VectorFault.Unavailable("away; nothing was written");
        Assert.Equal(503, (await Assert.ThrowsAsync<VectorFault>(() => room.Face.UpsertAsync(room.Record, Points(0, 60), null, default))).Status);
    }

    [Fact]
    public async Task A_turn_ends_when_a_write_is_proposed_and_not_when_it_is_done()
    {
        var room = await Room.MakeAsync();
        var open = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        room.Before = _ => open.Task;
        var turn = await room.Turns.TakeAsync(1 << 20, TestContext.Current.CancellationToken);
        var writing = room.Face.Under(null, turn).UpsertAsync(room.Record, Points(0, 60), null, default);
        (await room.Turns.TakeAsync(1 << 20, TestContext.Current.CancellationToken))!.Dispose(); // Another has its turn while the first waits.
        open.SetResult();
        await writing;
    }

    private static List<PointWrite> Points(int from, int count, string text = "t") =>
        [.. Enumerable.Range(from, count).Select(id => new PointWrite(PointId.Of((ulong)id), Payload.FromNormalised(Encoding.UTF8.GetBytes($$"""{"t":"{{text}}"}""")), [new NamedVector("", [id, 1])]))];

    /// <summary>Three shards in this process, with what happens before each is proposed to.</summary>
    private sealed class Room
    {
        private Room(LocalCollections collections, CollectionRecord record, int pointsPerCommand, PlantedWriteBug bug)
        {
            (Record, Turns) = (record, collections.Turns);
            Face = new VectorFace(new Watched(collections, this)) { PointsPerCommand = pointsPerCommand, Bug = bug };
        }

        public VectorFace Face { get; }

        public CollectionRecord Record { get; }

        public WriteTurns Turns { get; }

        public Func<int, Task> Before { get; set; } = static _ => Task.CompletedTask;

        public static async Task<Room> MakeAsync(int pointsPerCommand = 1000, PlantedWriteBug bug = PlantedWriteBug.None)
        {
            using var config = JsonDocument.Parse("""{"vectors":{"size":2,"distance":"Dot"},"shard_number":3}""");
            var collections = new LocalCollections(null);
            Assert.True(await collections.CreateAsync("c", CollectionConfig.Create(config.RootElement, 1), default));
            return new Room(collections, (await collections.FindAsync("c", default))!, pointsPerCommand, bug);
        }

        public Task<long> CountAsync() => Face.CountAsync(Record, null, ReadScope.Strong(default));

        public async Task<List<FoundPoint>> ReadAsync() => (await Face.ScrollAsync(Record, null, 1000, null, new ContentWanted(true, 0), ReadScope.Strong(default))).Points;
    }

    private sealed class WatchedShard(IShard shard, int number, Room room) : IShard
    {
        public async ValueTask<ShardReply> ProposeAsync(byte[] command, CancellationToken cancel)
        {
            await room.Before(number);
            return await shard.ProposeAsync(command, cancel);
        }

        public ValueTask ForeseeAsync(byte[] command, CancellationToken cancel) => shard.ForeseeAsync(command, cancel);

        public ValueTask<ShardAnswer> AskAsync(ShardQuestion question, ReadDemand demand, CancellationToken cancel) => shard.AskAsync(question, demand, cancel);
    }

    private sealed class Watched(LocalCollections inner, Room room) : PassedOn(inner)
    {
        public override async ValueTask<IShard> ShardAsync(CollectionRecord collection, int shard, CancellationToken cancel) => new WatchedShard(await base.ShardAsync(collection, shard, cancel), shard, room);
    }
}
