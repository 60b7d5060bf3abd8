using Holdfast.Coordination.Endpoints.Locks;
using Holdfast.Coordination.Protocol.Elections;
using Holdfast.Coordination.Protocol.Health;
using Holdfast.Coordination.Protocol.Locks;

namespace Holdfast.Coordination.Endpoints.Methods;

/// <summary>The methods of the services that stand beside etcd's own: locks, elections, gRPC's health check.</summary>
internal static class ServiceMethods
{
    private const string Lock = "v3lockpb.Lock";
    private const string Election = "v3electionpb.Election";
    private const string Health = "grpc.health.v1.Health";

    /// <summary>Each with its JSON paths.</summary>
    public static IEnumerable<(EtcdMethod Method, string[] JsonPaths)> Offered()
    {
        yield return (new UnaryMethod<LockRequest, LockResponse>(Lock, "Lock", Shapes.Of(LockRequest.Parser, LockRequest.Descriptor), true,
            LockCalls.LockAsync, mayWait: true), ["/lock/lock"]);
        yield return (new UnaryMethod<UnlockRequest, UnlockResponse>(Lock, "Unlock", Shapes.Of(UnlockRequest.Parser, UnlockRequest.Descriptor), true,
            LockCalls.UnlockAsync), ["/lock/unlock"]);
        yield return (new UnaryMethod<CampaignRequest, CampaignResponse>(Election, "Campaign", Shapes.Of(CampaignRequest.Parser, CampaignRequest.Descriptor), true,
            ElectionCalls.CampaignAsync, mayWait: true), ["/election/campaign"]);
        yield return (new UnaryMethod<ProclaimRequest, ProclaimResponse>(Election, "Proclaim", Shapes.Of(ProclaimRequest.Parser, ProclaimRequest.Descriptor), true,
            ElectionCalls.ProclaimAsync), ["/election/proclaim"]);
        yield return (new UnaryMethod<LeaderRequest, LeaderResponse>(Election, "Leader", Shapes.Of(LeaderRequest.Parser, LeaderRequest.Descriptor), false,
            ElectionCalls.LeaderAsync), ["/election/leader"]);
        yield return (new StreamMethod(Election, "Observe", ElectionCalls.ObserveAsync, EtcdMethod.ServerStream), ["/election/observe"]);
        yield return (new UnaryMethod<ResignRequest, ResignResponse>(Election, "Resign", Shapes.Of(ResignRequest.Parser, ResignRequest.Descriptor), true,
            ElectionCalls.ResignAsync), ["/election/resign"]);
        yield return (new UnaryMethod<HealthCheckRequest, HealthCheckResponse>(Health, "Check", Shapes.Of(HealthCheckRequest.Parser, HealthCheckRequest.Descriptor), false,
            HealthCalls.CheckAsync), []);
        yield return (new UnaryMethod<HealthListRequest, HealthListResponse>(Health, "List", Shapes.Of(HealthListRequest.Parser, HealthListRequest.Descriptor), false,
            HealthCalls.ListAsync), []);
        yield return (new StreamMethod(Health, "Watch", HealthCalls.WatchAsync, EtcdMethod.ServerStream), []);
    }
}
