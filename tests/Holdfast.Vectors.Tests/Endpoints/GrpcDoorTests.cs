using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using Google.Protobuf;
using Holdfast.Vectors.Protocol;

#pragma warning disable CS0612 // Clients of two minors ago write numbers where they stood then.

namespace Holdfast.Vectors.Tests.Endpoints;

/// <summary>Qdrant's gRPC: messages, and status codes that its clients look for.</summary>
public sealed class GrpcDoorTests
{
    [Fact]
    public async Task A_collection_and_its_points_are_made_found_and_shown()
    {
        await using var door = await OpenDoor.StartAsync();
        using var client = new Client(door);
        var create = new CreateCollection { CollectionName = "c", ShardNumber = 2, VectorsConfig = new VectorsConfig { Params = new VectorParams { Size = 2, Distance = Distance.Euclid } } };
        Assert.True((await client.CallAsync("Collections/Create", create, CollectionOperationResponse.Parser)).Result);
        Assert.Equal("6 Wrong input: Collection `c` already exists!", await client.RefusedAsync("Collections/Create", create));
        var upsert = new UpsertPoints { CollectionName = "c", Wait = true };
        for (var id = 0; id < 20; id++)
        {
            var point = new PointStruct { Id = new PointId { Num = (ulong)id }, Vectors = new Protocol.Vectors { Vector = new Vector { Dense = new DenseVector { Data = { id, 0 } } } } };
            point.Payload["n"] = new Value { IntegerValue = id };
            point.Payload["tags"] = new Value { ListValue = new ListValue { Values = { new Value { StringValue = $"t{id % 2}" } } } };
            upsert.Points.Add(point);
        }

        Assert.Equal(UpdateStatus.Completed, (await client.CallAsync("Points/Upsert", upsert, PointsOperationResponse.Parser)).Result.Status);
        var found = await client.CallAsync("Points/Query", new QueryPoints
        {
            CollectionName = "c",
            Query = new Query { Nearest = new VectorInput { Dense = new DenseVector { Data = { 10.2f, 0 } } } },
            Filter = new Filter { Must = { new Condition { Field = new FieldCondition { Key = "tags", Match = new Match { Keyword = "t0" } } } }, MustNot = { new Condition { HasId = new HasIdCondition { HasId = { new PointId { Num = 10 } } } } } },
            Limit = 2,
            WithPayload = new WithPayloadSelector { Include = new PayloadIncludeSelector { Fields = { "n" } } },
            WithVectors = new WithVectorsSelector { Enable = true },
        }, QueryResponse.Parser);
        Assert.Equal([12UL, 8UL], found.Result.Select(point => point.Id.Num));
        Assert.Equal(12, found.Result[0].Payload.Single().Value.IntegerValue);
        Assert.Equal([12f, 0f], found.Result[0].Vectors.Vector.Dense.Data);
        Assert.Equal(1.8f, found.Result[0].Score, 1e-4f);
        var searched = await client.CallAsync("Points/Search", new SearchPoints { CollectionName = "c", Vector = { 3, 0 }, Limit = 1, Filter = new Filter { Must = { new Condition { Field = new FieldCondition { Key = "n", Range = new Holdfast.Vectors.Protocol.Range { Gt = 3 } } } } } }, SearchResponse.Parser);
        Assert.Equal(4UL, searched.Result.Single().Id.Num);
        var recommended = await client.CallAsync("Points/Recommend", new RecommendPoints { CollectionName = "c", Positive = { new PointId { Num = 5 } }, PositiveVectors = { new Vector { Dense = new DenseVector { Data = { 7, 0 } } } }, Limit = 1 }, RecommendResponse.Parser);
        Assert.Equal(6UL, recommended.Result.Single().Id.Num);
        var fused = new QueryPoints { CollectionName = "c", Query = new Query { Rrf = new Rrf { K = 1 } }, Limit = 1 };
        fused.Prefetch.Add(new PrefetchQuery { Query = new Query { Nearest = new VectorInput { Id = new PointId { Num = 4 } } }, Limit = 5 });
        fused.Prefetch.Add(new PrefetchQuery { Query = new Query { Nearest = new VectorInput { Dense = new DenseVector { Data = { 3, 0 } } } }, Limit = 5 });
        Assert.Equal(3UL, (await client.CallAsync("Points/Query", fused, QueryResponse.Parser)).Result.Single().Id.Num);
        var page = await client.CallAsync("Points/Scroll", new ScrollPoints { CollectionName = "c", Limit = 3, OrderBy = new OrderBy { Key = "n", Direction = Direction.Desc } }, ScrollResponse.Parser);
        Assert.Equal([19L, 18, 17], page.Result.Select(point => point.OrderValue.Int));
        Assert.Equal(10UL, (await client.CallAsync("Points/Count", new CountPoints { CollectionName = "c", Filter = new Filter { Must = { new Condition { Field = new FieldCondition { Key = "tags", Match = new Match { Keywords = new RepeatedStrings { Strings = { "t1" } } } } } } } }, CountResponse.Parser)).Result.Count);
        Assert.Equal(["t0", "t1"], (await client.CallAsync("Points/Facet", new FacetCounts { CollectionName = "c", Key = "tags" }, FacetResponse.Parser)).Hits.Select(hit => hit.Value.StringValue));
        var groups = await client.CallAsync("Points/QueryGroups", new QueryPointGroups { CollectionName = "c", GroupBy = "tags", GroupSize = 1, Limit = 2, Query = new Query { Nearest = new VectorInput { Dense = new DenseVector { Data = { 5, 0 } } } } }, QueryGroupsResponse.Parser);
        Assert.Equal(["t1", "t0"], groups.Result.Groups.Select(group => group.Id.StringValue));
    }

    [Fact]
    public async Task Changes_by_selectors_reach_the_points_they_name()
    {
        await using var door = await OpenDoor.StartAsync();
        using var client = new Client(door);
        var named = new VectorParamsMap();
        named.Map["a"] = new VectorParams { Size = 1, Distance = Distance.Dot };
        named.Map["b"] = new VectorParams { Size = 2, Distance = Distance.Cosine };
        await client.CallAsync("Collections/Create", new CreateCollection { CollectionName = "c", VectorsConfig = new VectorsConfig { ParamsMap = named }, OptimizersConfig = new OptimizersConfigDiff { IndexingThreshold = 77 } }, CollectionOperationResponse.Parser);
        var update = new UpdateBatchPoints { CollectionName = "c" };
        var both = new NamedVectors();
        both.Vectors["a"] = new Vector { Data = { 1 } };
        both.Vectors["b"] = new Vector { Dense = new DenseVector { Data = { 3, 4 } } };
        var list = new PointsUpdateOperation.Types.PointStructList { Points = { new PointStruct { Id = new PointId { Num = 1 }, Vectors = new Protocol.Vectors { Vectors_ = both } }, new PointStruct { Id = new PointId { Uuid = "5c56c793-69f3-4fbf-87e6-c4bf54c28c26" } } } };
        update.Operations.Add(new PointsUpdateOperation { Upsert = list });
        var set = new PointsUpdateOperation.Types.SetPayload { PointsSelector = new PointsSelector { Points = new PointsIdsList { Ids = { new PointId { Num = 1 } } } } };
        set.Payload["x"] = new Value { DoubleValue = 1.5 };
        update.Operations.Add(new PointsUpdateOperation { SetPayload = set });
        Assert.Equal(2, (await client.CallAsync("Points/UpdateBatch", update, UpdateBatchResponse.Parser)).Result.Count);
        var got = await client.CallAsync("Points/Get", new GetPoints { CollectionName = "c", Ids = { new PointId { Num = 1 } }, WithPayload = new WithPayloadSelector { Enable = true }, WithVectors = new WithVectorsSelector { Include = new VectorsSelector { Names = { "b" } } } }, GetResponse.Parser);
        Assert.Equal(1.5, got.Result.Single().Payload["x"].DoubleValue);
        Assert.Equal([0.6f, 0.8f], got.Result.Single().Vectors.Vectors.Vectors["b"].Dense.Data);
        await client.CallAsync("Points/Delete", new DeletePoints { CollectionName = "c", Points = new PointsSelector { Filter = new Filter { Must = { new Condition { IsEmpty = new IsEmptyCondition { Key = "x" } } } } } }, PointsOperationResponse.Parser);
        Assert.Equal(1UL, (await client.CallAsync("Points/Count", new CountPoints { CollectionName = "c" }, CountResponse.Parser)).Result.Count);
        await client.CallAsync("Points/CreateFieldIndex", new CreateFieldIndexCollection { CollectionName = "c", FieldName = "x", FieldType = FieldType.Float }, PointsOperationResponse.Parser);
        await client.CallAsync("Points/CreateFieldIndex", new CreateFieldIndexCollection { CollectionName = "c", FieldName = "t", FieldIndexParams = new PayloadIndexParams { TextIndexParams = new TextIndexParams { Tokenizer = TokenizerType.Word, Lowercase = true } } }, PointsOperationResponse.Parser);
        await client.CallAsync("Collections/Update", new UpdateCollection { CollectionName = "c", OptimizersConfig = new OptimizersConfigDiff { VacuumMinVectorNumber = 5 } }, CollectionOperationResponse.Parser);
        var info = (await client.CallAsync("Collections/Get", new GetCollectionInfoRequest { CollectionName = "c" }, GetCollectionInfoResponse.Parser)).Result;
        Assert.Equal((CollectionStatus.Green, 1UL), (info.Status, info.PointsCount));
        Assert.Equal((77UL, 5UL), (info.Config.OptimizerConfig.IndexingThreshold, info.Config.OptimizerConfig.VacuumMinVectorNumber));
        Assert.Equal((2UL, Distance.Cosine), (info.Config.Params.VectorsConfig.ParamsMap.Map["b"].Size, info.Config.Params.VectorsConfig.ParamsMap.Map["b"].Distance));
        Assert.Equal((PayloadSchemaType.Float, PayloadSchemaType.Text), (info.PayloadSchema["x"].DataType, info.PayloadSchema["t"].DataType));
        Assert.Equal(TokenizerType.Word, info.PayloadSchema["t"].Params.TextIndexParams.Tokenizer);
    }

    [Fact]
    public async Task What_may_be_written_is_asked_at_its_place_and_what_is_wrong_is_said_in_Qdrants_words()
    {
        await using var door = await OpenDoor.StartAsync();
        using var client = new Client(door);
        await client.CallAsync("Collections/Create", new CreateCollection { CollectionName = "c", VectorsConfig = new VectorsConfig { Params = new VectorParams { Size = 1, Distance = Distance.Dot } }, SparseVectorsConfig = new SparseVectorConfig { Map = { ["words"] = new SparseVectorParams() } } }, CollectionOperationResponse.Parser);
        Assert.Equal(UpdateStatus.Acknowledged, (await client.CallAsync("Points/Upsert", Upsert(1, 1, level: 1), PointsOperationResponse.Parser)).Result.Status);
        var below = new Filter { Must = { new Condition { Field = new FieldCondition { Key = "level", Range = new Holdfast.Vectors.Protocol.Range { Lt = 1 } } } } };
        var refused = Upsert(1, 2, level: 0);
        refused.UpdateFilter = below;
        await client.CallAsync("Points/Upsert", refused, PointsOperationResponse.Parser);
        var inserted = Upsert(1, 3, level: 0);
        inserted.UpdateMode = UpdateMode.InsertOnly;
        await client.CallAsync("Points/Upsert", inserted, PointsOperationResponse.Parser);
        await client.CallAsync("Points/UpdateVectors", new UpdatePointVectors { CollectionName = "c", Wait = true, UpdateFilter = below, Points = { new PointVectors { Id = new PointId { Num = 1 }, Vectors = new Protocol.Vectors { Vector = new Vector { Data = { 4 } } } } } }, PointsOperationResponse.Parser);
        var got = await client.CallAsync("Points/Get", new GetPoints { CollectionName = "c", Ids = { new PointId { Num = 1 } }, WithVectors = new WithVectorsSelector { Enable = true } }, GetResponse.Parser);
        Assert.Equal([1f], got.Result.Single().Vectors.Vector.Dense.Data);

        var sparse = new NamedVectors();
        sparse.Vectors["words"] = new Vector { Sparse = new SparseVector { Indices = { 2, 2 }, Values = { 1, 1 } } };
        Assert.StartsWith("3 Validation error in body: [points[0].vector.?.indices", await client.RefusedAsync("Points/Upsert", new UpsertPoints { CollectionName = "c", Points = { new PointStruct { Id = new PointId { Num = 2 }, Vectors = new Protocol.Vectors { Vectors_ = sparse } } } }), StringComparison.Ordinal);
        Assert.StartsWith("3 Validation error in body: [recommend_points[0].collection_name", await client.RefusedAsync("Points/RecommendBatch", new RecommendBatchPoints { CollectionName = "c", RecommendPoints = { new RecommendPoints { Positive = { new PointId { Num = 1 } } } } }), StringComparison.Ordinal);

        static UpsertPoints Upsert(ulong id, float component, long level)
        {
            var point = new PointStruct { Id = new PointId { Num = id }, Vectors = new Protocol.Vectors { Vector = new Vector { Data = { component } } } };
            point.Payload["level"] = new Value { IntegerValue = level };
            return new UpsertPoints { CollectionName = "c", Points = { point } };
        }
    }

    /// <summary>A zero is not sent, and neither is an enum's first word: both mean what they are.</summary>
    [Fact]
    public async Task What_is_not_sent_because_it_is_zero_counts_all_the_same()
    {
        await using var door = await OpenDoor.StartAsync();
        using var client = new Client(door);
        var named = new VectorParamsMap();
        named.Map["product"] = new VectorParams { Size = 4, Distance = Distance.Dot, QuantizationConfig = new QuantizationConfig { Product = new ProductQuantization { Compression = CompressionRatio.X4 } } };
        named.Map["many"] = new VectorParams { Size = 2, Distance = Distance.Dot, MultivectorConfig = new MultiVectorConfig { Comparator = MultiVectorComparator.MaxSim } };
        var finer = new BinaryQuantization { QueryEncoding = new BinaryQuantizationQueryEncoding { Setting = BinaryQuantizationQueryEncoding.Types.Setting.Scalar8Bits } };
        named.Map["finer"] = new VectorParams { Size = 4, Distance = Distance.Dot, QuantizationConfig = new QuantizationConfig { Binary = finer } };
        await client.CallAsync("Collections/Create", new CreateCollection { CollectionName = "c", VectorsConfig = new VectorsConfig { ParamsMap = named } }, CollectionOperationResponse.Parser);
        var shown = (await client.CallAsync("Collections/Get", new GetCollectionInfoRequest { CollectionName = "c" }, GetCollectionInfoResponse.Parser)).Result.Config.Params.VectorsConfig.ParamsMap.Map;
        Assert.Equal(CompressionRatio.X4, shown["product"].QuantizationConfig.Product.Compression);
        Assert.NotNull(shown["many"].MultivectorConfig);
        Assert.Equal(BinaryQuantizationQueryEncoding.Types.Setting.Scalar8Bits, shown["finer"].QuantizationConfig.Binary.QueryEncoding.Setting);
        var greenwich = new PointStruct { Id = new PointId { Num = 1 }, Vectors = new Protocol.Vectors { Vectors_ = new NamedVectors() } };
        greenwich.Payload["at"] = new Value { StructValue = new Struct() };
        greenwich.Payload["at"].StructValue.Fields["lon"] = new Value { DoubleValue = 0 };
        greenwich.Payload["at"].StructValue.Fields["lat"] = new Value { DoubleValue = 51.5 };
        await client.CallAsync("Points/Upsert", new UpsertPoints { CollectionName = "c", Points = { greenwich } }, PointsOperationResponse.Parser);
        var near = new FieldCondition { Key = "at", GeoRadius = new GeoRadius { Center = new GeoPoint { Lon = 0, Lat = 51.4 }, Radius = 20_000 } };
        Assert.Equal(1UL, (await client.CallAsync("Points/Count", new CountPoints { CollectionName = "c", Filter = new Filter { Must = { new Condition { Field = near } } } }, CountResponse.Parser)).Result.Count);
        var optional = new MinShould { MinCount = 0, Conditions = { new Condition { Field = new FieldCondition { Key = "nothing", IsEmpty = false } } } };
        Assert.Equal(1UL, (await client.CallAsync("Points/Count", new CountPoints { CollectionName = "c", Filter = new Filter { MinShould = optional } }, CountResponse.Parser)).Result.Count);
    }

    [Fact]
    public async Task A_shard_key_that_is_not_there_has_another_in_its_place()
    {
        await using var door = await OpenDoor.StartAsync();
        using var client = new Client(door);
        await client.CallAsync("Collections/Create", new CreateCollection { CollectionName = "c", ShardingMethod = ShardingMethod.Custom, VectorsConfig = new VectorsConfig { Params = new VectorParams { Size = 1, Distance = Distance.Dot } } }, CollectionOperationResponse.Parser);
        await client.CallAsync("Collections/CreateShardKey", new CreateShardKeyRequest { CollectionName = "c", Request = new CreateShardKey { ShardKey = new ShardKey { Keyword = "all" } } }, CreateShardKeyResponse.Parser);
        var asked = new ShardKeySelector { ShardKeys = { new ShardKey { Keyword = "one" } }, Fallback = new ShardKey { Keyword = "all" } };
        var point = new PointStruct { Id = new PointId { Num = 1 }, Vectors = new Protocol.Vectors { Vector = new Vector { Data = { 1 } } } };
        await client.CallAsync("Points/Upsert", new UpsertPoints { CollectionName = "c", Points = { point }, ShardKeySelector = asked }, PointsOperationResponse.Parser);
        Assert.Equal(1UL, (await client.CallAsync("Points/Count", new CountPoints { CollectionName = "c", ShardKeySelector = new ShardKeySelector { ShardKeys = { new ShardKey { Keyword = "all" } } } }, CountResponse.Parser)).Result.Count);
        asked.ShardKeys.Add(new ShardKey { Keyword = "two" });
        Assert.StartsWith("3 ", await client.RefusedAsync("Points/Count", new CountPoints { CollectionName = "c", ShardKeySelector = asked }), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_wrong_is_said_by_its_code()
    {
        await using var door = await OpenDoor.StartAsync();
        using var client = new Client(door);
        Assert.Equal("1.18.0", (await client.CallAsync("Qdrant/HealthCheck", new HealthCheckRequest(), HealthCheckReply.Parser)).Version);
        Assert.Equal("5 Not found: Collection `c` doesn't exist!", await client.RefusedAsync("Points/Count", new CountPoints { CollectionName = "c" }));
        Assert.StartsWith("12 ", await client.RefusedAsync("Points/Nothing", new CountPoints()), StringComparison.Ordinal);
        await client.CallAsync("Collections/Create", new CreateCollection { CollectionName = "c", VectorsConfig = new VectorsConfig { Params = new VectorParams { Size = 2, Distance = Distance.Dot } } }, CollectionOperationResponse.Parser);
        var wrong = new PointStruct { Id = new PointId { Num = 1 }, Vectors = new Protocol.Vectors { Vector = new Vector { Data = { 1, 2, 3 } } } };
        Assert.Equal("3 Wrong input: Vector dimension error: expected dim: 2, got 3", await client.RefusedAsync("Points/Upsert", new UpsertPoints { CollectionName = "c", Points = { wrong } }));
        wrong.Vectors.Vector = new Vector { Data = { 1, float.NaN } };
        Assert.StartsWith("3 ", await client.RefusedAsync("Points/Upsert", new UpsertPoints { CollectionName = "c", Points = { wrong } }), StringComparison.Ordinal);
        Assert.StartsWith("3 ", await client.RefusedAsync("Points/Query", new QueryPoints { CollectionName = "c", Query = new Query { Nearest = new VectorInput { Dense = new DenseVector { Data = { 1, float.PositiveInfinity } } } } }), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_waits_is_told_of_a_point_that_is_not_there()
    {
        await using var door = await OpenDoor.StartAsync();
        using var client = new Client(door);
        await client.CallAsync("Collections/Create", new CreateCollection { CollectionName = "c", VectorsConfig = new VectorsConfig { Params = new VectorParams { Size = 1, Distance = Distance.Dot } } }, CollectionOperationResponse.Parser);
        var absent = new PointsSelector { Points = new PointsIdsList { Ids = { new PointId { Uuid = "5C56C793-69F3-4FBF-87E6-C4BF54C28C26" } } } };
        Assert.Equal("5 Not found: No point with id 5c56c793-69f3-4fbf-87e6-c4bf54c28c26 found", await client.RefusedAsync("Points/ClearPayload", new ClearPayloadPoints { CollectionName = "c", Points = absent, Wait = true }));
        await client.CallAsync("Points/ClearPayload", new ClearPayloadPoints { CollectionName = "c", Points = absent }, PointsOperationResponse.Parser);
        await client.CallAsync("Points/Delete", new DeletePoints { CollectionName = "c", Points = absent, Wait = true }, PointsOperationResponse.Parser);
        var moved = new UpdatePointVectors { CollectionName = "c", Points = { new PointVectors { Id = new PointId { Num = 3 }, Vectors = new Protocol.Vectors { Vector = new Vector { Data = { 1 } } } } } };
        await client.CallAsync("Points/UpdateVectors", moved, PointsOperationResponse.Parser);
        moved.Wait = true;
        Assert.Equal("5 Not found: No point with id 3 found", await client.RefusedAsync("Points/UpdateVectors", moved));
        var batch = new UpdateBatchPoints { CollectionName = "c", Wait = true };
        batch.Operations.Add(new PointsUpdateOperation { ClearPayload = new PointsUpdateOperation.Types.ClearPayload { Points = absent } });
        Assert.StartsWith("5 ", await client.RefusedAsync("Points/UpdateBatch", batch), StringComparison.Ordinal);
    }

    /// <summary>gRPC by hand: no client library lies between the test and the wire.</summary>
    private sealed class Client : IDisposable
    {
        private readonly HttpClient http;

        public Client(OpenDoor door) => http = new HttpClient { BaseAddress = new Uri($"http://{door.Grpc}/"), DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };

        public async Task<TResponse> CallAsync<TResponse>(string method, IMessage request, MessageParser<TResponse> parser)
            where TResponse : IMessage<TResponse>
        {
            var (status, body) = await SendAsync(method, request);
            Assert.Equal("0", status);
            return parser.ParseFrom(body.AsSpan(5));
        }

        public async Task<string> RefusedAsync(string method, IMessage request) => (await SendAsync(method, request)).Status;

        public void Dispose() => http.Dispose();

        private async Task<(string Status, byte[] Body)> SendAsync(string method, IMessage request)
        {
            var bytes = new byte[5 + request.CalculateSize()];
            BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(1), (uint)request.CalculateSize());
            request.WriteTo(bytes.AsSpan(5));
            using var content = new ByteArrayContent(bytes) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } };
            using var message = new HttpRequestMessage(HttpMethod.Post, $"/qdrant.{method}") { Content = content, Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
            using var response = await http.SendAsync(message);
            var body = await response.Content.ReadAsByteArrayAsync();
            var headers = response.TrailingHeaders.Contains("grpc-status") ? (HttpHeaders)response.TrailingHeaders : response.Headers;
            var status = headers.GetValues("grpc-status").Single();
            return (headers.TryGetValues("grpc-message", out var said) ? $"{status} {Uri.UnescapeDataString(said.Single())}" : status, body);
        }
    }
}
