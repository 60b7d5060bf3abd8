using Google.Protobuf;
using Google.Protobuf.Collections;
using Holdfast.Cluster;
using Holdfast.Coordination.Mvcc;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Coordination.Permissions;

/// <summary>
/// Whether someone may do what a request asks, by the group's own state alone (S13): asked when an entry is applied and when a read runs. Null means yes.
/// The order of the questions is etcd's, because the first "no" is what the client sees. On the group's loop. While auth is off nothing is asked.
/// </summary>
internal sealed class AuthGuard(AuthStore auth, MvccStore store)
{
    /// <summary>Users whose merged ranges are kept; when there are more, all are forgotten and made again as they are needed.</summary>
    private const int CoversMax = 4096;

    private static readonly ByteString NoEnd = ByteString.Empty;
    private readonly Dictionary<string, (KeyCover Read, KeyCover Write)> covers = new(StringComparer.Ordinal);
    private IdentityView coversOf = new();

    /// <summary>Whether anything is asked at all.</summary>
    public bool IsOn => auth.IsOn;

    /// <summary>Only one who holds the role root may. (As in etcd the revision is not looked at: the role is asked of the newest state anyway.)</summary>
    public static EtcdError? AdminRefusal(IdentityView view, in Requester who)
    {
        if (string.IsNullOrEmpty(who.User)) return AuthErrors.UserEmpty;
        if (!view.Users.TryGetValue(who.User, out var user)) return AuthErrors.UserNotFound;
        return user.Holds(IdentityView.Root) ? null : AuthErrors.PermissionDenied;
    }

    /// <summary>Only one who has said who he is.</summary>
    public static EtcdError? StrangerRefusal(in Requester who) => string.IsNullOrEmpty(who.User) ? AuthErrors.UserEmpty : null;

    /// <summary>Who a caller is in this state, for reads.</summary>
    public EtcdError? Resolve(Caller? caller, out Requester who) => Caller.Resolve(caller, auth.View, out who);

    /// <summary>Reading a range.</summary>
    public EtcdError? RefusalOf(in Requester who, RangeRequest request) => OnKeys(who, request.Key, request.RangeEnd, Access.Read);

    /// <summary>Watching a range. (etcd asks for the first key only when the range has no end; we ask for all of it.)</summary>
    public EtcdError? RefusalOf(in Requester who, WatchCreateRequest request)
    {
        var key = request.Key.IsEmpty ? ByteString.CopyFrom(0) : request.Key;
        return OnKeys(who, key, request.RangeEnd, Access.Read);
    }

    /// <summary>Writing a key; seeing what was there; and hanging it on a lease whose other keys the user could not delete.</summary>
    public EtcdError? RefusalOf(in Requester who, PutRequest request)
    {
        if (OnKeys(who, request.Key, NoEnd, Access.Write) is { } onKey) return onKey;
        if (OnLease(who, request.Lease, Access.Write) is { } onLease) return onLease;
        return request.PrevKv ? OnKeys(who, request.Key, NoEnd, Access.Read) : null;
    }

    /// <summary>Deleting a range; seeing what was there.</summary>
    public EtcdError? RefusalOf(in Requester who, DeleteRangeRequest request)
    {
        if (OnKeys(who, request.Key, request.RangeEnd, Access.Write) is { } refused) return refused;
        return request.PrevKv ? OnKeys(who, request.Key, request.RangeEnd, Access.Read) : null;
    }

    /// <summary>A transaction: everything that it compares, and everything that either branch could do, nested ones included, whichever will run.</summary>
    public EtcdError? RefusalOf(in Requester who, TxnRequest request)
    {
        foreach (var compare in request.Compare)
            if (OnKeys(who, compare.Key, compare.RangeEnd, Access.Read) is { } refused) return refused;
        return OnOperations(who, request.Success) ?? OnOperations(who, request.Failure);
    }

    /// <summary>Ending a lease deletes its keys, and renewing it keeps them: both need every key of it.</summary>
    public EtcdError? LeaseRefusal(in Requester who, long lease) => StrangerRefusal(who) ?? OnLease(who, lease, Access.Write);

    /// <summary>Seeing a lease's keys.</summary>
    public EtcdError? RefusalOf(in Requester who, LeaseTimeToLiveRequest request) =>
        StrangerRefusal(who) ?? (request.Keys ? OnLease(who, request.ID, Access.Read) : null);

    /// <summary>Seeing which leases there are: their keys must be readable.</summary>
    public EtcdError? RefusalOfLeases(in Requester who)
    {
        if (StrangerRefusal(who) is { } stranger) return stranger;
        if (AdminRefusal(auth.View, who) is null) return null;
        foreach (var id in store.Leases.Granted.Keys)
            if (OnLease(who, id, Access.Read) is { } refused) return refused;
        return null;
    }

    private EtcdError? OnOperations(in Requester who, RepeatedField<RequestOp> operations)
    {
        foreach (var operation in operations)
        {
            var refused = operation.RequestCase switch
            {
                RequestOp.RequestOneofCase.RequestRange => RefusalOf(who, operation.RequestRange),
                RequestOp.RequestOneofCase.RequestPut => RefusalOf(who, operation.RequestPut),
                RequestOp.RequestOneofCase.RequestDeleteRange => RefusalOf(who, operation.RequestDeleteRange),
                RequestOp.RequestOneofCase.RequestTxn => RefusalOf(who, operation.RequestTxn),
                _ => null,
            };
            if (refused is not null) return refused;
        }

        return null;
    }

    private EtcdError? OnLease(in Requester who, long lease, Access access)
    {
        if (lease == 0 || AdminRefusal(auth.View, who) is null) return null;
        // In no order: whichever key is asked about first, what is refused is refused with the same words. (A lease may hold ten thousand keys, and sorting them for every put on it is not free.)
        foreach (var record in store.Leases.AnyOrderKeysOf(lease))
            if (OnKeys(who, Bytes.Wrap(record.Key), NoEnd, access) is { } refused) return refused;
        return null;
    }

    private EtcdError? OnKeys(in Requester who, ByteString key, ByteString rangeEnd, Access access)
    {
        var view = auth.View;
        if (who.Revision == 0) return AuthErrors.UserEmpty;
        if (who.Revision < view.Revision) return AuthErrors.AuthOldRevision;
        if (!view.Users.TryGetValue(who.User!, out var user)) return AuthErrors.PermissionDenied;
        if (user.Holds(IdentityView.Root)) return null;
        var (read, write) = CoversOf(view, user);
        return (access == Access.Read ? read : write).Covers(key.Span, rangeEnd.Span) ? null : AuthErrors.PermissionDenied;
    }

    private (KeyCover Read, KeyCover Write) CoversOf(IdentityView view, UserRecord user)
    {
        if ((!ReferenceEquals(view, coversOf) && auth.Bug != PlantedKeyspaceBug.AuthChangeMissedByCache) || covers.Count >= CoversMax)
        {
            covers.Clear();
            coversOf = view;
        }

        if (covers.TryGetValue(user.Name, out var made)) return made;
        made = (new KeyCover(view.GrantsOf(user), Face.Coordination, Access.Read), new KeyCover(view.GrantsOf(user), Face.Coordination, Access.Write));
        covers.Add(user.Name, made);
        return made;
    }
}
