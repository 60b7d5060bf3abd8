using Google.Protobuf.Collections;
using Holdfast.Coordination.Mvcc;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Coordination.Kv;

/// <summary>
/// Whether a list of operations may write one key twice. Two branches of one nested transaction may write the same key, since only one of them
/// runs. As in etcd, two things are not noticed, and then have sub-revisions of their own: a put in an earlier nested transaction with a deletion in a
/// later one, and deletions from a key on without an end, whose end etcd's check takes for the smallest key.
/// </summary>
internal sealed class TxnOverlap
{
    private readonly SortedSet<byte[]> puts = new(KeyOrder.Instance);
    private readonly List<KeyRange> deletes = [];

    private TxnOverlap()
    {
    }

    /// <summary>The error, or null.</summary>
    public static EtcdError? Check(RepeatedField<RequestOp> operations) => WritesOnceAtMost(operations) || new TxnOverlap().Collect(operations) ? null : EtcdErrors.DuplicateKey;

    /// <summary>What writes once writes no key twice: nearly every transaction that there is, and nothing need be gathered.</summary>
    private static bool WritesOnceAtMost(RepeatedField<RequestOp> operations)
    {
        var writes = 0;
        for (var i = 0; i < operations.Count; i++)
        {
            switch (operations[i].RequestCase)
            {
                case RequestOp.RequestOneofCase.RequestTxn: return false;
                case RequestOp.RequestOneofCase.RequestPut or RequestOp.RequestOneofCase.RequestDeleteRange when ++writes > 1: return false;
            }
        }

        return true;
    }

    /// <summary>Gathers a level and those below it: first its deletions, then nested transactions, then its puts. False: a key is written twice.</summary>
    private bool Collect(RepeatedField<RequestOp> operations)
    {
        foreach (var operation in operations)
            if (operation.RequestCase == RequestOp.RequestOneofCase.RequestDeleteRange) AddDelete(operation.RequestDeleteRange);

        foreach (var operation in operations)
            if (operation.RequestCase == RequestOp.RequestOneofCase.RequestTxn && !CollectNested(operation.RequestTxn))
                return false;

        foreach (var operation in operations)
            if (operation.RequestCase == RequestOp.RequestOneofCase.RequestPut && !AddPut(Bytes.Of(operation.RequestPut.Key)))
                return false;

        return true;
    }

    private bool CollectNested(TxnRequest nested)
    {
        var then = new TxnOverlap();
        var otherwise = new TxnOverlap();
        if (!then.Collect(nested.Success)) return false;
        if (!otherwise.Collect(nested.Failure)) return false;
        foreach (var key in then.puts)
            if (!AddPut(key)) return false;
        foreach (var key in otherwise.puts)
        {
            if (then.puts.Contains(key) ? IsDeleted(key) : !AddPut(key)) return false;
        }

        deletes.AddRange(then.deletes);
        deletes.AddRange(otherwise.deletes);
        return true;
    }

    private void AddDelete(DeleteRangeRequest request)
    {
        var range = KeyRange.Of(request.Key, request.RangeEnd);
        if (!range.IsEndless) deletes.Add(range);
    }

    private bool AddPut(byte[] key) => !IsDeleted(key) && puts.Add(key);

    private bool IsDeleted(byte[] key)
    {
        foreach (var range in deletes)
            if (range.Contains(key)) return true;
        return false;
    }
}

/// <summary>Byte order, etcd's order of keys.</summary>
internal sealed class KeyOrder : IComparer<byte[]>
{
    /// <summary>The only one.</summary>
    public static readonly KeyOrder Instance = new();

    /// <inheritdoc/>
    public int Compare(byte[]? x, byte[]? y) => x.AsSpan().SequenceCompareTo(y);
}
