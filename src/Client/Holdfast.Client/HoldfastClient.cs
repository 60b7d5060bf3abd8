using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Google.Protobuf;
using Grpc.Core;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Client;

/// <summary>
/// A client of the coordination face, over several endpoints; safe for use by many callers at once, and made to be kept. Reads go to the next endpoint when one does not answer.
/// A write goes to the next only if it is certain that the first never got it (no connection); otherwise its outcome is unknown, and that is said, never retried (S25).
/// Refusals are <see cref="RpcException"/> with etcd's code and text.
/// </summary>
public sealed class HoldfastClient : IDisposable
{
    /// <summary>How often in a row a watch signs in anew before its refusal is told.</summary>
    private const int SignInsMax = 4;

    private readonly ServerList servers;
    private readonly Lazy<string> author;

    /// <summary>A client of what the options say; connections are made at the first call.</summary>
    /// <exception cref="ArgumentException">The options are wrong; the message says all that is.</exception>
    public HoldfastClient(HoldfastClientOptions options)
    {
        servers = new ServerList(options);
        author = new Lazy<string>(options.Author);
        Services = new ServiceRegistry(this);
        Configuration = new VersionedKeys(this, "/config/");
        Flags = new VersionedKeys(this, "/flags/");
    }

    /// <summary>A client of the given endpoints, each <c>host:port</c> or a URL, without TLS files and users.</summary>
    public HoldfastClient(params IReadOnlyList<string> endpoints) : this(new HoldfastClientOptions { Endpoints = endpoints })
    {
    }

    /// <summary>Which services there are, and where.</summary>
    public ServiceRegistry Services { get; }

    /// <summary>Values that all instances share, at <c>/config/NAME</c>.</summary>
    public VersionedKeys Configuration { get; }

    /// <summary>Feature flags, at <c>/flags/NAME</c>; the values are <see cref="FeatureFlag"/>.</summary>
    public VersionedKeys Flags { get; }

    internal ServerList Servers => servers;

    internal string Author => author.Value;

    /// <summary>Reads a key: linearizable, whichever node is asked. Null when it is not there.</summary>
    public async Task<KeyValue?> GetAsync(string key, CancellationToken cancel = default) =>
        (await RangeAsync(new RangeRequest { Key = KeyText.Bytes(key) }, cancel).ConfigureAwait(false)).Kvs.FirstOrDefault();

    /// <summary>Reads all keys that begin with a prefix, in the order of their bytes.</summary>
    public Task<RangeResponse> GetPrefixAsync(string prefix, CancellationToken cancel = default) =>
        RangeAsync(new RangeRequest { Key = KeyText.StartOfPrefix(prefix), RangeEnd = KeyText.EndOfPrefix(prefix) }, cancel);

    /// <summary>Reads keys.</summary>
    public Task<RangeResponse> RangeAsync(RangeRequest request, CancellationToken cancel = default) =>
        servers.ReadAsync((endpoint, options) => endpoint.Kv.RangeAsync(request, options).ResponseAsync, cancel);

    /// <summary>Writes a key; returns once a majority has it on disk.</summary>
    /// <exception cref="OutcomeUnknownException">It may or may not have been written.</exception>
    public Task<PutResponse> PutAsync(string key, string value, long lease = 0, CancellationToken cancel = default) =>
        PutAsync(new PutRequest { Key = KeyText.Bytes(key), Value = ByteString.CopyFromUtf8(value), Lease = lease }, cancel);

    /// <summary>Writes a key.</summary>
    /// <exception cref="OutcomeUnknownException">It may or may not have been written.</exception>
    public Task<PutResponse> PutAsync(PutRequest request, CancellationToken cancel = default) =>
        servers.WriteAsync((endpoint, options) => endpoint.Kv.PutAsync(request, options).ResponseAsync, cancel);

    /// <summary>Deletes a key; says whether it was there.</summary>
    /// <exception cref="OutcomeUnknownException">It may or may not have been deleted.</exception>
    public async Task<bool> DeleteAsync(string key, CancellationToken cancel = default) =>
        (await DeleteRangeAsync(new DeleteRangeRequest { Key = KeyText.Bytes(key) }, cancel).ConfigureAwait(false)).Deleted > 0;

    /// <summary>Deletes keys.</summary>
    /// <exception cref="OutcomeUnknownException">They may or may not have been deleted.</exception>
    public Task<DeleteRangeResponse> DeleteRangeAsync(DeleteRangeRequest request, CancellationToken cancel = default) =>
        servers.WriteAsync((endpoint, options) => endpoint.Kv.DeleteRangeAsync(request, options).ResponseAsync, cancel);

    /// <summary>Runs a transaction: if all comparisons hold, the operations of <c>Success</c>, else those of <c>Failure</c>, at one revision.</summary>
    /// <exception cref="OutcomeUnknownException">It may or may not have run.</exception>
    public Task<TxnResponse> TxnAsync(TxnRequest request, CancellationToken cancel = default) =>
        servers.WriteAsync((endpoint, options) => endpoint.Kv.TxnAsync(request, options).ResponseAsync, cancel);

    /// <summary>The members of the cluster.</summary>
    public Task<MemberListResponse> MemberListAsync(CancellationToken cancel = default) =>
        servers.ReadAsync((endpoint, options) => endpoint.Cluster.MemberListAsync(new MemberListRequest(), options).ResponseAsync, cancel);

    /// <summary>Takes a member out of the cluster for good, or gives up a place that was reserved.</summary>
    /// <exception cref="OutcomeUnknownException">It may or may not have begun.</exception>
    public Task<MemberRemoveResponse> MemberRemoveAsync(ulong member, CancellationToken cancel = default) =>
        servers.WriteAsync((endpoint, options) => endpoint.Cluster.MemberRemoveAsync(new MemberRemoveRequest { ID = member }, options.WithDeadline(DateTime.UtcNow.AddSeconds(30))).ResponseAsync, cancel);

    /// <summary>Makes a learner a voter, if it has caught up.</summary>
    /// <exception cref="OutcomeUnknownException">It may or may not have begun.</exception>
    public Task<MemberPromoteResponse> MemberPromoteAsync(ulong member, CancellationToken cancel = default) =>
        servers.WriteAsync((endpoint, options) => endpoint.Cluster.MemberPromoteAsync(new MemberPromoteRequest { ID = member }, options).ResponseAsync, cancel);

    /// <summary>The status of every endpoint, in their order; each either answers or says why not.</summary>
    public async Task<IReadOnlyList<EndpointStatus>> StatusAsync(CancellationToken cancel = default) =>
        await Task.WhenAll(servers.All.Select(endpoint => StatusOfAsync(endpoint, cancel))).ConfigureAwait(false);

    /// <summary>Watches all keys with a prefix; see <see cref="WatchAsync(WatchCreateRequest, CancellationToken)"/>.</summary>
    /// <param name="prefix">What the keys begin with.</param>
    /// <param name="startRevision">The first revision to see, usually the one after that of a read; 0 is from now on.</param>
    /// <param name="cancel">Ends the watch.</param>
    public IAsyncEnumerable<WatchResponse> WatchPrefixAsync(string prefix, long startRevision = 0, CancellationToken cancel = default) =>
        WatchAsync(new WatchCreateRequest { Key = KeyText.StartOfPrefix(prefix), RangeEnd = KeyText.EndOfPrefix(prefix), StartRevision = startRevision }, cancel);

    /// <summary>
    /// Watches from a revision on, through lost connections: the watch is taken up at another endpoint at the revision after the last one seen, so no event
    /// is missed or comes twice. Ends only by cancellation, or when the server cancels the watch (the last response says why; with a <c>CompactRevision</c> the past is gone: read anew).
    /// </summary>
    /// <exception cref="RpcException">It is refused for good.</exception>
    public async IAsyncEnumerable<WatchResponse> WatchAsync(WatchCreateRequest create, [EnumeratorCancellation] CancellationToken cancel = default)
    {
        // Notices of progress move a quiet watch on: without them it would be taken up at a revision that is long compacted, although it missed nothing.
        var position = create.Clone();
        position.ProgressNotify = true;
        for (var failures = 1; ; failures++)
        {
            var endpoint = servers.Preferred;
            using var stream = await WatchStream.OpenAsync(servers, endpoint, position, cancel).ConfigureAwait(false);
            var isSignedOut = false;
            while (!isSignedOut && stream is not null && await stream.NextAsync(cancel).ConfigureAwait(false) is { } response)
            {
                isSignedOut = failures < SignInsMax && servers.IsTokenRefused(response);
                if (isSignedOut) continue;
                failures = 1;
                Advance(position, response);
                if (create.ProgressNotify || !IsProgress(response)) yield return response;
                if (response.Canceled) yield break;
            }

            if (!isSignedOut) servers.PreferNext(endpoint);
            await Task.Delay(ServerList.Backoff(failures), cancel).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// All keys with a prefix now, and again after every change; each time all of them. Goes on through lost connections, compactions and clusters that are away for a while, and ends only by cancellation.
    /// Changes that come quickly may be told as one.
    /// </summary>
    /// <exception cref="RpcException">It is refused for good.</exception>
    public async IAsyncEnumerable<PrefixView> FollowPrefixAsync(string prefix, [EnumeratorCancellation] CancellationToken cancel = default)
    {
        while (true)
        {
            var found = await GetPrefixPatientlyAsync(prefix, cancel).ConfigureAwait(false);
            var keys = found.Kvs.ToImmutableSortedDictionary(pair => pair.Key.ToStringUtf8(), pair => pair, StringComparer.Ordinal);
            yield return new PrefixView(found.Header.Revision, keys);
            await foreach (var response in WatchPrefixAsync(prefix, found.Header.Revision + 1, cancel).ConfigureAwait(false))
            {
                foreach (var change in response.Events)
                    keys = change.Type == Event.Types.EventType.Put ? keys.SetItem(change.Kv.Key.ToStringUtf8(), change.Kv) : keys.Remove(change.Kv.Key.ToStringUtf8());
                if (response.Events.Count > 0) yield return new PrefixView(response.Events[^1].Kv.ModRevision, keys);
                if (response.Canceled && response.CompactRevision == 0) throw new RpcException(new Status(StatusCode.PermissionDenied, $"the watch ended: {response.CancelReason}"));
            }
        }
    }

    /// <summary>A token of the user whom the options name, for calls that are not made by this library; shown as the header <c>token</c>. Null when no user was named, or the cluster has no users.</summary>
    /// <exception cref="RpcException">Name or password are wrong, or no server answered.</exception>
    public Task<string?> SignInAsync(CancellationToken cancel = default) => servers.TokenAsync(cancel);

    /// <summary>Grants a lease and keeps it alive until it is disposed (which revokes it) or lost.</summary>
    /// <param name="ttl">How long it lasts when nothing is heard from this process; whole seconds, at least 2.</param>
    /// <param name="cancel">Gives up asking.</param>
    /// <exception cref="OutcomeUnknownException">A lease may have been granted that nobody keeps: it ends by itself.</exception>
    public async Task<KeptLease> GrantLeaseAsync(TimeSpan ttl, CancellationToken cancel = default)
    {
        var asked = Environment.TickCount64;
        var granted = await servers.WriteAsync((endpoint, options) =>
        {
            asked = Environment.TickCount64;
            return endpoint.Lease.LeaseGrantAsync(new LeaseGrantRequest { TTL = (long)Math.Ceiling(ttl.TotalSeconds) }, options).ResponseAsync;
        }, cancel).ConfigureAwait(false);
        return new KeptLease(servers, granted.ID, TimeSpan.FromSeconds(granted.TTL), asked);
    }

    /// <summary>
    /// Waits in line for the lock of this name and holds it. All who wait are served in the order in which they came; the locks of <c>etcdctl lock</c> stand in the same line.
    /// </summary>
    /// <param name="name">The lock's name.</param>
    /// <param name="options">For how long to wait, and how soon others may have it when this process is gone.</param>
    /// <param name="cancel">Leaves the line.</param>
    /// <returns>The lock, or null when <see cref="TenureOptions.Wait"/> passed first.</returns>
    public Task<HeldLock?> LockAsync(string name, TenureOptions? options = null, CancellationToken cancel = default) =>
        Contest.HoldAsync(this, options ?? TenureOptions.Default, (lease, deadline, stop) => Contest.LockAsync(this, name, lease, deadline, stop), cancel);

    /// <summary>Campaigns in the election of this name until this process leads.</summary>
    /// <param name="name">The election's name.</param>
    /// <param name="value">What the leader proclaims, such as its address.</param>
    /// <param name="options">For how long to wait, and how soon others may lead when this process is gone.</param>
    /// <param name="cancel">Gives up.</param>
    /// <returns>The leadership, or null when <see cref="TenureOptions.Wait"/> passed first.</returns>
    public Task<Leadership?> CampaignAsync(string name, string value = "", TenureOptions? options = null, CancellationToken cancel = default) =>
        Contest.HoldAsync(this, options ?? TenureOptions.Default, (lease, deadline, stop) => Contest.CampaignAsync(this, name, value, lease, deadline, stop), cancel);

    /// <inheritdoc/>
    public void Dispose() => servers.Dispose();

    private static bool IsProgress(WatchResponse response) => response.Events.Count == 0 && !response.Created && !response.Canceled;

    /// <summary>Moves the place at which a broken watch is taken up again. A fragment is not the whole of its revision, so it does not count.</summary>
    private static void Advance(WatchCreateRequest position, WatchResponse response)
    {
        if (response.Created && position.StartRevision == 0) position.StartRevision = response.Header.Revision + 1;
        if (response.Events.Count > 0 && !response.Fragment) position.StartRevision = response.Events[^1].Kv.ModRevision + 1;
        if (IsProgress(response)) position.StartRevision = Math.Max(position.StartRevision, response.Header.Revision + 1);
    }

    private async Task<RangeResponse> GetPrefixPatientlyAsync(string prefix, CancellationToken cancel)
    {
        for (var failures = 1; ; failures++)
        {
            try
            {
                return await GetPrefixAsync(prefix, cancel).ConfigureAwait(false);
            }
            catch (RpcException failure) when (CallOutcome.MayReadElsewhere(failure))
            {
                await Task.Delay(ServerList.Backoff(failures), cancel).ConfigureAwait(false);
            }
        }
    }

    private async Task<EndpointStatus> StatusOfAsync(ServerEndpoint endpoint, CancellationToken cancel)
    {
        try
        {
            var options = await servers.OptionsAsync(endpoint, servers.Timeout, cancel).ConfigureAwait(false);
            return new(endpoint.Address, await endpoint.Maintenance.StatusAsync(new StatusRequest(), options).ConfigureAwait(false), null);
        }
        catch (RpcException failure)
        {
            return new(endpoint.Address, null, failure.Status.Detail);
        }
    }
}

/// <summary>What an endpoint says of itself, or why it says nothing.</summary>
/// <param name="Address">The endpoint's URL.</param>
/// <param name="Status">Its answer.</param>
/// <param name="Failure">Why there is none.</param>
public sealed record EndpointStatus(string Address, StatusResponse? Status, string? Failure);
