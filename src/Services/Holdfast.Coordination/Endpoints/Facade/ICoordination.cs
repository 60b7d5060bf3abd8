using Holdfast.Coordination.Protocol;

namespace Holdfast.Coordination;

/// <summary>
/// The etcd face without its transport: what the gRPC and JSON endpoints call. Requests and responses are the protocol's own messages, headers filled.
/// Callable from any thread. A failure is an <see cref="EtcdException"/> whose <see cref="EtcdException.Error"/> is exactly what the client must see;
/// cancelling a write says nothing about its fate.
/// </summary>
public interface ICoordination
{
    /// <summary>Reads keys, linearizably unless <c>serializable</c> is set.</summary>
    ValueTask<RangeResponse> RangeAsync(RangeRequest request, CancellationToken cancel = default);

    /// <summary>Writes one key.</summary>
    ValueTask<PutResponse> PutAsync(PutRequest request, CancellationToken cancel = default);

    /// <summary>Deletes a range of keys.</summary>
    ValueTask<DeleteRangeResponse> DeleteRangeAsync(DeleteRangeRequest request, CancellationToken cancel = default);

    /// <summary>Compares and then executes one of two lists, as one revision. A transaction that cannot write is read through the barrier, not the log.</summary>
    ValueTask<TxnResponse> TxnAsync(TxnRequest request, CancellationToken cancel = default);

    /// <summary>Forgets revisions older than the given one.</summary>
    ValueTask<CompactionResponse> CompactAsync(CompactionRequest request, CancellationToken cancel = default);

    /// <summary>Grants a lease; id 0 has one drawn.</summary>
    ValueTask<LeaseGrantResponse> LeaseGrantAsync(LeaseGrantRequest request, CancellationToken cancel = default);

    /// <summary>Revokes a lease and deletes its keys.</summary>
    ValueTask<LeaseRevokeResponse> LeaseRevokeAsync(LeaseRevokeRequest request, CancellationToken cancel = default);

    /// <summary>Renews a lease for its full time. An unknown lease is answered with TTL 0 (etcd's way), not with an error.</summary>
    ValueTask<LeaseKeepAliveResponse> LeaseKeepAliveAsync(LeaseKeepAliveRequest request, CancellationToken cancel = default);

    /// <summary>The remaining time of a lease, and its keys. An unknown lease is answered with TTL -1.</summary>
    ValueTask<LeaseTimeToLiveResponse> LeaseTimeToLiveAsync(LeaseTimeToLiveRequest request, CancellationToken cancel = default);

    /// <summary>All leases.</summary>
    ValueTask<LeaseLeasesResponse> LeaseLeasesAsync(LeaseLeasesRequest request, CancellationToken cancel = default);

    /// <summary>This member's view of itself and of its leader. Answers also without a quorum.</summary>
    ValueTask<StatusResponse> StatusAsync(StatusRequest request, CancellationToken cancel = default);

    /// <summary>The members: the replicas of the etcd keyspace's group.</summary>
    ValueTask<MemberListResponse> MemberListAsync(MemberListRequest request, CancellationToken cancel = default);

    /// <summary>A hash of all revisions of all keys up to a revision, equal on all members.</summary>
    ValueTask<HashKVResponse> HashKvAsync(HashKVRequest request, CancellationToken cancel = default);

    /// <summary>Hands leadership to the named member.</summary>
    ValueTask<MoveLeaderResponse> MoveLeaderAsync(MoveLeaderRequest request, CancellationToken cancel = default);

    /// <summary>Opens a watch stream: many watches that share one ordered outlet. Dispose it when the client goes.</summary>
    IWatchSession OpenWatch(IWatchSink sink);
}
