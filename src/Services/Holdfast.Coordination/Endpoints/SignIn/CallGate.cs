using System.Collections.Frozen;
using Holdfast.Cluster;
using Holdfast.Coordination.Permissions;
using Holdfast.Coordination.Endpoints.Http;
using Holdfast.Coordination.Endpoints.Methods;

namespace Holdfast.Coordination.Endpoints.SignIn;

/// <summary>
/// Finds out who a call comes from, and refuses what needs no look at keys: calls for root only, and calls for those who have said who they are. All
/// else is asked where the request is executed. A method that is not in the table is for root only, so that a new one is not open by oversight.
/// </summary>
internal static class CallGate
{
    private const string Kv = "etcdserverpb.KV";
    private const string LeaseService = "etcdserverpb.Lease";

    /// <summary>Methods whose requests are asked about key by key, or by their own rule (Auth), and those that are for everybody.</summary>
    private static readonly FrozenSet<string> AskedLater = new[]
    {
        $"/{Kv}/Range", $"/{Kv}/RangeStream", $"/{Kv}/Put", $"/{Kv}/DeleteRange", $"/{Kv}/Txn", "/etcdserverpb.Watch/Watch",
        $"/{LeaseService}/LeaseGrant", $"/{LeaseService}/LeaseRevoke", $"/{LeaseService}/LeaseKeepAlive", $"/{LeaseService}/LeaseTimeToLive", $"/{LeaseService}/LeaseLeases",
        "/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch", "/grpc.health.v1.Health/List",
    }.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Services that do nothing but call the above in their caller's name, and the Auth service, which asks for itself.</summary>
    private static readonly FrozenSet<string> AskingServices = new[] { "v3lockpb.Lock", "v3electionpb.Election", "etcdserverpb.Auth" }.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Methods for everybody who has said who he is. Alarms are listed for him; whoever raises or clears one is asked for more where that is done (<see cref="CoordinationFace.AlarmAsync"/>).</summary>
    private static readonly FrozenSet<string> ForUsers = new[] { "/etcdserverpb.Cluster/MemberList", "/etcdserverpb.Maintenance/Status", "/etcdserverpb.Maintenance/Alarm" }.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Methods that nothing asks about where they are executed, and that need a quorum anyway: they are admitted by what a quorum knows of the identities.</summary>
    private static readonly FrozenSet<string> ClusterChanges = new[]
    {
        "/etcdserverpb.Cluster/MemberAdd", "/etcdserverpb.Cluster/MemberRemove", "/etcdserverpb.Cluster/MemberUpdate", "/etcdserverpb.Cluster/MemberPromote",
        "/etcdserverpb.Maintenance/MoveLeader",
    }.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Whether the caller says who he is: by one of etcd's two names for a token, or by a certificate.</summary>
    public static bool ShowsName(HttpExchange exchange) =>
        exchange.RequestHeaders.ContainsKey("authorization") || exchange.RequestHeaders.ContainsKey("token") || exchange.HasClientCertificate;

    /// <summary>Whether a method changes who belongs to the cluster or leads it.</summary>
    public static bool ChangesCluster(EtcdMethod method) => ClusterChanges.Contains(method.GrpcPath);

    /// <summary>The facade in the caller's name. Throws what etcd answers to a caller who may not call this at all.</summary>
    public static async ValueTask<ICoordination> AdmitAsync(ICoordination coordination, EtcdMethod method, HttpExchange exchange, CancellationToken cancel)
    {
        var caller = await IdentifyAsync(coordination, exchange, cancel).ConfigureAwait(false);
        if (!AskedLater.Contains(method.GrpcPath) && !AskingServices.Contains(method.Service))
        {
            // Whoever is refused is looked at once more after a barrier: what lets him in may not have come here yet.
            var isForRoot = !ForUsers.Contains(method.GrpcPath);
            var mayBeOldNews = coordination.Identity.IsUntouched && ChangesCluster(method);
            if ((mayBeOldNews || Refusal(coordination.Identity, caller, isForRoot) is not null)
                && Refusal(await coordination.RefreshIdentityAsync(cancel).ConfigureAwait(false), caller, isForRoot) is { } refused)
                throw new EtcdException(refused);
        }

        return caller is null ? coordination : coordination.As(caller);
    }

    /// <summary>The facade in the caller's name, for pages whose requests are all asked about key by key.</summary>
    public static async ValueTask<ICoordination> InNameOfAsync(ICoordination coordination, HttpExchange exchange, CancellationToken cancel) =>
        await IdentifyAsync(coordination, exchange, cancel).ConfigureAwait(false) is { } caller ? coordination.As(caller) : coordination;

    /// <summary>Why someone may not administer the node; null when he may.</summary>
    public static async ValueTask<EtcdError?> AdminRefusalAsync(ICoordination coordination, HttpExchange exchange, CancellationToken cancel)
    {
        var caller = await IdentifyAsync(coordination, exchange, cancel).ConfigureAwait(false);
        var view = coordination.Identity.IsUntouched ? await coordination.RefreshIdentityAsync(cancel).ConfigureAwait(false) : coordination.Identity;
        return Refusal(view, caller, isForRoot: true);
    }

    private static EtcdError? Refusal(IdentityView view, Caller? caller, bool isForRoot)
    {
        if (!view.Enforces(Face.Coordination)) return null;
        return Caller.Resolve(caller, view, out var who) ?? (isForRoot ? AuthGuard.AdminRefusal(view, who) : AuthGuard.StrangerRefusal(who));
    }

    /// <summary>By token (etcd's two names for it), else by the name in the certificate that TLS has checked.</summary>
    private static async ValueTask<Caller?> IdentifyAsync(ICoordination coordination, HttpExchange exchange, CancellationToken cancel)
    {
        var headers = exchange.RequestHeaders;
        if (headers.TryGetValue("token", out var token) || headers.TryGetValue("authorization", out token))
        {
            var caller = coordination.Auth.Identify(token.ToString());
            if (Caller.Resolve(caller, coordination.Identity, out _) is null) return caller;

            // A token from another node may be about changes that have not come here yet: after a barrier they have.
            await coordination.RefreshIdentityAsync(cancel).ConfigureAwait(false);
            return coordination.Identity.Enforces(Face.Coordination) ? coordination.Auth.Identify(token.ToString()) : null;
        }

        return exchange.ClientName is { Length: > 0 } name ? new Caller(CallerKind.Certificate, name, 0) : null;
    }
}
