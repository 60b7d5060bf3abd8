namespace Holdfast.Coordination;

/// <summary>The gRPC status codes that etcd answers with, by their wire numbers (https://grpc.github.io/grpc/core/md_doc_statuscodes.html).</summary>
public enum EtcdCode
{
    /// <summary>No error.</summary>
    Ok = 0,

    /// <summary>The caller went away.</summary>
    Cancelled = 1,

    /// <summary>The cause is not known; for a write: neither is its fate.</summary>
    Unknown = 2,

    /// <summary>The request can never succeed as it stands.</summary>
    InvalidArgument = 3,

    /// <summary>The time ran out; a write's fate is not known.</summary>
    DeadlineExceeded = 4,

    /// <summary>What was named does not exist.</summary>
    NotFound = 5,

    /// <summary>Not allowed.</summary>
    PermissionDenied = 7,

    /// <summary>A bound was met: the space, or the number of requests under way.</summary>
    ResourceExhausted = 8,

    /// <summary>The state does not allow it.</summary>
    FailedPrecondition = 9,

    /// <summary>A revision that is gone or not yet there.</summary>
    OutOfRange = 11,

    /// <summary>The server cannot do this.</summary>
    Unimplemented = 12,

    /// <summary>No quorum or no leader; the client may try again.</summary>
    Unavailable = 14,

    /// <summary>Data is damaged.</summary>
    DataLoss = 15,

    /// <summary>Who is asking is not known.</summary>
    Unauthenticated = 16,
}

/// <summary>A failure that a client can act on: gRPC code and message, letter for letter as etcd sends it, because clients compare the message.</summary>
/// <param name="Code">The gRPC status code.</param>
/// <param name="Message">etcd's own text.</param>
public sealed record EtcdError(EtcdCode Code, string Message);

/// <summary>Every failure of the etcd face, in one table. The texts are etcd's (api/v3rpc/rpctypes), down to the missing spaces.</summary>
public static class EtcdErrors
{
    /// <summary>A key is missing.</summary>
    public static readonly EtcdError EmptyKey = new(EtcdCode.InvalidArgument, "etcdserver: key is not provided");

    /// <summary>The named key does not exist (a put that keeps the old value or lease).</summary>
    public static readonly EtcdError KeyNotFound = new(EtcdCode.InvalidArgument, "etcdserver: key not found");

    /// <summary>A value came with ignore_value.</summary>
    public static readonly EtcdError ValueProvided = new(EtcdCode.InvalidArgument, "etcdserver: value is provided");

    /// <summary>A lease came with ignore_lease.</summary>
    public static readonly EtcdError LeaseProvided = new(EtcdCode.InvalidArgument, "etcdserver: lease is provided");

    /// <summary>More operations in a transaction than allowed.</summary>
    public static readonly EtcdError TooManyOps = new(EtcdCode.InvalidArgument, "etcdserver: too many operations in txn request");

    /// <summary>A transaction changes one key twice.</summary>
    public static readonly EtcdError DuplicateKey = new(EtcdCode.InvalidArgument, "etcdserver: duplicate key given in txn request");

    /// <summary>An order that is unknown, or that a streamed range does not offer.</summary>
    public static readonly EtcdError InvalidSortOption = new(EtcdCode.InvalidArgument, "etcdserver: invalid sort option");

    /// <summary>An unknown value of an enumeration in a lease or alarm request.</summary>
    public static readonly EtcdError InvalidClientApiVersion = new(EtcdCode.InvalidArgument, "etcdserver: invalid client api version");

    /// <summary>The revision is compacted.</summary>
    public static readonly EtcdError Compacted = new(EtcdCode.OutOfRange, "etcdserver: mvcc: required revision has been compacted");

    /// <summary>The revision lies ahead.</summary>
    public static readonly EtcdError FutureRevision = new(EtcdCode.OutOfRange, "etcdserver: mvcc: required revision is a future revision");

    /// <summary>The keyspace has reached its quota.</summary>
    public static readonly EtcdError NoSpace = new(EtcdCode.ResourceExhausted, "etcdserver: mvcc: database space exceeded");

    /// <summary>No such lease.</summary>
    public static readonly EtcdError LeaseNotFound = new(EtcdCode.NotFound, "etcdserver: requested lease not found");

    /// <summary>The asked-for lease id is taken.</summary>
    public static readonly EtcdError LeaseExists = new(EtcdCode.FailedPrecondition, "etcdserver: lease already exists");

    /// <summary>The TTL is beyond the bound of 9,000,000,000 seconds.</summary>
    public static readonly EtcdError LeaseTtlTooLarge = new(EtcdCode.OutOfRange, "etcdserver: too large lease TTL");

    /// <summary>The watch was closed by its client.</summary>
    public static readonly EtcdError WatchCanceled = new(EtcdCode.Cancelled, "etcdserver: watch canceled");

    /// <summary>The watch id is taken on this stream. (Sent as a response's cancel_reason, not as a status.)</summary>
    public const string DuplicateWatchId = "mvcc: duplicate watch ID provided on the WatchStream";

    /// <summary>The range of a watch has no key. (A cancel_reason too.)</summary>
    public const string EmptyWatcherRange = "mvcc: watcher range is empty";

    /// <summary>No such member.</summary>
    public static readonly EtcdError MemberNotFound = new(EtcdCode.NotFound, "etcdserver: member not found");

    /// <summary>The member is there already.</summary>
    public static readonly EtcdError MemberExists = new(EtcdCode.FailedPrecondition, "etcdserver: member ID already exist");

    /// <summary>Another member has this peer address.</summary>
    public static readonly EtcdError PeerUrlExists = new(EtcdCode.FailedPrecondition, "etcdserver: Peer URLs already exists");

    /// <summary>The peer addresses cannot be read.</summary>
    public static readonly EtcdError MemberBadUrls = new(EtcdCode.InvalidArgument, "etcdserver: given member URLs are invalid");

    /// <summary>A change of members would leave too few that run. (etcd's servers send it without its code.)</summary>
    public static readonly EtcdError MemberNotEnoughStarted = new(EtcdCode.Unknown, "etcdserver: re-configuration failed due to not enough started members");

    /// <summary>Only a learner can be promoted.</summary>
    public static readonly EtcdError MemberNotLearner = new(EtcdCode.FailedPrecondition, "etcdserver: can only promote a learner member");

    /// <summary>The learner has not caught up yet.</summary>
    public static readonly EtcdError LearnerNotReady = new(EtcdCode.FailedPrecondition, "etcdserver: can only promote a learner member which is in sync with leader");

    /// <summary>As many learners as there may be have been added, and none is promoted yet.</summary>
    public static readonly EtcdError TooManyLearners = new(EtcdCode.FailedPrecondition, "etcdserver: too many learner members in cluster");

    /// <summary>The target of a leadership transfer is no voter, or down.</summary>
    public static readonly EtcdError BadLeaderTransferee = new(EtcdCode.FailedPrecondition, "etcdserver: bad leader transferee");

    /// <summary>The request is larger than 1.5 MiB.</summary>
    public static readonly EtcdError RequestTooLarge = new(EtcdCode.InvalidArgument, "etcdserver: request is too large");

    /// <summary>Too many requests are under way.</summary>
    public static readonly EtcdError TooManyRequests = new(EtcdCode.ResourceExhausted, "etcdserver: too many requests");

    /// <summary>The server goes down; the proposal was not taken.</summary>
    public static readonly EtcdError Stopped = new(EtcdCode.Unavailable, "etcdserver: server stopped");

    /// <summary>The request took too long; a write's fate is not known.</summary>
    public static readonly EtcdError Timeout = new(EtcdCode.Unavailable, "etcdserver: request timed out");

    /// <summary>The leader was lost while the request was under way; a write's fate is not known.</summary>
    public static readonly EtcdError TimeoutDueToLeaderFail = new(EtcdCode.Unavailable, "etcdserver: request timed out, possibly due to previous leader failure");

    /// <summary>The member lost the leader while the request was under way and knows no other; a write's fate is not known.</summary>
    public static readonly EtcdError TimeoutDueToConnectionLost = new(EtcdCode.Unavailable, "etcdserver: request timed out, possibly due to connection lost");

    /// <summary>A leader that was told to hand over still does not know the other to lead; it may yet. (etcd has no code for it.)</summary>
    public static readonly EtcdError TimeoutLeaderTransfer = new(EtcdCode.Unknown, "etcdserver: request timed out, leader transfer took too long");

    /// <summary>There is no leader.</summary>
    public static readonly EtcdError NoLeader = new(EtcdCode.Unavailable, "etcdserver: no leader");

    /// <summary>This member does not lead, and only the leader may answer.</summary>
    public static readonly EtcdError NotLeader = new(EtcdCode.FailedPrecondition, "etcdserver: not leader");

    /// <summary>The leader changed while the request was under way.</summary>
    public static readonly EtcdError LeaderChanged = new(EtcdCode.Unavailable, "etcdserver: leader changed");

    /// <summary>The member is unhealthy.</summary>
    public static readonly EtcdError Unhealthy = new(EtcdCode.Unavailable, "etcdserver: unhealthy cluster");

    /// <summary>The state is damaged, so nothing is served.</summary>
    public static readonly EtcdError Corrupt = new(EtcdCode.DataLoss, "etcdserver: corrupt cluster");

    /// <summary>The version to downgrade to is no version.</summary>
    public static readonly EtcdError WrongDowngradeVersion = new(EtcdCode.InvalidArgument, "etcdserver: wrong downgrade target version format");

    /// <summary>A downgrade goes exactly one minor version down.</summary>
    public static readonly EtcdError InvalidDowngradeTarget = new(EtcdCode.InvalidArgument, "etcdserver: invalid downgrade target version");

    /// <summary>There is no downgrade to cancel.</summary>
    public static readonly EtcdError NoDowngrade = new(EtcdCode.FailedPrecondition, "etcdserver: no inflight downgrade job");

    /// <summary>A request to an election names no leader. (The texts of locks and elections come from etcd's client; their code is always UNKNOWN.)</summary>
    public static readonly EtcdError LeaderKeyMissing = new(EtcdCode.Unknown, "\"leader\" field must be provided");

    /// <summary>Nobody leads the election.</summary>
    public static readonly EtcdError ElectionNoLeader = new(EtcdCode.Unknown, "election: no leader");

    /// <summary>The one that proclaims does not lead.</summary>
    public static readonly EtcdError ElectionNotLeader = new(EtcdCode.Unknown, "election: not leader");

    /// <summary>The lease of a contender ended while it stood in line.</summary>
    public static readonly EtcdError SessionExpired = new(EtcdCode.Unknown, "mutex: session is expired");

    /// <summary>The lock that a request is made under is not held any more (ours: <see cref="KeyFence"/>).</summary>
    public static readonly EtcdError Fenced = new(EtcdCode.FailedPrecondition, "holdfast: fenced: the key that the request names in holdfast-fence is gone, or another's by now; nothing was done");

    /// <summary>What names the lock cannot be read.</summary>
    public static readonly EtcdError FenceUnread = new(EtcdCode.InvalidArgument, "holdfast: holdfast-fence is the holder's key, and behind a blank its create revision");

    /// <summary>A request that cannot be done under a lock.</summary>
    public static readonly EtcdError FenceNotForThis = new(EtcdCode.Unimplemented, "holdfast: holdfast-fence is for puts, deletions and transactions; nothing was done");

    /// <summary>Authentication is not switched on.</summary>
    public static readonly EtcdError AuthNotEnabled = new(EtcdCode.FailedPrecondition, "etcdserver: authentication is not enabled");

    /// <summary>The operation is not offered.</summary>
    public static readonly EtcdError NotCapable = new(EtcdCode.Unavailable, "etcdserver: not capable");

    /// <summary>Whether an error leaves open what has become of a write: it may have been, or may yet be, done.</summary>
    public static bool LeavesOpen(EtcdError error) => error == Timeout || error == TimeoutDueToLeaderFail || error == TimeoutDueToConnectionLost;

    /// <summary>The replicated reply of an error is its place in this list, so the order is part of the format: add at the end, never move.</summary>
    private static readonly EtcdError[] Replicated =
    [
        EmptyKey, KeyNotFound, ValueProvided, LeaseProvided, TooManyOps, DuplicateKey, InvalidSortOption, Compacted, FutureRevision,
        NoSpace, LeaseNotFound, LeaseExists, LeaseTtlTooLarge, RequestTooLarge, Corrupt, NotCapable,
    ];

    /// <summary>The place of an error that a state machine may answer.</summary>
    internal static byte CodeOf(EtcdError error) => (byte)Array.IndexOf(Replicated, error);

    /// <summary>The error at a place.</summary>
    internal static EtcdError FromCode(byte code) => code < Replicated.Length ? Replicated[code] : Corrupt;
}

/// <summary>An <see cref="EtcdError"/> on its way to the client. Thrown only at the facade's edge; inside, failures are values.</summary>
public sealed class EtcdException(EtcdError error) : Exception(error.Message)
{
    /// <summary>The code and the text to send.</summary>
    public EtcdError Error { get; } = error;
}
