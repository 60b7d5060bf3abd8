using System.Text.Json;
using Holdfast.Cluster;
using Holdfast.Primitives;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Endpoints.Routing;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Queries;
using Holdfast.Vectors.Routing;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Tests.Routing;

/// <summary>Answers that a replica keeps: told again while nothing was written, and never after.</summary>
public sealed class ResultCacheTests
{
    private static readonly CollectionConfig Config = CollectionConfig.Create(JsonDocument.Parse("""{"vectors":{"size":2,"distance":"Euclid"}}""").RootElement, 1);

    [Fact]
    public async Task An_answer_is_told_again_until_anything_is_written_and_then_found_anew()
    {
        var (group, now) = (new LocalShard(100), new Instant(0));
        var cache = new LocalCache(1 << 20, () => now);
        var shard = new NearShard(group, 7, new ResultCache(cache, new GroupId(4), () => group.Machine.Version, () => Config.Columns));
        await group.ProposeAsync(ShardCommand.Configure(Config.Json), Cancel);
        await WriteAsync(1, 1);
        Assert.Equal((1UL, "scan"), await NearestAsync(0));
        Assert.Equal((1UL, "kept answer"), await NearestAsync(0));
        Assert.Equal((1UL, "scan"), await NearestAsync(0.5f));
        await WriteAsync(2, 0);
        Assert.Equal((2UL, "scan"), await NearestAsync(0));
        Assert.Equal((2UL, "kept answer"), await NearestAsync(0));
        await group.ProposeAsync(ShardCommand.Delete([PointId.Of(2)]), Cancel);
        Assert.Equal((1UL, "scan"), await NearestAsync(0));
        now += TimeSpan.FromMinutes(2);
        Assert.Equal((1UL, "scan"), await NearestAsync(0));

        Task WriteAsync(ulong id, float at) => group.ProposeAsync(ShardCommand.Upsert([new PointWrite(PointId.Of(id), Payload.Empty, [new("", [at, 0])])], Config.ColumnOf), Cancel).AsTask();

        async Task<(ulong Id, string Strategy)> NearestAsync(float to)
        {
            var answer = await shard.AskAsync(new NearestQuestion(new NearestQuery { Column = 0, Vector = [to, 0], Limit = 1 }) { Wanted = ContentWanted.Everything }, ReadDemand.Strong, Cancel);
            Assert.Equal([answer.Points[0].Id.Number == 1 ? 1f : 0f, 0f], answer.Points[0].Vectors[0].Values);
            return (answer.Points[0].Id.Number, answer.Traces[0].Strategy);
        }
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;
}
