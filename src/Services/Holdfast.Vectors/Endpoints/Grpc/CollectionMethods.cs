using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Holdfast.Vectors.Endpoints.Access;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Endpoints.Operations;
using Holdfast.Vectors.Endpoints.Snapshots;
using Holdfast.Vectors.Protocol;
using Proto = Holdfast.Vectors.Protocol;

namespace Holdfast.Vectors.Endpoints.Grpc;

/// <summary>Qdrant's gRPC service for collections.</summary>
internal static class CollectionMethods
{
    private const string Service = "qdrant.Collections";

    public static readonly IReadOnlyList<GrpcMethod> All =
    [
        new GrpcMethod<ListCollectionsRequest>(Service, "List", AccessRight.Open, ListCollectionsRequest.Parser, null, ListAsync),
        new GrpcMethod<GetCollectionInfoRequest>(Service, "Get", AccessRight.Read, GetCollectionInfoRequest.Parser, static request => request.CollectionName, GetAsync),
        new GrpcMethod<CollectionExistsRequest>(Service, "CollectionExists", AccessRight.Read, CollectionExistsRequest.Parser, static request => request.CollectionName, ExistsAsync),
        new GrpcMethod<CreateCollection>(Service, "Create", AccessRight.Manage, CreateCollection.Parser, static request => request.CollectionName, (call, request) => ChangeAsync(call, request.CollectionName, request, Seconds(request.HasTimeout, request.Timeout), CreateAsync)),
        new GrpcMethod<UpdateCollection>(Service, "Update", AccessRight.Manage, UpdateCollection.Parser, static request => request.CollectionName, (call, request) => ChangeAsync(call, request.CollectionName, request, Seconds(request.HasTimeout, request.Timeout), UpdateAsync)),
        new GrpcMethod<DeleteCollection>(Service, "Delete", AccessRight.Manage, DeleteCollection.Parser, static request => request.CollectionName, (call, request) => ChangeAsync(call, request.CollectionName, request, Seconds(request.HasTimeout, request.Timeout), DeleteAsync)),
        new GrpcMethod<ChangeAliases>(Service, "UpdateAliases", AccessRight.Manage, ChangeAliases.Parser, null, AliasAsync),
        new GrpcMethod<ListAliasesRequest>(Service, "ListAliases", AccessRight.Open, ListAliasesRequest.Parser, null, (call, _) => AliasesAsync(call, null)),
        new GrpcMethod<ListCollectionAliasesRequest>(Service, "ListCollectionAliases", AccessRight.Read, ListCollectionAliasesRequest.Parser, static request => request.CollectionName, (call, request) => AliasesAsync(call, request.CollectionName)),
        new GrpcMethod<CollectionClusterInfoRequest>(Service, "CollectionClusterInfo", AccessRight.Read, CollectionClusterInfoRequest.Parser, static request => request.CollectionName, ClusterAsync),
        new GrpcMethod<UpdateCollectionClusterSetupRequest>(Service, "UpdateCollectionClusterSetup", AccessRight.Manage, UpdateCollectionClusterSetupRequest.Parser, static request => request.CollectionName, SetupAsync),
        new GrpcMethod<CreateShardKeyRequest>(Service, "CreateShardKey", AccessRight.Manage, CreateShardKeyRequest.Parser, static request => request.CollectionName, CreateKeyAsync),
        new GrpcMethod<DeleteShardKeyRequest>(Service, "DeleteShardKey", AccessRight.Manage, DeleteShardKeyRequest.Parser, static request => request.CollectionName, DeleteKeyAsync),
        new GrpcMethod<ListShardKeysRequest>(Service, "ListShardKeys", AccessRight.Read, ListShardKeysRequest.Parser, static request => request.CollectionName, KeysAsync),
    ];

    private static ulong? Seconds(bool isThere, ulong seconds) => isThere ? seconds : null;

    private static async Task<IMessage> ListAsync(GrpcCall call, ListCollectionsRequest request)
    {
        var response = new ListCollectionsResponse();
        response.Collections.AddRange((await call.RunAsync(async here => await CollectionCalls.ListAsync(here).ConfigureAwait(false)).ConfigureAwait(false)).Select(collection => new CollectionDescription { Name = collection.Name }));
        response.Time = call.Time;
        return response;
    }

    private static Task<IMessage> GetAsync(GrpcCall call, GetCollectionInfoRequest request) => call.RunAsync<IMessage>(request.CollectionName, null, null, null, async here =>
    {
        var collection = await here.CollectionAsync().ConfigureAwait(false);
        var facts = await CollectionCalls.FactsAsync(here, collection).ConfigureAwait(false);
        using var config = JsonDocument.Parse(collection.Config.Shown);
        var info = new CollectionInfo
        {
            Status = facts.IsGreen ? CollectionStatus.Green : CollectionStatus.Yellow,
            OptimizerStatus = new OptimizerStatus { Ok = true },
            SegmentsCount = (ulong)facts.Segments,
            PointsCount = (ulong)facts.Points,
            IndexedVectorsCount = (ulong)facts.Indexed,
            UpdateQueue = new UpdateQueueInfo(),
            Config = JsonToProto.Read(CollectionConfig.Parser, CollectionConfig.Descriptor, config.RootElement),
        };
        var points = await CollectionCalls.IndexedPointsAsync(here, collection, facts).ConfigureAwait(false);
        foreach (var (key, schema) in facts.Indexes) info.PayloadSchema[key] = SchemaOf(schema, points[key]);
        return new GetCollectionInfoResponse { Result = info, Time = call.Time };
    });

    private static PayloadSchemaInfo SchemaOf(string schema, long points)
    {
        using var document = JsonDocument.Parse(schema);
        var root = document.RootElement;
        var type = root.ValueKind == JsonValueKind.String ? root.GetString()! : root.GetProperty("type").GetString()!;
        var info = new PayloadSchemaInfo { Points = (ulong)points, DataType = PayloadIndexParams.Descriptor.File.EnumTypes.First(each => each.Name == "PayloadSchemaType").Values.FirstOrDefault(each => ProtoToJson.Snake(each.Name) == type) is { } known ? (PayloadSchemaType)known.Number : PayloadSchemaType.UnknownType };
        if (root.ValueKind != JsonValueKind.Object) return info;
        using var named = JsonDocument.Parse($$"""{"{{type}}_index_params":{{schema}}}""");
        info.Params = JsonToProto.Read(PayloadIndexParams.Parser, PayloadIndexParams.Descriptor, named.RootElement);
        return info;
    }

    private static Task<IMessage> ExistsAsync(GrpcCall call, CollectionExistsRequest request) => call.RunAsync<IMessage>(request.CollectionName, null, null, null, async here =>
        new CollectionExistsResponse { Result = new CollectionExists { Exists = await here.Face.Collections.FindAsync(request.CollectionName, here.Cancelled).ConfigureAwait(false) is not null }, Time = call.Time });

    private static async Task<IMessage> ChangeAsync(GrpcCall call, string collection, IMessage request, ulong? timeout, Func<VectorCall, Task<bool>> change)
    {
        var isDone = await call.RunAsync(collection, request, null, timeout, async here => await change(here).ConfigureAwait(false)).ConfigureAwait(false);
        return new CollectionOperationResponse { Result = isDone, Time = call.Time };
    }

    private static async Task<bool> CreateAsync(VectorCall here)
    {
        await CollectionCalls.CreateAsync(here, here.CollectionName, here.Body).ConfigureAwait(false);
        return true;
    }

    private static async Task<bool> UpdateAsync(VectorCall here)
    {
        await CollectionCalls.ChangeAsync(here, here.CollectionName, here.Body).ConfigureAwait(false);
        return true;
    }

    private static async Task<bool> DeleteAsync(VectorCall here) => await here.Face.Collections.DeleteAsync(here.CollectionName, here.Cancelled).ConfigureAwait(false);

    private static async Task<IMessage> AliasAsync(GrpcCall call, ChangeAliases request)
    {
        AliasChange[] changes = [.. request.Actions.Select(action => action.ActionCase switch
        {
            AliasOperations.ActionOneofCase.CreateAlias => new AliasChange(action.CreateAlias.AliasName, action.CreateAlias.CollectionName),
            AliasOperations.ActionOneofCase.DeleteAlias => new AliasChange(action.DeleteAlias.AliasName, null),
            AliasOperations.ActionOneofCase.RenameAlias => new AliasChange(action.RenameAlias.NewAliasName, null, action.RenameAlias.OldAliasName),
            _ => throw VectorFault.BadInput("Malformed alias operation"),
        })];
        await call.RunAsync(async here =>
        {
            await here.Face.Collections.ChangeAliasesAsync(changes, here.Cancelled).ConfigureAwait(false);
            return true;
        }).ConfigureAwait(false);
        return new CollectionOperationResponse { Result = true, Time = call.Time };
    }

    private static async Task<IMessage> AliasesAsync(GrpcCall call, string? collection)
    {
        var aliases = await call.RunAsync(async here => await here.Face.Collections.AliasesAsync(here.Cancelled).ConfigureAwait(false)).ConfigureAwait(false);
        var response = new ListAliasesResponse();
        response.Aliases.AddRange(aliases.Where(each => (collection is null || each.Value == collection) && call.Grant.Sees(each.Value)).Select(each => new AliasDescription { AliasName = each.Key, CollectionName = each.Value }));
        response.Time = call.Time;
        return response;
    }

    private static Task<IMessage> ClusterAsync(GrpcCall call, CollectionClusterInfoRequest request) => call.RunAsync<IMessage>(request.CollectionName, null, null, null, async here =>
    {
        var collection = await here.CollectionAsync().ConfigureAwait(false);
        var self = here.Face.Collections.Cluster.Self;
        var response = new CollectionClusterInfoResponse { PeerId = self, ShardCount = (ulong)collection.Layout.Numbers.Count };
        var shown = await ClusterCalls.ShowAsync(here, collection).ConfigureAwait(false);
        foreach (var replica in shown.Replicas)
        {
            var key = replica.Key is null ? null : ProtoPoints.Key(replica.Key);
            if (replica.Node == self) response.LocalShards.Add(new LocalShardInfo { ShardId = (uint)replica.Shard, PointsCount = (ulong)replica.Points, State = StateOf(replica), ShardKey = key });
            else response.RemoteShards.Add(new RemoteShardInfo { ShardId = (uint)replica.Shard, PeerId = replica.Node, State = StateOf(replica), ShardKey = key });
        }

        response.ShardTransfers.AddRange(shown.Transfers.Select(TransferOf));
        if (shown.Resharding is { } made) response.ReshardingOperations.Add(new ReshardingInfo { ShardId = (uint)made.Shard, PeerId = made.Node, Direction = ReshardingDirection.Up, ShardKey = made.Key is null ? null : ProtoPoints.Key(made.Key) });

        return response;
    });

    private static ReplicaState StateOf(ReplicaShown replica) => replica.IsServing ? ReplicaState.Active : ReplicaState.Partial;

    private static ShardTransferInfo TransferOf(ShardTransfer transfer)
    {
        var info = new ShardTransferInfo { ShardId = (uint)transfer.Shard, From = transfer.From, To = transfer.To, Sync = transfer.IsCopy };
        if (transfer.ToShard is { } target) info.ToShardId = (uint)target;
        return info;
    }

    private static async Task<IMessage> SetupAsync(GrpcCall call, UpdateCollectionClusterSetupRequest request)
    {
        await call.RunAsync(request.CollectionName, request, null, Seconds(request.HasTimeout, request.Timeout), async here =>
        {
            await ClusterCalls.ChangeAsync(here, here.Body).ConfigureAwait(false);
            return true;
        }).ConfigureAwait(false);
        return new UpdateCollectionClusterSetupResponse { Result = true };
    }

    private static async Task<IMessage> CreateKeyAsync(GrpcCall call, CreateShardKeyRequest request)
    {
        await call.RunAsync(request.CollectionName, null, null, Seconds(request.HasTimeout, request.Timeout), async here =>
        {
            var collection = await here.CollectionAsync().ConfigureAwait(false);
            await CollectionCalls.CreateShardKeyAsync(here, request.CollectionName, ProtoPoints.Key(request.Request?.ShardKey), request.Request is { HasShardsNumber: true } given ? (int)given.ShardsNumber : collection.Config.Shards).ConfigureAwait(false);
            return true;
        }).ConfigureAwait(false);
        return new CreateShardKeyResponse { Result = true };
    }

    private static async Task<IMessage> DeleteKeyAsync(GrpcCall call, DeleteShardKeyRequest request)
    {
        await call.RunAsync(request.CollectionName, null, null, Seconds(request.HasTimeout, request.Timeout), async here =>
        {
            await CollectionCalls.DeleteShardKeyAsync(here, request.CollectionName, ProtoPoints.Key(request.Request?.ShardKey)).ConfigureAwait(false);
            return true;
        }).ConfigureAwait(false);
        return new DeleteShardKeyResponse { Result = true };
    }

    private static Task<IMessage> KeysAsync(GrpcCall call, ListShardKeysRequest request) => call.RunAsync<IMessage>(request.CollectionName, null, null, null, async here =>
    {
        var response = new ListShardKeysResponse();
        response.ShardKeys.AddRange((await here.CollectionAsync().ConfigureAwait(false)).Layout.Keys.Select(key => new ShardKeyDescription { Key = ProtoPoints.Key(key.Key) }));
        response.Time = call.Time;
        return response;
    });
}

/// <summary>Qdrant's gRPC services for snapshots and health, and gRPC's own for health.</summary>
internal static class ServiceMethods
{
    private const string Service = "qdrant.Snapshots";

    public static readonly IReadOnlyList<GrpcMethod> All =
    [
        new GrpcMethod<CreateSnapshotRequest>(Service, "Create", AccessRight.Keep, CreateSnapshotRequest.Parser, static request => request.CollectionName, (call, request) => CreateAsync(call, request.CollectionName)),
        new GrpcMethod<ListSnapshotsRequest>(Service, "List", AccessRight.Read, ListSnapshotsRequest.Parser, static request => request.CollectionName, (call, request) => ListAsync(call, request.CollectionName)),
        new GrpcMethod<DeleteSnapshotRequest>(Service, "Delete", AccessRight.Keep, DeleteSnapshotRequest.Parser, static request => request.CollectionName, (call, request) => DeleteAsync(call, request.CollectionName, request.SnapshotName)),
        new GrpcMethod<CreateFullSnapshotRequest>(Service, "CreateFull", AccessRight.Manage, CreateFullSnapshotRequest.Parser, null, (call, _) => CreateAsync(call, "")),
        new GrpcMethod<ListFullSnapshotsRequest>(Service, "ListFull", AccessRight.Read, ListFullSnapshotsRequest.Parser, null, (call, _) => ListAsync(call, "")),
        new GrpcMethod<DeleteFullSnapshotRequest>(Service, "DeleteFull", AccessRight.Manage, DeleteFullSnapshotRequest.Parser, null, (call, request) => DeleteAsync(call, "", request.SnapshotName)),
        new GrpcMethod<HealthCheckRequest>("qdrant.Qdrant", "HealthCheck", AccessRight.Open, HealthCheckRequest.Parser, null, static (_, _) => Task.FromResult<IMessage>(new HealthCheckReply { Title = "qdrant - vector search engine", Version = Rest.ServicePages.ApiVersion, Commit = "holdfast" }), isForCollections: false),
        new GrpcMethod<HealthCheckAsked>("grpc.health.v1.Health", "Check", AccessRight.Open, HealthCheckAsked.Parser, null, static (_, _) => Task.FromResult<IMessage>(new HealthCheckAnswer { Status = HealthCheckAnswer.Types.ServingStatus.Serving }), isForCollections: false),
    ];

    private static SnapshotDesk Desk(VectorCall here) => here.Room.Snapshots ?? throw VectorFault.NotHere("snapshots on a node without a data directory");

    private static Task<IMessage> CreateAsync(GrpcCall call, string collection) => call.RunAsync<IMessage>(collection, null, null, null, async here =>
    {
        IReadOnlyList<CollectionRecord> collections = collection.Length > 0 ? [await here.CollectionAsync().ConfigureAwait(false)] : await here.Face.Collections.ListAsync(here.Cancelled).ConfigureAwait(false);
        return new CreateSnapshotResponse { SnapshotDescription = Shown(await Desk(here).CreateAsync(collections, null, collection, here.Cancelled).ConfigureAwait(false)), Time = call.Time };
    });

    private static Task<IMessage> ListAsync(GrpcCall call, string collection) => call.RunAsync<IMessage>(collection, null, null, null, async here =>
    {
        if (collection.Length > 0) await here.CollectionAsync().ConfigureAwait(false);
        var response = new ListSnapshotsResponse();
        response.SnapshotDescriptions.AddRange((await Desk(here).ListAsync(collection, here.Cancelled).ConfigureAwait(false)).Select(Shown));
        response.Time = call.Time;
        return response;
    });

    private static Task<IMessage> DeleteAsync(GrpcCall call, string collection, string snapshot) => call.RunAsync<IMessage>(collection, null, null, null, here =>
    {
        Desk(here).Delete(collection, snapshot);
        return new(new DeleteSnapshotResponse { Time = call.Time });
    });

    private static SnapshotDescription Shown(SnapshotShown snapshot) => new() { Name = snapshot.Name, Size = snapshot.Size, Checksum = snapshot.Checksum, CreationTime = Timestamp.FromDateTime(DateTime.SpecifyKind(snapshot.Created, DateTimeKind.Utc)) };
}
