using Holdfast.Coordination.Mvcc;
using Holdfast.Coordination.Protocol;
using Holdfast.Primitives;

namespace Holdfast.Coordination.Kv;

/// <summary>
/// What can be said of a request without looking at the store, in etcd's order and with etcd's errors. Asked by the face before it proposes and by
/// the state machine before it executes: a command that came around the face is answered, not obeyed. Null means good.
/// </summary>
/// <remarks>Protobuf's repeated fields are walked by index, here and where transactions execute: their enumerators live on the heap, and a transaction is walked a dozen times on each replica.</remarks>
internal static class RequestCheck
{
    /// <summary>Compares, or operations of one branch, in a transaction with all nested ones above it. etcd's default; ours is fixed, as every replica must agree.</summary>
    public const int TxnOpsMax = 128;

    /// <summary>etcd's longest lease, in seconds: about 285 years.</summary>
    public const long LeaseSecondsMax = 9_000_000_000;

    /// <summary>A range names a key.</summary>
    public static EtcdError? Of(RangeRequest request) => request.Key.IsEmpty ? EtcdErrors.EmptyKey : null;

    /// <summary>An order that etcd knows. Asked at the door alone: what lies in a log from before it was asked is executed, with any order by key.</summary>
    public static EtcdError? OrderOf(RangeRequest request) => (uint)request.SortOrder > (uint)RangeRequest.Types.SortOrder.Descend || (uint)request.SortTarget > (uint)RangeRequest.Types.SortTarget.Value ? EtcdErrors.InvalidSortOption : null;

    /// <summary>The same for every range in a transaction.</summary>
    public static EtcdError? OrderOf(TxnRequest request) => OrderOf(request.Success) ?? OrderOf(request.Failure);

    private static EtcdError? OrderOf(Google.Protobuf.Collections.RepeatedField<RequestOp> operations)
    {
        for (var i = 0; i < operations.Count; i++)
        {
            var error = operations[i].RequestCase switch
            {
                RequestOp.RequestOneofCase.RequestRange => OrderOf(operations[i].RequestRange),
                RequestOp.RequestOneofCase.RequestTxn => OrderOf(operations[i].RequestTxn),
                _ => null,
            };
            if (error is not null) return error;
        }

        return null;
    }

    /// <summary>A put names a key, and nothing that it asks to keep.</summary>
    public static EtcdError? Of(PutRequest request)
    {
        if (request.Key.IsEmpty) return EtcdErrors.EmptyKey;
        if (request.IgnoreValue && !request.Value.IsEmpty) return EtcdErrors.ValueProvided;
        return request.IgnoreLease && request.Lease != 0 ? EtcdErrors.LeaseProvided : null;
    }

    /// <summary>A deletion names a key.</summary>
    public static EtcdError? Of(DeleteRangeRequest request) => request.Key.IsEmpty ? EtcdErrors.EmptyKey : null;

    /// <summary>A lease is not too long.</summary>
    public static EtcdError? Of(LeaseGrantRequest request) => request.TTL > LeaseSecondsMax ? EtcdErrors.LeaseTtlTooLarge : null;

    /// <summary>A transaction is not too large, its parts are good, and it changes no key twice.</summary>
    public static EtcdError? Of(TxnRequest request)
    {
        if (OfParts(request, TxnOpsMax) is { } error) return error;
        return TxnOverlap.Check(request.Success) ?? TxnOverlap.Check(request.Failure);
    }

    /// <summary>Whether a transaction has no write in any branch, so that it need not go through the log.</summary>
    public static bool IsReadOnly(TxnRequest request) => IsReadOnly(request.Success) && IsReadOnly(request.Failure);

    private static bool IsReadOnly(Google.Protobuf.Collections.RepeatedField<RequestOp> operations)
    {
        for (var i = 0; i < operations.Count; i++)
        {
            switch (operations[i].RequestCase)
            {
                case RequestOp.RequestOneofCase.RequestRange: continue;
                case RequestOp.RequestOneofCase.RequestTxn when IsReadOnly(operations[i].RequestTxn): continue;
                default: return false;
            }
        }

        return true;
    }

    private static EtcdError? OfParts(TxnRequest request, int opsMax)
    {
        var ops = Math.Max(request.Compare.Count, Math.Max(request.Success.Count, request.Failure.Count));
        if (ops > opsMax) return EtcdErrors.TooManyOps;
        for (var i = 0; i < request.Compare.Count; i++)
            if (request.Compare[i].Key.IsEmpty) return EtcdErrors.EmptyKey;
        return Of(request.Success, opsMax - ops) ?? Of(request.Failure, opsMax - ops);
    }

    private static EtcdError? Of(Google.Protobuf.Collections.RepeatedField<RequestOp> operations, int opsMax)
    {
        for (var i = 0; i < operations.Count; i++)
            if (Of(operations[i], opsMax) is { } error) return error;
        return null;
    }

    private static EtcdError? Of(RequestOp operation, int opsMax) => operation.RequestCase switch
    {
        RequestOp.RequestOneofCase.RequestRange => Of(operation.RequestRange),
        RequestOp.RequestOneofCase.RequestPut => Of(operation.RequestPut),
        RequestOp.RequestOneofCase.RequestDeleteRange => Of(operation.RequestDeleteRange),
        RequestOp.RequestOneofCase.RequestTxn => OfParts(operation.RequestTxn, opsMax),

        // etcd's own answer to an empty operation, odd as it is.
        _ => EtcdErrors.KeyNotFound,
    };
}
