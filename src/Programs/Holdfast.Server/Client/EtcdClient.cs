using System.Runtime.CompilerServices;
using Grpc.Core;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Server.Client;

/// <summary>
/// The etcd client of the command line, over several endpoints. Reads go to the next endpoint when one does not answer. A write goes to the next only if it is
/// certain that the first never got it (no connection); otherwise its outcome is unknown, and that is said, never retried (S25).
/// </summary>
internal sealed class EtcdClient : IDisposable
{
    /// <summary>Where the client looks when nothing else is said.</summary>
    public const string DefaultEndpoint = "http://127.0.0.1:2379";

    private readonly List<EtcdEndpoint> endpoints;
    private readonly TimeSpan timeout;
    private int preferred;

    /// <summary>A client of the given endpoints, each <c>host:port</c> or a URL.</summary>
    /// <param name="addresses">At least one.</param>
    /// <param name="timeout">For one call at one endpoint; 5 seconds unless said otherwise, as in etcdctl.</param>
    public EtcdClient(IReadOnlyList<string> addresses, TimeSpan? timeout = null)
        : this(new ClientAccess(addresses), timeout)
    {
    }

    /// <summary>A client that reaches servers in the given way.</summary>
    /// <param name="access">At least one endpoint.</param>
    /// <param name="timeout">For one call at one endpoint; 5 seconds unless said otherwise, as in etcdctl.</param>
    public EtcdClient(ClientAccess access, TimeSpan? timeout = null)
    {
        if (access.Endpoints.Count == 0) throw new ArgumentException("at least one endpoint is needed", nameof(access));
        this.timeout = timeout ?? TimeSpan.FromSeconds(5);
        endpoints = [.. access.Endpoints.Select(address => new EtcdEndpoint(address, access))];
    }

    /// <summary>The endpoints that <c>--endpoints</c> or the variable <c>HOLDFAST_ENDPOINTS</c> names, separated by commas; else the default.</summary>
    public static IReadOnlyList<string> ParseEndpoints(string? option)
    {
        var text = string.IsNullOrWhiteSpace(option) ? Environment.GetEnvironmentVariable("HOLDFAST_ENDPOINTS") : option;
        if (string.IsNullOrWhiteSpace(text)) return [DefaultEndpoint];
        return text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>Reads keys.</summary>
    public Task<RangeResponse> RangeAsync(RangeRequest request, CancellationToken cancel = default) =>
        ReadAsync((endpoint, options) => endpoint.Kv.RangeAsync(request, options).ResponseAsync, cancel);

    /// <summary>The members of the cluster.</summary>
    public Task<MemberListResponse> MemberListAsync(CancellationToken cancel = default) =>
        ReadAsync((endpoint, options) => endpoint.Cluster.MemberListAsync(new MemberListRequest(), options).ResponseAsync, cancel);

    /// <summary>Takes a member out for good.</summary>
    /// <exception cref="OutcomeUnknownException">It may or may not have begun.</exception>
    public Task<MemberRemoveResponse> MemberRemoveAsync(ulong member, CancellationToken cancel = default) =>
        WriteAsync((endpoint, options) => endpoint.Cluster.MemberRemoveAsync(new MemberRemoveRequest { ID = member }, options.WithDeadline(DateTime.UtcNow.AddSeconds(30))).ResponseAsync, cancel);

    /// <summary>Makes a learner a voter, if it has caught up.</summary>
    /// <exception cref="OutcomeUnknownException">It may or may not have begun.</exception>
    public Task<MemberPromoteResponse> MemberPromoteAsync(ulong member, CancellationToken cancel = default) =>
        WriteAsync((endpoint, options) => endpoint.Cluster.MemberPromoteAsync(new MemberPromoteRequest { ID = member }, options).ResponseAsync, cancel);

    /// <summary>Writes a key.</summary>
    /// <exception cref="OutcomeUnknownException">It may or may not have been written.</exception>
    public Task<PutResponse> PutAsync(PutRequest request, CancellationToken cancel = default) =>
        WriteAsync((endpoint, options) => endpoint.Kv.PutAsync(request, options).ResponseAsync, cancel);

    /// <summary>Deletes keys.</summary>
    /// <exception cref="OutcomeUnknownException">They may or may not have been deleted.</exception>
    public Task<DeleteRangeResponse> DeleteRangeAsync(DeleteRangeRequest request, CancellationToken cancel = default) =>
        WriteAsync((endpoint, options) => endpoint.Kv.DeleteRangeAsync(request, options).ResponseAsync, cancel);

    /// <summary>Runs a transaction.</summary>
    /// <exception cref="OutcomeUnknownException">It may or may not have run.</exception>
    public Task<TxnResponse> TxnAsync(TxnRequest request, CancellationToken cancel = default) =>
        WriteAsync((endpoint, options) => endpoint.Kv.TxnAsync(request, options).ResponseAsync, cancel);

    /// <summary>The status of every endpoint, in their order; each either answers or says why not.</summary>
    public async Task<IReadOnlyList<EndpointStatus>> StatusAsync(CancellationToken cancel = default) =>
        await Task.WhenAll(endpoints.Select(endpoint => StatusOfAsync(endpoint, cancel))).ConfigureAwait(false);

    /// <summary>
    /// Watches from a revision on, through lost connections: the watch is taken up at another endpoint at the revision after the last one seen, so no event
    /// is missed or comes twice. Ends only by cancellation, or when the server cancels the watch (the last response says why).
    /// </summary>
    public async IAsyncEnumerable<WatchResponse> WatchAsync(WatchCreateRequest create, [EnumeratorCancellation] CancellationToken cancel = default)
    {
        var position = create.Clone();
        for (var failures = 1; ; failures++)
        {
            var endpoint = Preferred;
            using var call = endpoint.Watch.Watch(new CallOptions(cancellationToken: cancel));
            var asked = await CallOutcome.SucceedsAsync(() => call.RequestStream.WriteAsync(new WatchRequest { CreateRequest = position }, cancel), cancel).ConfigureAwait(false);
            while (asked && await CallOutcome.SucceedsAsync(() => call.ResponseStream.MoveNext(cancel), cancel).ConfigureAwait(false))
            {
                failures = 1;
                var response = call.ResponseStream.Current;
                Advance(position, response);
                yield return response;
                if (response.Canceled) yield break;
            }

            PreferNext(endpoint);
            await Task.Delay(Backoff(failures), cancel).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => endpoints.ForEach(endpoint => endpoint.Dispose());

    private EtcdEndpoint Preferred => endpoints[Volatile.Read(ref preferred)];

    /// <summary>Moves the place at which a broken watch is taken up again. A fragment is not the whole of its revision, so it does not count.</summary>
    private static void Advance(WatchCreateRequest position, WatchResponse response)
    {
        if (response.Created && position.StartRevision == 0) position.StartRevision = response.Header.Revision + 1;
        if (response.Events.Count > 0 && !response.Fragment) position.StartRevision = response.Events[^1].Kv.ModRevision + 1;
    }

    private static TimeSpan Backoff(int failures) => TimeSpan.FromMilliseconds(Math.Min(1000, 25 << Math.Min(failures, 6)));

    private void PreferNext(EtcdEndpoint failed)
    {
        var at = endpoints.IndexOf(failed);
        Interlocked.CompareExchange(ref preferred, (at + 1) % endpoints.Count, at);
    }

    private CallOptions Options(CancellationToken cancel) => new(deadline: DateTime.UtcNow + timeout, cancellationToken: cancel);

    private async Task<T> ReadAsync<T>(Func<EtcdEndpoint, CallOptions, Task<T>> call, CancellationToken cancel)
    {
        for (var attempt = 1; ; attempt++)
        {
            var endpoint = Preferred;
            try
            {
                return await call(endpoint, Options(cancel)).ConfigureAwait(false);
            }
            catch (RpcException failure) when (attempt < endpoints.Count && CallOutcome.MayReadElsewhere(failure))
            {
                PreferNext(endpoint);
            }
        }
    }

    private async Task<T> WriteAsync<T>(Func<EtcdEndpoint, CallOptions, Task<T>> call, CancellationToken cancel)
    {
        for (var attempt = 1; ; attempt++)
        {
            var endpoint = Preferred;
            try
            {
                return await call(endpoint, Options(cancel)).ConfigureAwait(false);
            }
            catch (RpcException failure) when (CallOutcome.NeverArrived(failure) && attempt < endpoints.Count)
            {
                PreferNext(endpoint);
            }
            catch (RpcException failure) when (CallOutcome.IsUnknown(failure))
            {
                throw new OutcomeUnknownException(endpoint.Address, failure);
            }
        }
    }

    private async Task<EndpointStatus> StatusOfAsync(EtcdEndpoint endpoint, CancellationToken cancel)
    {
        try
        {
            return new(endpoint.Address, await endpoint.Maintenance.StatusAsync(new StatusRequest(), Options(cancel)).ConfigureAwait(false), null);
        }
        catch (RpcException failure)
        {
            return new(endpoint.Address, null, failure.Status.Detail);
        }
    }
}

/// <summary>What an endpoint says of itself, or why it says nothing.</summary>
internal sealed record EndpointStatus(string Address, StatusResponse? Status, string? Failure);

/// <summary>A write was sent and its answer did not come: it may have been executed. The caller reads to find out.</summary>
internal sealed class OutcomeUnknownException(string endpoint, RpcException cause)
    : Exception($"the write was sent to {endpoint}, but its outcome is unknown ({cause.Status.Detail}): read the key to see whether it happened", cause);
