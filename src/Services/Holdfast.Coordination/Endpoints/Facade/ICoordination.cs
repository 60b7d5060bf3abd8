using Holdfast.Cluster;
using Holdfast.Coordination.Permissions;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Coordination;

/// <summary>
/// The etcd face without its transport: what the gRPC and JSON endpoints call. Requests and responses are the protocol's own messages, headers filled.
/// Callable from any thread. A failure is an <see cref="EtcdException"/> whose <see cref="EtcdException.Error"/> is exactly what the client must see;
/// cancelling a write says nothing about its fate.
/// </summary>
public interface ICoordination : IIdentityStore
{
    /// <summary>The same face in someone's name: what it proposes and reads is asked about while auth is on.</summary>
    ICoordination As(Caller caller);

    /// <summary>The same face for what is done under a lock: puts, deletions and transactions are refused when it is not held any more.</summary>
    ICoordination Under(KeyFence held);

    /// <summary>Users, roles, permissions and tokens.</summary>
    ICoordinationAuth Auth { get; }

    /// <summary>Reads keys, linearizably unless <c>serializable</c> is set.</summary>
    ValueTask<RangeResponse> RangeAsync(RangeRequest request, CancellationToken cancel = default);

    /// <summary>A Range in parts that, merged in order, are what <see cref="RangeAsync"/> answers. Order other than by key is refused.</summary>
    IAsyncEnumerable<RangeStreamResponse> RangeStreamAsync(RangeRequest request, CancellationToken cancel = default);

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

    /// <summary>Reserves a place for one node that will join from the given peer address.</summary>
    ValueTask<MemberAddResponse> MemberAddAsync(MemberAddRequest request, CancellationToken cancel = default);

    /// <summary>Takes a member out for good, or gives up a reserved place.</summary>
    ValueTask<MemberRemoveResponse> MemberRemoveAsync(MemberRemoveRequest request, CancellationToken cancel = default);

    /// <summary>Says where a member's peers reach it from now on.</summary>
    ValueTask<MemberUpdateResponse> MemberUpdateAsync(MemberUpdateRequest request, CancellationToken cancel = default);

    /// <summary>Makes a learner a voter, if it has caught up.</summary>
    ValueTask<MemberPromoteResponse> MemberPromoteAsync(MemberPromoteRequest request, CancellationToken cancel = default);

    /// <summary>Lists, raises or clears alarms.</summary>
    ValueTask<AlarmResponse> AlarmAsync(AlarmRequest request, CancellationToken cancel = default);

    /// <summary>Does nothing, successfully: the store has no holes.</summary>
    ValueTask<DefragmentResponse> DefragmentAsync(DefragmentRequest request, CancellationToken cancel = default);

    /// <summary>A hash of the whole state, equal on members that have applied the same.</summary>
    ValueTask<HashResponse> HashAsync(HashRequest request, CancellationToken cancel = default);

    /// <summary>etcd's hash of all stored changes up to a revision, equal on all members, and on an etcd with the same history.</summary>
    ValueTask<HashKVResponse> HashKvAsync(HashKVRequest request, CancellationToken cancel = default);

    /// <summary>The keyspace as etcd's file, in pieces, and its SHA-256 as the last.</summary>
    IAsyncEnumerable<SnapshotResponse> SnapshotAsync(SnapshotRequest request, CancellationToken cancel = default);

    /// <summary>Hands leadership to the named member.</summary>
    ValueTask<MoveLeaderResponse> MoveLeaderAsync(MoveLeaderRequest request, CancellationToken cancel = default);

    /// <summary>Says whether a downgrade would be possible; there is none to do.</summary>
    ValueTask<DowngradeResponse> DowngradeAsync(DowngradeRequest request, CancellationToken cancel = default);

    /// <summary>Whether this member knows a leader now. Costs nothing.</summary>
    bool HasLeader { get; }

    /// <summary>What this member knows of its own health, without asking anybody.</summary>
    ValueTask<MemberHealth> HealthAsync(CancellationToken cancel = default);

    /// <summary>Opens a watch stream: many watches that share one ordered outlet. Dispose it when the client goes.</summary>
    IWatchSession OpenWatch(IWatchSink sink);
}

/// <summary>A member's own view of its health.</summary>
/// <param name="Alarms">The kinds of alarm that are on, in the whole cluster.</param>
/// <param name="HasLeader">Whether it knows a leader.</param>
/// <param name="IsLearner">Whether it does not vote yet.</param>
public readonly record struct MemberHealth(IReadOnlyList<AlarmType> Alarms, bool HasLeader, bool IsLearner);
