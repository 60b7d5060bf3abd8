using System.Runtime.CompilerServices;
using Google.Protobuf;
using Holdfast.Cluster;
using Holdfast.Coordination.Permissions;
using Holdfast.Coordination.Endpoints.SignIn;
using Holdfast.Coordination.Kv;
using Holdfast.Coordination.Leases;
using Holdfast.Coordination.Protocol;
using Holdfast.Primitives;
using Holdfast.Primitives.Metrics;
using Holdfast.Replication;

namespace Holdfast.Coordination;

/// <summary>
/// The etcd face over a group: checks a request, proposes it or reads behind a barrier, fills the header. One for each node; it keeps no state of its own.
/// </summary>
public sealed class CoordinationFace : ICoordination
{
    /// <summary>etcd's bound on one request, unless the options name another.</summary>
    public const int RequestBytesMax = 1536 * 1024;

    /// <summary>Expiries proposed per tick: at ten ticks a second, etcd's rate of a thousand a second would be 100; ours leaves room for clients.</summary>
    private const int ExpiriesPerTickMax = 64;

    private static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(100);

    private static readonly Mark AskedAgain = new("coordination: an entry from before a change of identities was proposed again");
    private readonly IKeyspaceGroup group;
    private readonly CoordinationIdentity identity;
    private readonly SeededRandom leaseIds;
    private readonly Lock leaseIdsLock = new();
    private readonly AuthDesks desks;
    private readonly Caller? caller;
    private readonly KeyFence? fence;
    private readonly SpaceGuard space;
    private readonly AutoCompactor compactor;
    private readonly MaintenanceDesk maintenance;
    private readonly MemberDesk members;
    private readonly KeyspaceMeters meters;
    private readonly long quotaBytes;
    private readonly int requestBytesMax;

    internal CoordinationFace(IKeyspaceGroup group, CoordinationIdentity identity, ulong seed, CoordinationOptions? options = null)
    {
        (this.group, this.identity) = (group, identity);
        options ??= new CoordinationOptions();
        leaseIds = new SeededRandom(seed);
        space = new SpaceGuard(group, identity.MemberId, new SpaceBounds(options.QuotaBytes, options.RequestBytesMax), identity.DiskRoom);
        compactor = new AutoCompactor(options);
        maintenance = new MaintenanceDesk(group, identity, options);
        members = new MemberDesk(group, identity);
        (meters, quotaBytes, requestBytesMax) = (new KeyspaceMeters(), options.QuotaBytes, options.RequestBytesMax);
        desks = new AuthDesks(options.Auth);
    }

    private CoordinationFace(CoordinationFace face, Caller? caller, KeyFence? fence)
    {
        (CompletesInline, Bug) = (face.CompletesInline, face.Bug);
        (group, identity, leaseIds, leaseIdsLock, desks) = (face.group, face.identity, face.leaseIds, face.leaseIdsLock, face.desks);
        (space, compactor, maintenance, members) = (face.space, face.compactor, face.maintenance, face.members);
        (meters, quotaBytes, requestBytesMax) = (face.meters, face.quotaBytes, face.requestBytesMax);
        (this.caller, this.fence) = (caller, fence);
    }

    /// <summary>Whoever waits goes on at once where his wait ends, instead of on another thread: for the simulator, which has only one. Set before anything runs.</summary>
    internal bool CompletesInline { get; set; }

    /// <summary>A mistake that the simulator plants. Set before anything runs.</summary>
    internal PlantedKeyspaceBug Bug { get; set; }

    /// <summary>The face of one node over the keyspace's group.</summary>
    /// <param name="group">The group, whose state machine is <paramref name="machine"/>.</param>
    /// <param name="machine">This node's replica of the keyspace.</param>
    /// <param name="identity">Who answers.</param>
    /// <param name="seed">For lease ids that clients leave to us; different on every node and at every start.</param>
    /// <param name="options">Quota, compaction and how callers are recognised; the defaults without.</param>
    public static CoordinationFace Over(ReplicatedGroup group, CoordinationStateMachine machine, CoordinationIdentity identity, ulong seed, CoordinationOptions? options = null)
    {
        if (options is not null) machine.Watches.ProgressInterval = options.WatchProgressInterval;
        return new(new ReplicatedKeyspace(group, machine), identity, seed, options);
    }

    /// <summary>Memory that the keyspace takes on this node, about; at most a tenth of a second old.</summary>
    public long SizeBytes => meters.SizeBytes;

    /// <summary>Whether puts are refused in the cluster for want of room, until there is room again.</summary>
    public bool IsOutOfSpace => space.IsAlarmed;

    private static readonly TimeSpan UndecidedPause = TimeSpan.FromMilliseconds(50);

    /// <summary>
    /// After a recovery by hand or a restore: goes on at <paramref name="floor"/>, so that no revision which the old history may have given, and with it no fencing token, is given again (S12, S22).
    /// Where the floor lies behind already, <paramref name="stepLeast"/> revisions are left out. It returns when that is applied, and asks as long as it takes; done twice it leaves out more, which harms nobody.
    /// </summary>
    /// <returns>The revision from which clients go on.</returns>
    public async Task<long> RaiseRevisionsAsync(long floor, long stepLeast, CancellationToken cancel)
    {
        var target = 0L;
        while (true)
        {
            try
            {
                var now = (await group.ReadAsync(new RangeRead(new RangeRequest { Key = ByteString.CopyFromUtf8("\0"), Limit = 1, CountOnly = true }), true, cancel).ConfigureAwait(false)).Revision;
                if (target == 0) target = Math.Max(floor, checked(now + stepLeast));
                if (now >= target) return now;
                await group.ProposeAsync(Command.EncodeSkip(target - now), cancel).ConfigureAwait(false);
            }
            catch (EtcdException)
            {
                // Undecided: what it has come to is read again.
                await Task.Delay(UndecidedPause, cancel).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Shows the keyspace's numbers on a metrics page.</summary>
    public void RegisterMetrics(MetricsRegistry metrics) => meters.Register(metrics, quotaBytes);

    /// <inheritdoc/>
    public IdentityView Identity => group.Identity;

    /// <inheritdoc/>
    public ICoordinationAuth Auth => new AuthFace(group, identity, desks, caller);

    /// <inheritdoc/>
    public ICoordination As(Caller caller) => new CoordinationFace(this, caller, fence);

    /// <inheritdoc/>
    public ICoordination Under(KeyFence held) => new CoordinationFace(this, caller, held);

    /// <inheritdoc/>
    public async ValueTask<IdentityView> RefreshIdentityAsync(CancellationToken cancel) => (await group.ReadAsync(new IdentityRead(), true, cancel)).View;

    /// <inheritdoc/>
    public ValueTask<RangeResponse> RangeAsync(RangeRequest request, CancellationToken cancel = default)
    {
        Refuse(RequestCheck.Of(request) ?? RequestCheck.OrderOf(request));
        return ReadAsync<RangeResponse>(new RangeRead(request), !request.Serializable, cancel);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<RangeStreamResponse> RangeStreamAsync(RangeRequest request, [EnumeratorCancellation] CancellationToken cancel = default)
    {
        Refuse(RangeStream.Refusal(request));
        await foreach (var (part, term) in new RangeStream(group, request, caller).PartsAsync(cancel))
        {
            // Merged headers must be one header: only the first part carries who answers.
            if (part.Header.Revision != 0) (part.Header.ClusterId, part.Header.MemberId, part.Header.RaftTerm) = (identity.ClusterId, identity.MemberId, term.Value);
            yield return new RangeStreamResponse { RangeResponse = part };
        }
    }

    /// <inheritdoc/>
    public ValueTask<PutResponse> PutAsync(PutRequest request, CancellationToken cancel = default)
    {
        Refuse(RequestCheck.Of(request));
        if (space.Refuses(request)) return NoSpaceAsync<PutResponse>(cancel);
        if (fence is not null) return FencedAsync(fence, new RequestOp { RequestPut = request }, static (done, header) => Headed(done.ResponsePut, header), cancel);
        return ProposeAsync<PutResponse>(CommandKind.Put, request, cancel);
    }

    /// <inheritdoc/>
    public ValueTask<DeleteRangeResponse> DeleteRangeAsync(DeleteRangeRequest request, CancellationToken cancel = default)
    {
        Refuse(RequestCheck.Of(request));
        if (fence is not null) return FencedAsync(fence, new RequestOp { RequestDeleteRange = request }, static (done, header) => Headed(done.ResponseDeleteRange, header), cancel);
        return ProposeAsync<DeleteRangeResponse>(CommandKind.DeleteRange, request, cancel);
    }

    /// <inheritdoc/>
    public ValueTask<TxnResponse> TxnAsync(TxnRequest request, CancellationToken cancel = default)
    {
        Refuse(RequestCheck.Of(request) ?? RequestCheck.OrderOf(request));
        if (space.Refuses(request)) return NoSpaceAsync<TxnResponse>(cancel);
        if (fence is not null && !RequestCheck.IsReadOnly(request)) return FencedAsync(fence, new RequestOp { RequestTxn = request }, static (done, header) => Headed(done.ResponseTxn, header), cancel);
        return RequestCheck.IsReadOnly(request)
            ? ReadAsync<TxnResponse>(new TxnRead(request), !IsSerializable(request), cancel)
            : ProposeAsync<TxnResponse>(CommandKind.Txn, request, cancel);
    }

    /// <inheritdoc/>
    public ValueTask<CompactionResponse> CompactAsync(CompactionRequest request, CancellationToken cancel = default)
    {
        if (fence is not null) Refuse(EtcdErrors.FenceNotForThis);
        return ProposeAsync<CompactionResponse>(CommandKind.Compact, request, cancel);
    }

    /// <inheritdoc/>
    public ValueTask<LeaseGrantResponse> LeaseGrantAsync(LeaseGrantRequest request, CancellationToken cancel = default)
    {
        Refuse(RequestCheck.Of(request));
        if (request.ID == 0) request = new LeaseGrantRequest { TTL = request.TTL, ID = DrawLeaseId() };
        return ProposeAsync<LeaseGrantResponse>(CommandKind.LeaseGrant, request, cancel);
    }

    /// <inheritdoc/>
    public ValueTask<LeaseRevokeResponse> LeaseRevokeAsync(LeaseRevokeRequest request, CancellationToken cancel = default)
    {
        if (fence is not null) Refuse(EtcdErrors.FenceNotForThis);
        return ProposeAsync<LeaseRevokeResponse>(CommandKind.LeaseRevoke, request, cancel);
    }

    /// <inheritdoc/>
    public async ValueTask<LeaseKeepAliveResponse> LeaseKeepAliveAsync(LeaseKeepAliveRequest request, CancellationToken cancel = default)
    {
        // The leader renews by its own clock once it knows that it still leads; elsewhere the renewal takes the log, which reaches the leader for sure.
        if (group.Status.IsLeader && await group.ReadAsync(new RenewRead(request.ID) { Caller = caller }, true, cancel) is { } renewed)
            return Filled<LeaseKeepAliveResponse>(renewed);
        return await ProposeAsync<LeaseKeepAliveResponse>(CommandKind.LeaseKeepAlive, request, cancel);
    }

    /// <inheritdoc/>
    public async ValueTask<LeaseTimeToLiveResponse> LeaseTimeToLiveAsync(LeaseTimeToLiveRequest request, CancellationToken cancel = default)
    {
        var response = await ReadAsync<LeaseTimeToLiveResponse>(new TimeToLiveRead(request), true, cancel);
        if (response.TTL < 0 || group.Status.IsLeader || identity.AskLeader is not { } ask) return response;
        if (await ask(group.Status.Leader.Value, request.ID, cancel) is not { } seconds) throw new EtcdException(EtcdErrors.LeaderChanged);
        if (seconds >= 0) response.TTL = seconds;
        else (response.TTL, response.GrantedTTL) = (-1, 0);
        return response;
    }

    /// <summary>For other members: the seconds that a lease has left; -1 for an unknown one, null when this member does not lead.</summary>
    public async ValueTask<long?> RemainingSecondsAsync(long lease, CancellationToken cancel = default) =>
        group.Status.IsLeader ? await group.ReadAsync(new RemainingRead(lease), true, cancel) : null;

    /// <inheritdoc/>
    public ValueTask<LeaseLeasesResponse> LeaseLeasesAsync(LeaseLeasesRequest request, CancellationToken cancel = default) =>
        ReadAsync<LeaseLeasesResponse>(new LeasesRead(), true, cancel);

    /// <inheritdoc/>
    public ValueTask<StatusResponse> StatusAsync(StatusRequest request, CancellationToken cancel = default) => maintenance.StatusAsync(cancel);

    /// <inheritdoc/>
    public bool HasLeader => group.Status.Leader != NodeId.None;

    /// <inheritdoc/>
    public ValueTask<MemberHealth> HealthAsync(CancellationToken cancel = default) => maintenance.HealthAsync(cancel);

    /// <inheritdoc/>
    public async ValueTask<AlarmResponse> AlarmAsync(AlarmRequest request, CancellationToken cancel = default)
    {
        // What others may only list, root may change; as at the door, whoever is refused is looked at once more after a barrier.
        if (request.Action != AlarmRequest.Types.AlarmAction.Get && AdminRefusal(group.Identity) is not null) Refuse(AdminRefusal(await RefreshIdentityAsync(cancel)));
        return await maintenance.AlarmAsync(request, cancel);
    }

    /// <inheritdoc/>
    public ValueTask<DefragmentResponse> DefragmentAsync(DefragmentRequest request, CancellationToken cancel = default) =>
        new(new DefragmentResponse()); // The store is in memory and has no holes, so there is nothing to do. Without a header, as etcd's.

    /// <inheritdoc/>
    public ValueTask<HashResponse> HashAsync(HashRequest request, CancellationToken cancel = default) => maintenance.HashAsync(cancel);

    /// <inheritdoc/>
    public ValueTask<HashKVResponse> HashKvAsync(HashKVRequest request, CancellationToken cancel = default) => maintenance.HashKvAsync(request, cancel);

    /// <inheritdoc/>
    public IAsyncEnumerable<SnapshotResponse> SnapshotAsync(SnapshotRequest request, CancellationToken cancel = default) => maintenance.SnapshotAsync(cancel);

    /// <inheritdoc/>
    public ValueTask<MoveLeaderResponse> MoveLeaderAsync(MoveLeaderRequest request, CancellationToken cancel = default) => maintenance.MoveLeaderAsync(request, cancel);

    /// <inheritdoc/>
    public ValueTask<DowngradeResponse> DowngradeAsync(DowngradeRequest request, CancellationToken cancel = default) => maintenance.DowngradeAsync(request, cancel);

    /// <inheritdoc/>
    public ValueTask<MemberListResponse> MemberListAsync(MemberListRequest request, CancellationToken cancel = default) => members.ListAsync(request, cancel);

    /// <inheritdoc/>
    public ValueTask<MemberAddResponse> MemberAddAsync(MemberAddRequest request, CancellationToken cancel = default) => members.AddAsync(request, cancel);

    /// <inheritdoc/>
    public ValueTask<MemberRemoveResponse> MemberRemoveAsync(MemberRemoveRequest request, CancellationToken cancel = default) => members.RemoveAsync(request, cancel);

    /// <inheritdoc/>
    public ValueTask<MemberUpdateResponse> MemberUpdateAsync(MemberUpdateRequest request, CancellationToken cancel = default) => members.UpdateAsync(request, cancel);

    /// <inheritdoc/>
    public ValueTask<MemberPromoteResponse> MemberPromoteAsync(MemberPromoteRequest request, CancellationToken cancel = default) => members.PromoteAsync(request, cancel);

    /// <inheritdoc/>
    public IWatchSession OpenWatch(IWatchSink sink) => new WatchSession(group, sink, identity, caller);

    /// <summary>
    /// Lets time pass for leases and notices: call it about ten times a second, one call at a time. Leases that have run out are proposed as expired,
    /// once this member has confirmed that it still leads.
    /// </summary>
    public async ValueTask TickAsync(CancellationToken cancel = default)
    {
        var findings = await group.ReadAsync(new TickRead(false, 0, meters), false, cancel);
        await KeepBoundsAsync(findings, cancel);
        if (!findings.IsDue) return;
        findings = await group.ReadAsync(new TickRead(true, ExpiriesPerTickMax, meters), true, cancel);
        var proposals = new List<Task>(findings.Expired.Count);
        foreach (var lease in findings.Expired) proposals.Add(ExpireAsync(lease, findings.Term, cancel));
        await Task.WhenAll(proposals);
    }

    /// <summary>Calls <see cref="TickAsync"/> ten times a second until cancelled. A tick that the group refuses is simply missed.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        using var timer = new PeriodicTimer(TickInterval);
        try
        {
            while (await timer.WaitForNextTickAsync(cancel))
            {
                try
                {
                    await TickAsync(cancel);
                }
                catch (EtcdException)
                {
                    // No leader, or stopping: the clocks stand still meanwhile, which only lengthens leases.
                }
            }
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // The node stops.
        }
    }

    private static bool IsSerializable(TxnRequest request)
    {
        // As in etcd: a transaction is serializable when all that it reads is; comparing alone is linearizable.
        foreach (var operation in request.Success)
            if (operation.RequestCase != RequestOp.RequestOneofCase.RequestRange || !operation.RequestRange.Serializable) return false;
        foreach (var operation in request.Failure)
            if (operation.RequestCase != RequestOp.RequestOneofCase.RequestRange || !operation.RequestRange.Serializable) return false;
        return request.Success.Count + request.Failure.Count > 0;
    }

    private EtcdError? AdminRefusal(IdentityView view) => view.Enforces(Face.Coordination) ? Caller.Resolve(caller, view, out var who) ?? AuthGuard.AdminRefusal(view, who) : null;

    private static void Refuse(EtcdError? error)
    {
        if (error is not null) throw new EtcdException(error);
    }

    /// <summary>Alarms and compaction, so that the keyspace stays within what it was given.</summary>
    private async ValueTask KeepBoundsAsync(TickFindings findings, CancellationToken cancel)
    {
        var status = group.Status;
        await space.LookAsync(findings, status.IsLeader, status.HasDiverged, cancel);
        if (compactor.Due(findings.Now, status.IsLeader, findings.Revision, findings.Compacted) is { } revision)
            await group.ProposeAsync(Command.Encode(CommandKind.Compact, new CompactionRequest { Revision = revision }), cancel);
    }

    private async Task ExpireAsync(ExpiredLease lease, Term term, CancellationToken cancel)
    {
        try
        {
            await group.ProposeAsync(Command.EncodeExpiry(lease, term), cancel);
            meters.LeasesExpired.Increment();
        }
        catch (EtcdException)
        {
            // The clock offers the lease again after a while, if this member still leads then.
        }
    }

    /// <summary>Whoever is told that the space is out finds the alarm in the list, as in etcd.</summary>
    private async ValueTask<TResponse> NoSpaceAsync<TResponse>(CancellationToken cancel)
    {
        await space.RaiseAsync(cancel);
        throw new EtcdException(EtcdErrors.NoSpace);
    }

    private long DrawLeaseId()
    {
        lock (leaseIdsLock) return (long)(leaseIds.NextUInt64() >> 1) | 1;
    }

    private async ValueTask<TResponse> ProposeAsync<TResponse>(CommandKind kind, IMessage request, CancellationToken cancel)
        where TResponse : class, IMessage
    {
        var command = Command.Encode(kind, request);
        if (command.Length > requestBytesMax) Refuse(EtcdErrors.RequestTooLarge);
        if (caller is not null) return Filled<TResponse>(await ProposeNamedAsync(caller, command, cancel));
        return Filled<TResponse>(await group.ProposeAsync(command, cancel));
    }

    /// <summary>Does a write only while the lock is held that it is made under: one entry, which compares first. The answer is the write's own, under the entry's header.</summary>
    private async ValueTask<TResponse> FencedAsync<TResponse>(KeyFence held, RequestOp write, Func<ResponseOp, ResponseHeader, TResponse> answer, CancellationToken cancel)
    {
        var done = await ProposeAsync<TxnResponse>(CommandKind.Txn, held.Around(write), cancel);
        if (!done.Succeeded) Refuse(EtcdErrors.Fenced);
        return answer(done.Responses[0], done.Header);
    }

    private static PutResponse Headed(PutResponse response, ResponseHeader header)
    {
        response.Header = header;
        return response;
    }

    private static DeleteRangeResponse Headed(DeleteRangeResponse response, ResponseHeader header)
    {
        response.Header = header;
        return response;
    }

    private static TxnResponse Headed(TxnResponse response, ResponseHeader header)
    {
        response.Header = header;
        return response;
    }

    /// <summary>
    /// Proposes in the caller's name. When the identities changed on the way, the entry was refused as old: it was surely not executed, so once this
    /// member knows the change it is proposed again. A JSON Web Token is bound to its own revision, and its owner has to sign in anew.
    /// </summary>
    private async ValueTask<CommandReply> ProposeNamedAsync(Caller named, byte[] command, CancellationToken cancel)
    {
        var reply = await group.ProposeAsync(CallerCommand.Named(named, group.Identity, command), cancel);
        if (reply.Error != AuthErrors.AuthOldRevision || named.Kind == CallerKind.Jwt) return reply;
        AskedAgain.Hit();
        var view = await RefreshIdentityAsync(cancel);
        return await group.ProposeAsync(CallerCommand.Named(named, view, command), cancel);
    }

    private async ValueTask<TResponse> ReadAsync<TResponse>(KeyspaceRead<CommandReply> read, bool isLinearizable, CancellationToken cancel)
        where TResponse : class, IMessage
    {
        read.Caller = caller;
        return Filled<TResponse>(await group.ReadAsync(read, isLinearizable, cancel));
    }

    private TResponse Filled<TResponse>(CommandReply reply)
        where TResponse : class, IMessage
    {
        Refuse(reply.Error);
        var response = (TResponse)reply.Message!;
        var header = HeaderOf(response);
        header.ClusterId = identity.ClusterId;
        header.MemberId = identity.MemberId;
        header.RaftTerm = reply.Term.Value;
        if (header.Revision == 0) header.Revision = reply.Revision;
        return response;
    }

    private static ResponseHeader HeaderOf(IMessage response) => response switch
    {
        RangeResponse range => range.Header,
        PutResponse put => put.Header,
        DeleteRangeResponse delete => delete.Header,
        TxnResponse txn => txn.Header,
        CompactionResponse compaction => compaction.Header,
        LeaseGrantResponse grant => grant.Header,
        LeaseRevokeResponse revoke => revoke.Header,
        LeaseKeepAliveResponse keepAlive => keepAlive.Header,
        LeaseTimeToLiveResponse timeToLive => timeToLive.Header,
        LeaseLeasesResponse leases => leases.Header,
        _ => new ResponseHeader(),
    };
}
