using Google.Protobuf.Collections;
using Holdfast.Coordination.Mvcc;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Coordination.Kv;

/// <summary>
/// A transaction in etcd's three steps: (1) all compares, nested ones too, against the store as it is before; (2) everything that could fail in the
/// branches that will run; (3) the operations, each seeing what those before it did. After step 2 nothing fails, so nothing is ever half done.
/// </summary>
internal sealed class TxnExecution(MvccStore store, KvExecutor kv)
{
    private readonly List<bool> path = [];
    private int at;

    /// <summary>Runs a transaction within a batch that the caller has begun. The response is null where nobody waits for it.</summary>
    public EtcdError? Run(TxnRequest request, out TxnResponse? response)
    {
        response = null;
        path.Clear();
        Decide(request);
        at = 0;
        if (RefusalOfPuts(request) is { } putError) return putError;
        at = 0;
        if (RefusalOfRanges(request) is { } rangeError) return rangeError;
        at = 0;
        if (kv.IsReplyWanted)
        {
            response = Execute(request);
            response.Header.Revision = store.ReadRevision;
        }
        else
        {
            Obey(request);
        }

        return null;
    }

    private static RepeatedField<RequestOp> Branch(TxnRequest request, bool succeeded) => succeeded ? request.Success : request.Failure;

    private void Decide(TxnRequest request)
    {
        var succeeded = Holds(request.Compare);
        path.Add(succeeded);
        var branch = Branch(request, succeeded);
        for (var i = 0; i < branch.Count; i++)
            if (branch[i].RequestCase == RequestOp.RequestOneofCase.RequestTxn) Decide(branch[i].RequestTxn);
    }

    private EtcdError? RefusalOfPuts(TxnRequest request)
    {
        var branch = Branch(request, path[at++]);
        for (var i = 0; i < branch.Count; i++)
        {
            var error = branch[i].RequestCase switch
            {
                RequestOp.RequestOneofCase.RequestTxn => RefusalOfPuts(branch[i].RequestTxn),
                RequestOp.RequestOneofCase.RequestPut => RefusalOfPut(branch[i].RequestPut),
                _ => null,
            };
            if (error is not null) return error;
        }

        return null;
    }

    /// <summary>In a transaction etcd looks for the key first and for the lease second; alone it does the opposite.</summary>
    private EtcdError? RefusalOfPut(PutRequest request)
    {
        if ((request.IgnoreValue || request.IgnoreLease) && store.FindLive(request.Key.Span) is null) return EtcdErrors.KeyNotFound;
        return kv.Refusal(request);
    }

    private EtcdError? RefusalOfRanges(TxnRequest request)
    {
        var branch = Branch(request, path[at++]);
        for (var i = 0; i < branch.Count; i++)
        {
            var error = branch[i].RequestCase switch
            {
                RequestOp.RequestOneofCase.RequestTxn => RefusalOfRanges(branch[i].RequestTxn),
                RequestOp.RequestOneofCase.RequestRange => RefusalOfRange(branch[i].RequestRange.Revision),
                _ => null,
            };
            if (error is not null) return error;
        }

        return null;
    }

    /// <summary>Other than alone, a negative revision in a transaction is below everything once the store was compacted.</summary>
    private EtcdError? RefusalOfRange(long revision)
    {
        if (revision == 0) return null;
        if (revision > store.Revision) return EtcdErrors.FutureRevision;
        return revision < store.Compacted ? EtcdErrors.Compacted : null;
    }

    private TxnResponse Execute(TxnRequest request)
    {
        var succeeded = path[at++];
        var response = new TxnResponse { Header = new ResponseHeader(), Succeeded = succeeded };
        var branch = Branch(request, succeeded);
        for (var i = 0; i < branch.Count; i++)
        {
            var operation = branch[i];
            response.Responses.Add(operation.RequestCase switch
            {
                RequestOp.RequestOneofCase.RequestRange => new ResponseOp { ResponseRange = kv.Range(operation.RequestRange) },
                RequestOp.RequestOneofCase.RequestPut => new ResponseOp { ResponsePut = kv.Put(operation.RequestPut) },
                RequestOp.RequestOneofCase.RequestDeleteRange => new ResponseOp { ResponseDeleteRange = kv.DeleteRange(operation.RequestDeleteRange) },
                RequestOp.RequestOneofCase.RequestTxn => new ResponseOp { ResponseTxn = Execute(operation.RequestTxn) },
                _ => new ResponseOp(),
            });
        }

        return response;
    }

    /// <summary>The same changes, told to nobody: on the replicas where no client waits, reading and telling would be the larger part of the work.</summary>
    private void Obey(TxnRequest request)
    {
        var branch = Branch(request, path[at++]);
        for (var i = 0; i < branch.Count; i++)
        {
            switch (branch[i].RequestCase)
            {
                case RequestOp.RequestOneofCase.RequestPut: kv.Write(branch[i].RequestPut); break;
                case RequestOp.RequestOneofCase.RequestDeleteRange: kv.DeleteRange(branch[i].RequestDeleteRange); break;
                case RequestOp.RequestOneofCase.RequestTxn: Obey(branch[i].RequestTxn); break;
            }
        }
    }

    private bool Holds(RepeatedField<Compare> compares)
    {
        for (var i = 0; i < compares.Count; i++)
            if (!Holds(compares[i])) return false;
        return true;
    }

    private bool Holds(Compare compare)
    {
        if (compare.RangeEnd.IsEmpty) return store.FindLive(compare.Key.Span) is { } only ? Holds(compare, only.Latest) : HoldsOfNothing(compare);
        var live = kv.LiveIn(KeyRange.Of(compare.Key, compare.RangeEnd));
        if (live.Count == 0) return HoldsOfNothing(compare);
        foreach (var record in live)
            if (!Holds(compare, record.Latest)) return false;
        return true;
    }

    /// <summary>A missing value is not an empty one; there is no way to say it in the protocol, so etcd lets every comparison with it fail.</summary>
    private static bool HoldsOfNothing(Compare compare) => compare.Target != Compare.Types.CompareTarget.Value && Holds(compare, default);

    private static bool Holds(Compare compare, in KeyVersion version)
    {
        var order = compare.Target switch
        {
            Compare.Types.CompareTarget.Value => version.Value.AsSpan().SequenceCompareTo(compare.Value.Span),
            Compare.Types.CompareTarget.Create => version.Create.CompareTo(compare.CreateRevision),
            Compare.Types.CompareTarget.Mod => version.Mod.CompareTo(compare.ModRevision),
            Compare.Types.CompareTarget.Version => version.Number.CompareTo(compare.Version),
            Compare.Types.CompareTarget.Lease => version.Lease.CompareTo(compare.Lease),
            _ => 0,
        };
        return compare.Result switch
        {
            Compare.Types.CompareResult.Equal => order == 0,
            Compare.Types.CompareResult.NotEqual => order != 0,
            Compare.Types.CompareResult.Greater => order > 0,
            Compare.Types.CompareResult.Less => order < 0,
            _ => true,
        };
    }
}
