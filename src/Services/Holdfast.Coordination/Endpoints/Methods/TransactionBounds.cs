using Google.Protobuf.Collections;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Coordination.Endpoints.Methods;

/// <summary>The bound on a transaction's operations, found out before anything is proposed. As in etcd, it holds for each list, and for nested transactions each by itself.</summary>
internal static class TransactionBounds
{
    /// <summary>How deep transactions may nest. etcd has no bound of its own; the protobuf reader's is 100.</summary>
    private const int DepthMax = 32;

    public static EtcdError? Check(TxnRequest request, EndpointLimits limits) => Check(request, limits.TransactionOperationsMax, DepthMax);

    private static EtcdError? Check(TxnRequest request, int operationsMax, int depth)
    {
        if (depth == 0 || request.Compare.Count > operationsMax || request.Success.Count > operationsMax || request.Failure.Count > operationsMax)
            return EtcdErrors.TooManyOps;
        return CheckNested(request.Success, operationsMax, depth) ?? CheckNested(request.Failure, operationsMax, depth);
    }

    private static EtcdError? CheckNested(RepeatedField<RequestOp> operations, int operationsMax, int depth)
    {
        foreach (var operation in operations)
            if (operation.RequestCase == RequestOp.RequestOneofCase.RequestTxn && Check(operation.RequestTxn, operationsMax, depth - 1) is { } error)
                return error;
        return null;
    }
}
