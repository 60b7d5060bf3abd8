using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Endpoints.Routing;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Queries;
using Holdfast.Vectors.Routing;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Tests.Routing;

/// <summary>Answers that are kept by a replica: exact, because any entry makes them worthless.</summary>
public sealed class AnswerCacheTests
{
    [Fact]
    public async Task A_search_that_is_asked_again_is_answered_from_before_until_anything_is_written()
    {
        var (group, cache) = (new LocalShard(0), new AnswerCache());
        var shard = new NearShard(group, 0, cache);
        using var config = System.Text.Json.JsonDocument.Parse("""{"vectors":{"size":1,"distance":"Dot"}}""");
        await shard.ProposeAsync(ShardCommand.Configure(CollectionConfig.Create(config.RootElement, 1).Json), default);
        for (var round = 1; round <= 3; round++)
        {
            await shard.ProposeAsync(ShardCommand.Upsert([new PointWrite(PointId.Of((ulong)round), Payload.Empty, [new NamedVector("", [round])])], _ => 0), default);
            for (var times = 0; times < 4; times++)
            {
                Assert.Equal((ulong)round, (await NearestAsync(shard, 1)).Points[0].Id.Number);
                Assert.Equal(1UL, (await NearestAsync(shard, -1)).Points[0].Id.Number);
            }
        }

        // Of four askings after an entry three are answered from before, and in the first round, when they are first seen, two.
        Assert.Equal(2 * (2 + 3 + 3), cache.Hits);
        var again = await NearestAsync(shard, 1);
        Assert.Equal("answered before", again.Traces[0].Strategy);
    }

    private static async Task<ShardAnswer> NearestAsync(NearShard shard, float to) =>
        await shard.AskAsync(new NearestQuestion(new NearestQuery { Column = 0, Vector = [to], Limit = 2 }), ReadDemand.Strong, default);
}
