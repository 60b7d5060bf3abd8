using Holdfast.Coordination.Protocol;

namespace Holdfast.Coordination.Endpoints.Methods;

/// <summary>The methods of the services Cluster and Maintenance.</summary>
internal static class MaintenanceMethods
{
    private const string Cluster = "etcdserverpb.Cluster";
    private const string Maintenance = "etcdserverpb.Maintenance";

    /// <summary>Each with its JSON paths.</summary>
    public static IEnumerable<(EtcdMethod Method, string[] JsonPaths)> Offered()
    {
        yield return (new UnaryMethod<MemberListRequest, MemberListResponse>(Cluster, "MemberList", Shapes.Of(MemberListRequest.Parser, MemberListRequest.Descriptor), false,
            static (coordination, request, cancel) => coordination.MemberListAsync(request, cancel)), ["/cluster/member/list"]);
        yield return (new UnaryMethod<MemberAddRequest, MemberAddResponse>(Cluster, "MemberAdd", Shapes.Of(MemberAddRequest.Parser, MemberAddRequest.Descriptor), true,
            static (coordination, request, cancel) => coordination.MemberAddAsync(request, cancel)), ["/cluster/member/add"]);
        yield return (new UnaryMethod<MemberRemoveRequest, MemberRemoveResponse>(Cluster, "MemberRemove", Shapes.Of(MemberRemoveRequest.Parser, MemberRemoveRequest.Descriptor), true,
            static (coordination, request, cancel) => coordination.MemberRemoveAsync(request, cancel)), ["/cluster/member/remove"]);
        yield return (new UnaryMethod<MemberUpdateRequest, MemberUpdateResponse>(Cluster, "MemberUpdate", Shapes.Of(MemberUpdateRequest.Parser, MemberUpdateRequest.Descriptor), true,
            static (coordination, request, cancel) => coordination.MemberUpdateAsync(request, cancel)), ["/cluster/member/update"]);
        yield return (new UnaryMethod<MemberPromoteRequest, MemberPromoteResponse>(Cluster, "MemberPromote", Shapes.Of(MemberPromoteRequest.Parser, MemberPromoteRequest.Descriptor), true,
            static (coordination, request, cancel) => coordination.MemberPromoteAsync(request, cancel)), ["/cluster/member/promote"]);
        yield return (new UnaryMethod<StatusRequest, StatusResponse>(Maintenance, "Status", Shapes.Of(StatusRequest.Parser, StatusRequest.Descriptor), false,
            static (coordination, request, cancel) => coordination.StatusAsync(request, cancel)), ["/maintenance/status"]);
        yield return (new UnaryMethod<AlarmRequest, AlarmResponse>(Maintenance, "Alarm", Shapes.Of(AlarmRequest.Parser, AlarmRequest.Descriptor), false,
            static (coordination, request, cancel) => coordination.AlarmAsync(request, cancel)), ["/maintenance/alarm"]);
        yield return (new UnaryMethod<DefragmentRequest, DefragmentResponse>(Maintenance, "Defragment", Shapes.Of(DefragmentRequest.Parser, DefragmentRequest.Descriptor), false,
            static (coordination, request, cancel) => coordination.DefragmentAsync(request, cancel)), ["/maintenance/defragment"]);
        yield return (new UnaryMethod<HashRequest, HashResponse>(Maintenance, "Hash", Shapes.Of(HashRequest.Parser, HashRequest.Descriptor), false,
            static (coordination, request, cancel) => coordination.HashAsync(request, cancel)), ["/maintenance/hash"]);
        yield return (new UnaryMethod<HashKVRequest, HashKVResponse>(Maintenance, "HashKV", Shapes.Of(HashKVRequest.Parser, HashKVRequest.Descriptor), false,
            static (coordination, request, cancel) => coordination.HashKvAsync(request, cancel)), ["/maintenance/hashkv"]);
        yield return (new UnaryMethod<MoveLeaderRequest, MoveLeaderResponse>(Maintenance, "MoveLeader", Shapes.Of(MoveLeaderRequest.Parser, MoveLeaderRequest.Descriptor), false,
            static (coordination, request, cancel) => coordination.MoveLeaderAsync(request, cancel)), ["/maintenance/transfer-leadership"]);
        yield return (new UnaryMethod<DowngradeRequest, DowngradeResponse>(Maintenance, "Downgrade", Shapes.Of(DowngradeRequest.Parser, DowngradeRequest.Descriptor), false,
            static (coordination, request, cancel) => coordination.DowngradeAsync(request, cancel)), ["/maintenance/downgrade"]);
        yield return (StreamMethod.Answering(Maintenance, "Snapshot", Shapes.Of(SnapshotRequest.Parser, SnapshotRequest.Descriptor),
            static (coordination, request, cancel) => coordination.SnapshotAsync(request, cancel)), ["/maintenance/snapshot"]);
    }
}
