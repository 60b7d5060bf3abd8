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

    /// <summary>An unknown filter in a watch.</summary>
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

    /// <summary>No such member.</summary>
    public static readonly EtcdError MemberNotFound = new(EtcdCode.NotFound, "etcdserver: member not found");

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

    /// <summary>There is no leader.</summary>
    public static readonly EtcdError NoLeader = new(EtcdCode.Unavailable, "etcdserver: no leader");

    /// <summary>This member does not lead, and only the leader may answer.</summary>
    public static readonly EtcdError NotLeader = new(EtcdCode.FailedPrecondition, "etcdserver: not leader");

    /// <summary>The leader changed while the request was under way.</summary>
    public static readonly EtcdError LeaderChanged = new(EtcdCode.Unavailable, "etcdserver: leader changed");

    /// <summary>The member is unhealthy.</summary>
    public static readonly EtcdError Unhealthy = new(EtcdCode.Unavailable, "etcdserver: unhealthy cluster");

    /// <summary>The state is damaged, so nothing is served.</summary>
    public static readonly EtcdError Corrupt = new(EtcdCode.Unknown, "etcdserver: corrupt cluster");

    /// <summary>Authentication is not switched on.</summary>
    public static readonly EtcdError AuthNotEnabled = new(EtcdCode.FailedPrecondition, "etcdserver: authentication is not enabled");

    /// <summary>The operation is not offered.</summary>
    public static readonly EtcdError NotCapable = new(EtcdCode.FailedPrecondition, "etcdserver: not capable");

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
