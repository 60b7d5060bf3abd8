using Google.Protobuf;
using Holdfast.Coordination.Protocol;
using Holdfast.Coordination.Protocol.Locks;

namespace Holdfast.Coordination.Endpoints.Locks;

/// <summary>The lock service: a <see cref="Contest"/> whose first holds the lock.</summary>
internal static class LockCalls
{
    /// <summary>Waits for the lock. Answers only while the lease that holds it lives.</summary>
    public static ValueTask<LockResponse> LockAsync(ICoordination coordination, LockRequest request, CancellationToken cancel) =>
        ServiceFailure.RetoldAsync(async () =>
        {
            var contest = new Contest(coordination, request.Name, await Contest.LeaseOfAsync(coordination, request.Lease, cancel).ConfigureAwait(false));
            var (_, first, header) = await contest.EnterAsync(ByteString.Empty, cancel).ConfigureAwait(false);
            if (first is not null && first.CreateRevision != contest.Fence)
            {
                try
                {
                    header = await contest.WaitAsync(cancel).ConfigureAwait(false);
                }
                catch (Exception failure) when (failure is OperationCanceledException or EtcdException)
                {
                    await contest.LeaveAsync().ConfigureAwait(false);
                    throw;
                }
            }

            return new LockResponse { Header = header, Key = contest.Key, Fence = contest.Fence };
        });

    /// <summary>Gives the lock back: deletes its key.</summary>
    public static ValueTask<UnlockResponse> UnlockAsync(ICoordination coordination, UnlockRequest request, CancellationToken cancel) =>
        ServiceFailure.RetoldAsync(async () => new UnlockResponse
        {
            Header = (await coordination.DeleteRangeAsync(new DeleteRangeRequest { Key = request.Key }, cancel).ConfigureAwait(false)).Header,
        });
}

/// <summary>Failures as etcd's lock and election services tell them: with the same text, but always as UNKNOWN, because they speak through a client of their own.</summary>
internal static class ServiceFailure
{
    /// <summary>Runs a call and retells its failure.</summary>
    public static async ValueTask<T> RetoldAsync<T>(Func<ValueTask<T>> call)
    {
        try
        {
            return await call().ConfigureAwait(false);
        }
        catch (EtcdException failure)
        {
            throw Retold(failure);
        }
    }

    /// <summary>The failure, retold.</summary>
    public static EtcdException Retold(EtcdException failure) => new(failure.Error with { Code = EtcdCode.Unknown });
}
