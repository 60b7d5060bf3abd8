using System.Text.Json;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Endpoints.Access;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Endpoints.Operations;
using Holdfast.Vectors.Protocol;
using Holdfast.Vectors.Queries;
using PointWrite = Holdfast.Vectors.Points.PointWrite;
using Proto = Holdfast.Vectors.Protocol;

namespace Holdfast.Vectors.Endpoints.Grpc;

/// <summary>Qdrant's gRPC service for points.</summary>
internal static class PointMethods
{
    private const string Service = "qdrant.Points";

    public static readonly IReadOnlyList<GrpcMethod> All =
    [
        new UpsertMethod(Service, UpsertAsync, (call, request) => WriteAsync(call, request.CollectionName, request, request.HasTimeout ? request.Timeout : null, Changes.UpsertAsync)),
        new GrpcMethod<UpdatePointVectors>(Service, "UpdateVectors", AccessRight.Write, UpdatePointVectors.Parser, static request => request.CollectionName, UpdateVectorsAsync),
        new GrpcMethod<DeletePoints>(Service, "Delete", AccessRight.Write, DeletePoints.Parser, static request => request.CollectionName, (call, request) => WriteAsync(call, request.CollectionName, request, request.HasTimeout ? request.Timeout : null, Changes.DeleteAsync)),
        new GrpcMethod<DeletePointVectors>(Service, "DeleteVectors", AccessRight.Write, DeletePointVectors.Parser, static request => request.CollectionName, (call, request) => WriteAsync(call, request.CollectionName, request, request.HasTimeout ? request.Timeout : null, Changes.DeleteVectorsAsync)),
        new GrpcMethod<SetPayloadPoints>(Service, "SetPayload", AccessRight.Write, SetPayloadPoints.Parser, static request => request.CollectionName, (call, request) => WriteAsync(call, request.CollectionName, request, request.HasTimeout ? request.Timeout : null, Changes.SetPayloadAsync)),
        new GrpcMethod<SetPayloadPoints>(Service, "OverwritePayload", AccessRight.Write, SetPayloadPoints.Parser, static request => request.CollectionName, (call, request) => WriteAsync(call, request.CollectionName, request, request.HasTimeout ? request.Timeout : null, Changes.OverwritePayloadAsync)),
        new GrpcMethod<DeletePayloadPoints>(Service, "DeletePayload", AccessRight.Write, DeletePayloadPoints.Parser, static request => request.CollectionName, (call, request) => WriteAsync(call, request.CollectionName, request, request.HasTimeout ? request.Timeout : null, Changes.DeletePayloadAsync)),
        new GrpcMethod<ClearPayloadPoints>(Service, "ClearPayload", AccessRight.Write, ClearPayloadPoints.Parser, static request => request.CollectionName, (call, request) => WriteAsync(call, request.CollectionName, request, request.HasTimeout ? request.Timeout : null, Changes.ClearPayloadAsync)),
        new GrpcMethod<UpdateBatchPoints>(Service, "UpdateBatch", AccessRight.Write, UpdateBatchPoints.Parser, static request => request.CollectionName, BatchAsync),
        new GrpcMethod<CreateFieldIndexCollection>(Service, "CreateFieldIndex", AccessRight.Index, CreateFieldIndexCollection.Parser, static request => request.CollectionName, CreateIndexAsync),
        new GrpcMethod<DeleteFieldIndexCollection>(Service, "DeleteFieldIndex", AccessRight.Index, DeleteFieldIndexCollection.Parser, static request => request.CollectionName, DeleteIndexAsync),
        new GrpcMethod<GetPoints>(Service, "Get", AccessRight.Read, GetPoints.Parser, static request => request.CollectionName, GetAsync),
        new GrpcMethod<ScrollPoints>(Service, "Scroll", AccessRight.Read, ScrollPoints.Parser, static request => request.CollectionName, ScrollAsync),
        new GrpcMethod<CountPoints>(Service, "Count", AccessRight.Read, CountPoints.Parser, static request => request.CollectionName, CountAsync),
        new GrpcMethod<FacetCounts>(Service, "Facet", AccessRight.Read, FacetCounts.Parser, static request => request.CollectionName, FacetAsync),
        new GrpcMethod<SearchMatrixPoints>(Service, "SearchMatrixPairs", AccessRight.Read, SearchMatrixPoints.Parser, static request => request.CollectionName, PairsAsync),
        new GrpcMethod<SearchMatrixPoints>(Service, "SearchMatrixOffsets", AccessRight.Read, SearchMatrixPoints.Parser, static request => request.CollectionName, OffsetsAsync),
        new GrpcMethod<CreateVectorNameRequest>(Service, "CreateVectorName", AccessRight.Manage, CreateVectorNameRequest.Parser, static request => request.CollectionName, (call, request) => ChangeVectorsAsync(call, request.CollectionName, request, request.HasTimeout ? request.Timeout : null, (config, body) => CollectionChange.MakeVector(config, request.VectorName, body))),
        new GrpcMethod<DeleteVectorNameRequest>(Service, "DeleteVectorName", AccessRight.Manage, DeleteVectorNameRequest.Parser, static request => request.CollectionName, (call, request) => ChangeVectorsAsync(call, request.CollectionName, request, request.HasTimeout ? request.Timeout : null, (config, _) => CollectionChange.DeleteVector(config, request.VectorName))),
        .. SearchMethods.All,
    ];

    private static Task<IMessage> ChangeVectorsAsync(GrpcCall call, string name, IMessage request, ulong? timeout, Func<Collections.CollectionConfig, JsonElement, Collections.CollectionConfig> change) => call.RunAsync<IMessage>(name, request, null, timeout, async here =>
        Done(here, call, await CollectionCalls.ChangeAsync(here, name, config => change(config, here.Body)).ConfigureAwait(false)));

    private static async Task<IMessage> WriteAsync(GrpcCall call, string collection, IMessage request, ulong? timeout, Func<VectorCall, CollectionRecord, JsonElement, Task<WriteDone>> change) =>
        await call.RunAsync<IMessage>(collection, request, null, timeout, async here => Done(here, call, await change(here, await here.CollectionAsync().ConfigureAwait(false), here.Body).ConfigureAwait(false))).ConfigureAwait(false);

    private static PointsOperationResponse Done(VectorCall here, GrpcCall call, WriteDone done) => new() { Result = Result(here, here.Wrote(done)), Time = call.Time };

    /// <summary>Who does not wait is told that it is acknowledged, as in Qdrant; it is completed all the same (S24).</summary>
    private static UpdateResult Result(VectorCall here, ulong number) => new() { OperationId = number, Status = here.Waits ? UpdateStatus.Completed : UpdateStatus.Acknowledged };

    private static IReadOnlyList<string>? KeysOf(ShardKeySelector? selector) => selector switch
    {
        null or { ShardKeys.Count: 0 } => null,
        { Fallback: null } => [.. selector.ShardKeys.Select(ProtoPoints.Key)],
        { ShardKeys.Count: 1 } => [ShardLayout.KeyOrElse(ProtoPoints.Key(selector.ShardKeys[0]), ProtoPoints.Key(selector.Fallback))],
        _ => throw VectorFault.BadInput("A fallback shard key takes the place of exactly one shard key"),
    };

    private static Task<IMessage> UpsertAsync(GrpcCall call, UpsertPoints request, int count, Func<List<PointWrite>> read) => call.RunAsync<IMessage>(request.CollectionName, null, null, request.HasTimeout ? request.Timeout : null, async here =>
    {
        var collection = await here.CollectionAsync(KeysOf(request.ShardKeySelector), count).ConfigureAwait(false);
        var points = read();
        await StrictCheck.OnUpsertAsync(here, collection, points).ConfigureAwait(false);
        await TenantCheck.OnUpsertAsync(here, collection, points).ConfigureAwait(false);
        return Done(here, call, await here.Face.UpsertAsync(collection, points, KeysOf(request.ShardKeySelector), here.Cancelled).ConfigureAwait(false));
    }, request.Wait);

    private static Task<IMessage> UpdateVectorsAsync(GrpcCall call, UpdatePointVectors request) => request.UpdateFilter is not null
        ? WriteAsync(call, request.CollectionName, request, request.HasTimeout ? request.Timeout : null, Changes.UpdateVectorsAsync)
        : UpdateVectorsOfAllAsync(call, request);

    private static Task<IMessage> UpdateVectorsOfAllAsync(GrpcCall call, UpdatePointVectors request) => call.RunAsync<IMessage>(request.CollectionName, null, null, request.HasTimeout ? request.Timeout : null, async here =>
    {
        var collection = await here.CollectionAsync(KeysOf(request.ShardKeySelector), request.Points.Count).ConfigureAwait(false);
        return Done(here, call, await Changes.UpdateVectorsAsync(here, collection, ProtoPoints.Read(request.Points), null, KeysOf(request.ShardKeySelector)).ConfigureAwait(false));
    }, request.Wait);

    private static Task<IMessage> BatchAsync(GrpcCall call, UpdateBatchPoints request) => call.RunAsync<IMessage>(request.CollectionName, request, null, request.HasTimeout ? request.Timeout : null, async here =>
    {
        var numbers = await Changes.BatchAsync(here, await here.CollectionAsync().ConfigureAwait(false), Json.Required(here.Body, "operations")).ConfigureAwait(false);
        var response = new UpdateBatchResponse { Time = call.Time };
        response.Result.AddRange(numbers.Select(number => Result(here, number)));
        return response;
    });

    private static Task<IMessage> CreateIndexAsync(GrpcCall call, CreateFieldIndexCollection request) => call.RunAsync<IMessage>(request.CollectionName, request, null, request.HasTimeout ? request.Timeout : null, async here =>
    {
        var collection = await here.CollectionAsync().ConfigureAwait(false);
        var schema = Json.Field(here.Body, "field_index_params") ?? Json.Field(here.Body, "field_type") ?? throw VectorFault.BadInput("Field type is undefined and can't be inferred");
        return Done(here, call, await CollectionCalls.CreateIndexAsync(here, collection, request.FieldName, schema).ConfigureAwait(false));
    });

    private static Task<IMessage> DeleteIndexAsync(GrpcCall call, DeleteFieldIndexCollection request) => call.RunAsync<IMessage>(request.CollectionName, null, null, request.HasTimeout ? request.Timeout : null, async here =>
        Done(here, call, await here.Face.IndexAsync(await here.CollectionAsync().ConfigureAwait(false), Shards.ShardCommand.DeleteIndex(request.FieldName), here.Cancelled).ConfigureAwait(false)), request.Wait);

    private static Task<IMessage> GetAsync(GrpcCall call, GetPoints request) => call.RunAsync<IMessage>(request.CollectionName, request, request.ReadConsistency, request.HasTimeout ? request.Timeout : null, async here =>
    {
        var (collection, points, shown) = await Reads.RetrieveAsync(here, here.Body).ConfigureAwait(false);
        var response = new GetResponse { Time = call.Time };
        response.Result.AddRange(points.Select(point => ProtoPoints.Retrieved(collection, point, shown)));
        return response;
    });

    private static Task<IMessage> ScrollAsync(GrpcCall call, ScrollPoints request) => call.RunAsync<IMessage>(request.CollectionName, request, request.ReadConsistency, request.HasTimeout ? request.Timeout : null, async here =>
    {
        var (collection, points, shown, next) = await Reads.ScrollAsync(here, here.Body).ConfigureAwait(false);
        var response = new ScrollResponse { Time = call.Time, NextPageOffset = next is { } id ? ProtoPoints.Id(id) : null };
        response.Result.AddRange(points.Select(point => ProtoPoints.Retrieved(collection, point, shown)));
        return response;
    });

    private static Task<IMessage> CountAsync(GrpcCall call, CountPoints request) => call.RunAsync<IMessage>(request.CollectionName, request, request.ReadConsistency, request.HasTimeout ? request.Timeout : null, async here =>
        new CountResponse { Result = new CountResult { Count = (ulong)await Reads.CountAsync(here, here.Body).ConfigureAwait(false) }, Time = call.Time });

    private static Task<IMessage> FacetAsync(GrpcCall call, FacetCounts request) => call.RunAsync<IMessage>(request.CollectionName, request, request.ReadConsistency, request.HasTimeout ? request.Timeout : null, async here =>
    {
        var response = new FacetResponse();
        response.Hits.AddRange((await Reads.FacetAsync(here, here.Body).ConfigureAwait(false)).Select(each => new FacetHit { Value = ProtoPoints.Facet(each.Key), Count = (ulong)each.Value }));
        response.Time = call.Time;
        return response;
    });

    private static Task<MatrixDone> MatrixAsync(GrpcCall call, SearchMatrixPoints request) => call.RunAsync(request.CollectionName, request, request.ReadConsistency, request.HasTimeout ? request.Timeout : null, async here =>
        await Searches.MatrixAsync(here, await here.CollectionAsync().ConfigureAwait(false), here.Body).ConfigureAwait(false));

    private static async Task<IMessage> PairsAsync(GrpcCall call, SearchMatrixPoints request)
    {
        var done = await MatrixAsync(call, request).ConfigureAwait(false);
        var pairs = new SearchMatrixPairs();
        pairs.Pairs.AddRange(done.Pairs.Select(pair => new SearchMatrixPair { A = ProtoPoints.Id(done.Ids[pair.One]), B = ProtoPoints.Id(done.Ids[pair.Other]), Score = pair.Score }));
        return new SearchMatrixPairsResponse { Result = pairs, Time = call.Time };
    }

    private static async Task<IMessage> OffsetsAsync(GrpcCall call, SearchMatrixPoints request)
    {
        var done = await MatrixAsync(call, request).ConfigureAwait(false);
        var offsets = new SearchMatrixOffsets();
        offsets.OffsetsRow.AddRange(done.Pairs.Select(pair => (ulong)pair.One));
        offsets.OffsetsCol.AddRange(done.Pairs.Select(pair => (ulong)pair.Other));
        offsets.Scores.AddRange(done.Pairs.Select(pair => pair.Score));
        offsets.Ids.AddRange(done.Ids.Select(id => ProtoPoints.Id(id)));
        return new SearchMatrixOffsetsResponse { Result = offsets, Time = call.Time };
    }
}

/// <summary>The searches of that service: the query methods, and the older ones that clients still call.</summary>
internal static class SearchMethods
{
    private const string Service = "qdrant.Points";

    public static readonly IReadOnlyList<GrpcMethod> All =
    [
        new GrpcMethod<QueryPoints>(Service, "Query", AccessRight.Read, QueryPoints.Parser, static request => request.CollectionName, (call, request) => OneAsync(call, request.CollectionName, request, request.ReadConsistency, request.HasTimeout ? request.Timeout : null, QueryBodies.ReadAsync, points => Filled(new QueryResponse { Time = call.Time }, response => response.Result.AddRange(points)))),
        new GrpcMethod<SearchPoints>(Service, "Search", AccessRight.Read, SearchPoints.Parser, static request => request.CollectionName, (call, request) => OneAsync(call, request.CollectionName, request, request.ReadConsistency, request.HasTimeout ? request.Timeout : null, ReadSearchAsync, points => Filled(new SearchResponse { Time = call.Time }, response => response.Result.AddRange(points)))),
        new GrpcMethod<RecommendPoints>(Service, "Recommend", AccessRight.Read, RecommendPoints.Parser, static request => request.CollectionName, (call, request) => OneAsync(call, request.CollectionName, request, request.ReadConsistency, request.HasTimeout ? request.Timeout : null, ReadRecommendationAsync, points => Filled(new RecommendResponse { Time = call.Time }, response => response.Result.AddRange(points)))),
        new GrpcMethod<DiscoverPoints>(Service, "Discover", AccessRight.Read, DiscoverPoints.Parser, static request => request.CollectionName, (call, request) => OneAsync(call, request.CollectionName, request, request.ReadConsistency, request.HasTimeout ? request.Timeout : null, QueryBodies.ReadDiscoveryAsync, points => Filled(new DiscoverResponse { Time = call.Time }, response => response.Result.AddRange(points)))),
        new GrpcMethod<QueryBatchPoints>(Service, "QueryBatch", AccessRight.Read, QueryBatchPoints.Parser, static request => request.CollectionName, (call, request) => ManyAsync(call, request.CollectionName, request, "query_points", request.ReadConsistency, request.HasTimeout ? request.Timeout : null, QueryBodies.ReadAsync, results => Filled(new QueryBatchResponse { Time = call.Time }, response => response.Result.AddRange(results)))),
        new GrpcMethod<SearchBatchPoints>(Service, "SearchBatch", AccessRight.Read, SearchBatchPoints.Parser, static request => request.CollectionName, (call, request) => ManyAsync(call, request.CollectionName, request, "search_points", request.ReadConsistency, request.HasTimeout ? request.Timeout : null, ReadSearchAsync, results => Filled(new SearchBatchResponse { Time = call.Time }, response => response.Result.AddRange(results)))),
        new GrpcMethod<RecommendBatchPoints>(Service, "RecommendBatch", AccessRight.Read, RecommendBatchPoints.Parser, static request => request.CollectionName, (call, request) => ManyAsync(call, request.CollectionName, request, "recommend_points", request.ReadConsistency, request.HasTimeout ? request.Timeout : null, ReadRecommendationAsync, results => Filled(new RecommendBatchResponse { Time = call.Time }, response => response.Result.AddRange(results)))),
        new GrpcMethod<DiscoverBatchPoints>(Service, "DiscoverBatch", AccessRight.Read, DiscoverBatchPoints.Parser, static request => request.CollectionName, (call, request) => ManyAsync(call, request.CollectionName, request, "discover_points", request.ReadConsistency, request.HasTimeout ? request.Timeout : null, QueryBodies.ReadDiscoveryAsync, results => Filled(new DiscoverBatchResponse { Time = call.Time }, response => response.Result.AddRange(results)))),
        new GrpcMethod<QueryPointGroups>(Service, "QueryGroups", AccessRight.Read, QueryPointGroups.Parser, static request => request.CollectionName, (call, request) => GroupsAsync(call, request.CollectionName, request, request.ReadConsistency, request.HasTimeout ? request.Timeout : null, QueryBodies.ReadAsync, result => new QueryGroupsResponse { Result = result, Time = call.Time })),
        new GrpcMethod<SearchPointGroups>(Service, "SearchGroups", AccessRight.Read, SearchPointGroups.Parser, static request => request.CollectionName, (call, request) => GroupsAsync(call, request.CollectionName, request, request.ReadConsistency, request.HasTimeout ? request.Timeout : null, ReadSearchAsync, result => new SearchGroupsResponse { Result = result, Time = call.Time })),
        new GrpcMethod<RecommendPointGroups>(Service, "RecommendGroups", AccessRight.Read, RecommendPointGroups.Parser, static request => request.CollectionName, (call, request) => GroupsAsync(call, request.CollectionName, request, request.ReadConsistency, request.HasTimeout ? request.Timeout : null, ReadRecommendationAsync, result => new RecommendGroupsResponse { Result = result, Time = call.Time })),
    ];

    private static TMessage Filled<TMessage>(TMessage message, Action<TMessage> fill)
        where TMessage : IMessage
    {
        fill(message);
        return message;
    }

    private static Task<IMessage> OneAsync(GrpcCall call, string collection, IMessage request, ReadConsistency? consistency, ulong? timeout, ReadQuery read, Func<IEnumerable<ScoredPoint>, IMessage> respond) =>
        call.RunAsync(collection, request, consistency, timeout, async here => respond(Scored(await Searches.OneAsync(here, await here.CollectionAsync().ConfigureAwait(false), here.Body, read).ConfigureAwait(false))));

    private static Task<IMessage> ManyAsync(GrpcCall call, string collection, IMessage request, string list, ReadConsistency? consistency, ulong? timeout, ReadQuery read, Func<IEnumerable<BatchResult>, IMessage> respond) =>
        call.RunAsync(collection, request, consistency, timeout, async here =>
        {
            var known = await here.CollectionAsync().ConfigureAwait(false);
            var searches = Json.Field(here.Body, list) is { } given ? given.EnumerateArray().ToArray() : [];
            if (request is RecommendBatchPoints { RecommendPoints: var each } && each.Any(one => one.CollectionName.Length == 0)) throw VectorFault.Invalid($"{list}[{each.TakeWhile(one => one.CollectionName.Length > 0).Count()}].collection_name", "value \"\" invalid, must be from 1 to 255 characters");
            known.Config.Rules.RequireAtMost(searches.Length, "search_max_batchsize", "search batch size");
            var done = await Task.WhenAll(searches.Select(body => Searches.OneAsync(here, known, body, read))).ConfigureAwait(false);
            return respond(done.Select(one => Filled(new BatchResult(), result => result.Result.AddRange(Scored(one)))));
        });

    private static Task<IMessage> GroupsAsync(GrpcCall call, string collection, IMessage request, ReadConsistency? consistency, ulong? timeout, ReadQuery read, Func<GroupsResult, IMessage> respond) =>
        call.RunAsync(collection, request, consistency, timeout, async here =>
        {
            var done = await Searches.GroupsAsync(here, await here.CollectionAsync().ConfigureAwait(false), here.Body, read).ConfigureAwait(false);
            var result = new GroupsResult();
            foreach (var group in done.Groups)
            {
                var shown = new Proto.PointGroup { Id = ProtoPoints.Group(group.Value), Lookup = group.Lookup is { } lookup ? ProtoPoints.Retrieved(done.LookedUpIn!, lookup, done.LookupShown!) : null };
                shown.Hits.AddRange(group.Points.Select(point => ProtoPoints.Scored(done.Collection, point, done.Shown)));
                result.Groups.Add(shown);
            }

            return respond(result);
        });

    private static IEnumerable<ScoredPoint> Scored(SearchDone done) => done.Points.Select(point => ProtoPoints.Scored(done.Collection, point, done.Shown));

    private static async Task<QueryNode> ReadSearchAsync(QueryReader reader, JsonElement body)
    {
        var (node, name, vector) = (await reader.FrameAsync(body, null).ConfigureAwait(false), Json.Text(body, "vector_name") ?? "", Json.Required(body, "vector"));
        if (Json.Field(body, "sparse_indices") is not { } places) return await reader.NearestAsync(node, name, vector).ConfigureAwait(false);
        using var sparse = JsonDocument.Parse($$"""{"indices":{{Json.Required(places, "data").GetRawText()}},"values":{{vector.GetRawText()}}}""");
        return await reader.NearestAsync(node, name, sparse.RootElement).ConfigureAwait(false);
    }

    /// <summary>Examples are points and vectors in lists of their own here; REST has them in one.</summary>
    private static async Task<QueryNode> ReadRecommendationAsync(QueryReader reader, JsonElement body)
    {
        var root = JsonNode.Parse(body.GetRawText())!.AsObject();
        foreach (var side in new[] { "positive", "negative" })
        {
            var examples = root[side] as JsonArray ?? [];
            foreach (var vector in root[side + "_vectors"] as JsonArray ?? []) examples.Add(vector!.DeepClone());
            root[side] = examples.DeepClone();
        }

        using var document = JsonDocument.Parse(root.ToJsonString());
        return await QueryBodies.ReadRecommendationAsync(reader, document.RootElement).ConfigureAwait(false);
    }
}
