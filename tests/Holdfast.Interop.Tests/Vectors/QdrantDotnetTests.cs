using Grpc.Core;
using Qdrant.Client;
using Qdrant.Client.Grpc;

namespace Holdfast.Interop.Tests.Vectors;

/// <summary>Qdrant's client for .NET, unchanged, against real processes: every write goes through one node and is read through all.</summary>
public sealed class QdrantDotnetTests
{
    [Fact]
    public async Task The_dotnet_client_of_qdrant_finds_no_difference_on_three_nodes()
    {
        var ports = Ports.Free(3);
        await using var cluster = await ProcessCluster.StartAsync(3, flagsOf: node => ["--vectors-grpc", $"127.0.0.1:{ports[node]}"]);
        var clients = Array.ConvertAll(ports, port => new QdrantClient("127.0.0.1", port));
        try
        {
            await clients[0].CreateCollectionAsync("c", new VectorParams { Size = 4, Distance = Distance.Cosine }, shardNumber: 2);
            var again = await Assert.ThrowsAsync<RpcException>(() => clients[1].CreateCollectionAsync("c", new VectorParams { Size = 4, Distance = Distance.Cosine }));
            Assert.Equal(StatusCode.AlreadyExists, again.StatusCode);
            var points = Enumerable.Range(1, 50).Select(id => new PointStruct { Id = (ulong)id, Vectors = new float[] { id, 1, 0, 0 }, Payload = { ["n"] = id, ["kind"] = $"k{id % 3}", ["nested"] = new Value { StructValue = new Struct { Fields = { ["deep"] = id * 0.5 } } } } }).ToArray();
            Assert.Equal(UpdateStatus.Completed, (await clients[1].UpsertAsync("c", points)).Status);
            await clients[2].CreatePayloadIndexAsync("c", "kind", PayloadSchemaType.Keyword);
            foreach (var client in clients)
            {
                Assert.True(await client.CollectionExistsAsync("c"));
                Assert.Equal(["c"], await client.ListCollectionsAsync());
                Assert.Equal(50UL, (await client.GetCollectionInfoAsync("c")).PointsCount);
                Assert.Equal(17UL, await client.CountAsync("c", Conditions.MatchKeyword("kind", "k1")));
                var found = await client.QueryAsync("c", query: new float[] { 3, 1, 0, 0 }, filter: Conditions.Range("n", new Qdrant.Client.Grpc.Range { Gte = 3 }), limit: 2, payloadSelector: true, vectorsSelector: true);
                Assert.Equal(3UL, found[0].Id.Num);
                Assert.Equal(1, found[0].Score, 1e-4);
                Assert.Equal(1.5, found[0].Payload["nested"].StructValue.Fields["deep"].DoubleValue);
                var page = await client.ScrollAsync("c", limit: 5, orderBy: new OrderBy { Key = "n", Direction = Direction.Desc });
                Assert.Equal([50UL, 49, 48, 47, 46], page.Result.Select(point => point.Id.Num));
                Assert.Equal(3, (await client.QueryGroupsAsync("c", "kind", query: new float[] { 1, 0, 0, 0 }, limit: 5, groupSize: 2)).Count);
            }

            await clients[2].DeleteAsync("c", Conditions.MatchKeyword("kind", "k0"));
            foreach (var client in clients) Assert.Equal(34UL, await client.CountAsync("c"));
            await clients[1].DeleteCollectionAsync("c");
        }
        finally
        {
            foreach (var client in clients) client.Dispose();
        }
    }
}
