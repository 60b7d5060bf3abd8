using System.Collections.Frozen;
using Google.Protobuf.Reflection;
using Holdfast.Coordination.Protocol;
using Holdfast.Primitives.Metrics;

namespace Holdfast.Coordination.Endpoints.Methods;

/// <summary>Every method of the etcd protocol, by the path of its gRPC call and by its JSON paths. What is in the protocol but not offered is in the table too, and says so.</summary>
internal sealed class MethodTable
{
    private const string Kv = "etcdserverpb.KV";
    private const string Watch = "etcdserverpb.Watch";
    private const string Lease = "etcdserverpb.Lease";

    /// <summary>The JSON gateway's versions: /v3 is today's, the other its name in etcd 3.3, which 3.4 still serves.</summary>
    private static readonly string[] JsonRoots = ["/v3", "/v3beta"];

    private readonly FrozenDictionary<string, EtcdMethod> byGrpcPath;
    private readonly FrozenDictionary<string, EtcdMethod> byJsonPath;

    public MethodTable(MetricsRegistry metrics)
    {
        var grpc = new Dictionary<string, EtcdMethod>(StringComparer.Ordinal);
        var json = new Dictionary<string, EtcdMethod>(StringComparer.Ordinal);
        foreach (var (method, paths) in Offered().Concat(MaintenanceMethods.Offered()).Concat(ServiceMethods.Offered()).Concat(AuthMethods.Offered()))
        {
            grpc.Add(method.GrpcPath, method);
            foreach (var root in JsonRoots)
                foreach (var path in paths)
                    json.Add(root + path, method);
        }

        AddAbsent(grpc);
        foreach (var method in grpc.Values) method.CountIn(metrics);
        byGrpcPath = grpc.ToFrozenDictionary(StringComparer.Ordinal);
        byJsonPath = json.ToFrozenDictionary(StringComparer.Ordinal);
    }

    /// <summary>The method that a gRPC call names; null when there is none of that name.</summary>
    public EtcdMethod? ByGrpcPath(string path) => byGrpcPath.GetValueOrDefault(path);

    /// <summary>The method at a JSON path; null when there is none.</summary>
    public EtcdMethod? ByJsonPath(string path) => byJsonPath.GetValueOrDefault(path);

    /// <summary>grpc-go's words for a path that names no method.</summary>
    public CallFailure UnknownCall(string path)
    {
        var slash = path.LastIndexOf('/');
        if (slash <= 0) return new(CallFailure.Unimplemented, $"malformed method name: \"{path}\"");
        var service = path[1..slash];
        foreach (var method in byGrpcPath.Values)
            if (method.Service == service)
                return new(CallFailure.Unimplemented, $"unknown method {path[(slash + 1)..]} for service {service}");
        return new(CallFailure.Unimplemented, $"unknown service {service}");
    }

    private static IEnumerable<(EtcdMethod Method, string[] JsonPaths)> Offered()
    {
        yield return (new UnaryMethod<RangeRequest, RangeResponse>(Kv, "Range", Shapes.Of(RangeRequest.Parser, RangeRequest.Descriptor), false,
            static (coordination, request, cancel) => coordination.RangeAsync(request, cancel)), ["/kv/range"]);
        yield return (StreamMethod.Answering(Kv, "RangeStream", Shapes.Of(RangeRequest.Parser, RangeRequest.Descriptor),
            static (coordination, request, cancel) => coordination.RangeStreamAsync(request, cancel)), ["/kv/rangestream"]);
        yield return (new UnaryMethod<PutRequest, PutResponse>(Kv, "Put", Shapes.Of(PutRequest.Parser, PutRequest.Descriptor), true,
            static (coordination, request, cancel) => coordination.PutAsync(request, cancel)), ["/kv/put"]);
        yield return (new UnaryMethod<DeleteRangeRequest, DeleteRangeResponse>(Kv, "DeleteRange", Shapes.Of(DeleteRangeRequest.Parser, DeleteRangeRequest.Descriptor), true,
            static (coordination, request, cancel) => coordination.DeleteRangeAsync(request, cancel)), ["/kv/deleterange"]);
        yield return (new UnaryMethod<TxnRequest, TxnResponse>(Kv, "Txn", Shapes.Of(TxnRequest.Parser, TxnRequest.Descriptor), true,
            static (coordination, request, cancel) => coordination.TxnAsync(request, cancel)), ["/kv/txn"]);
        yield return (new UnaryMethod<CompactionRequest, CompactionResponse>(Kv, "Compact", Shapes.Of(CompactionRequest.Parser, CompactionRequest.Descriptor), true,
            static (coordination, request, cancel) => coordination.CompactAsync(request, cancel)), ["/kv/compaction"]);
        yield return (new StreamMethod(Watch, "Watch", WatchCall.ServeAsync), ["/watch"]);
        yield return (new UnaryMethod<LeaseGrantRequest, LeaseGrantResponse>(Lease, "LeaseGrant", Shapes.Of(LeaseGrantRequest.Parser, LeaseGrantRequest.Descriptor), true,
            static (coordination, request, cancel) => coordination.LeaseGrantAsync(request, cancel)), ["/lease/grant"]);
        yield return (new UnaryMethod<LeaseRevokeRequest, LeaseRevokeResponse>(Lease, "LeaseRevoke", Shapes.Of(LeaseRevokeRequest.Parser, LeaseRevokeRequest.Descriptor), true,
            static (coordination, request, cancel) => coordination.LeaseRevokeAsync(request, cancel)), ["/lease/revoke", "/kv/lease/revoke"]);
        yield return (new StreamMethod(Lease, "LeaseKeepAlive", KeepAliveCall.ServeAsync), ["/lease/keepalive"]);
        yield return (new UnaryMethod<LeaseTimeToLiveRequest, LeaseTimeToLiveResponse>(Lease, "LeaseTimeToLive", Shapes.Of(LeaseTimeToLiveRequest.Parser, LeaseTimeToLiveRequest.Descriptor), false,
            static (coordination, request, cancel) => coordination.LeaseTimeToLiveAsync(request, cancel)), ["/lease/timetolive", "/kv/lease/timetolive"]);
        yield return (new UnaryMethod<LeaseLeasesRequest, LeaseLeasesResponse>(Lease, "LeaseLeases", Shapes.Of(LeaseLeasesRequest.Parser, LeaseLeasesRequest.Descriptor), false,
            static (coordination, request, cancel) => coordination.LeaseLeasesAsync(request, cancel)), ["/lease/leases", "/kv/lease/leases"]);
    }

    private static void AddAbsent(Dictionary<string, EtcdMethod> grpc)
    {
        foreach (var service in RpcReflection.Descriptor.Services)
        {
            foreach (var method in service.Methods)
            {
                var absent = new AbsentMethod(service.FullName, method.Name);
                grpc.TryAdd(absent.GrpcPath, absent);
            }
        }
    }
}
