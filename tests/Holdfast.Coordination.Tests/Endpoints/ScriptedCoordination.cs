using System.Runtime.CompilerServices;
using Holdfast.Cluster;
using Holdfast.Coordination.Permissions;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Coordination.Tests.Endpoints;

/// <summary>A facade that answers what a test tells it to, to see what the door does with it.</summary>
internal sealed class ScriptedCoordination : ICoordination
{
    public List<ScriptedWatch> Watches { get; } = [];

    public IdentityView Identity { get; } = new();

    public ICoordinationAuth Auth => throw new NotSupportedException("no test scripts the Auth service: it is tested over a real store");

    public Func<PutRequest, PutResponse> OnPut { get; set; } = _ => new PutResponse { Header = Header() };

    public Func<RangeRequest, CancellationToken, ValueTask<RangeResponse>> OnRange { get; set; } = (_, _) => new(new RangeResponse { Header = Header() });

    public ICoordination As(Caller caller) => this;

    public ICoordination Under(KeyFence held) => this;

    public ValueTask<IdentityView> RefreshIdentityAsync(CancellationToken cancel) => new(Identity);

    public static ResponseHeader Header() => new() { ClusterId = 11, MemberId = 12, Revision = 13, RaftTerm = 14 };

    public ValueTask<RangeResponse> RangeAsync(RangeRequest request, CancellationToken cancel = default) => OnRange(request, cancel);

    public ValueTask<PutResponse> PutAsync(PutRequest request, CancellationToken cancel = default) => new(OnPut(request));

    public ValueTask<DeleteRangeResponse> DeleteRangeAsync(DeleteRangeRequest request, CancellationToken cancel = default) => new(new DeleteRangeResponse { Header = Header() });

    public ValueTask<TxnResponse> TxnAsync(TxnRequest request, CancellationToken cancel = default) => new(new TxnResponse { Header = Header(), Succeeded = true });

    public ValueTask<CompactionResponse> CompactAsync(CompactionRequest request, CancellationToken cancel = default) => throw new EtcdException(EtcdErrors.Compacted);

    public ValueTask<LeaseGrantResponse> LeaseGrantAsync(LeaseGrantRequest request, CancellationToken cancel = default) => throw new EtcdException(EtcdErrors.LeaseExists);

    public ValueTask<LeaseRevokeResponse> LeaseRevokeAsync(LeaseRevokeRequest request, CancellationToken cancel = default) => throw new EtcdException(EtcdErrors.LeaseNotFound);

    public ValueTask<LeaseKeepAliveResponse> LeaseKeepAliveAsync(LeaseKeepAliveRequest request, CancellationToken cancel = default) =>
        new(new LeaseKeepAliveResponse { Header = Header(), ID = request.ID, TTL = request.ID == 78 ? 0 : 100 });

    public ValueTask<LeaseTimeToLiveResponse> LeaseTimeToLiveAsync(LeaseTimeToLiveRequest request, CancellationToken cancel = default) =>
        new(new LeaseTimeToLiveResponse { Header = Header(), ID = request.ID, TTL = -1 });

    public ValueTask<LeaseLeasesResponse> LeaseLeasesAsync(LeaseLeasesRequest request, CancellationToken cancel = default) => new(new LeaseLeasesResponse { Header = Header() });

    public ValueTask<StatusResponse> StatusAsync(StatusRequest request, CancellationToken cancel = default) => new(new StatusResponse { Header = Header(), Version = "3.6.0", Leader = 12 });

    public ValueTask<MemberListResponse> MemberListAsync(MemberListRequest request, CancellationToken cancel = default) => new(new MemberListResponse { Header = Header() });

    public ValueTask<HashKVResponse> HashKvAsync(HashKVRequest request, CancellationToken cancel = default) => new(new HashKVResponse { Header = Header(), Hash = 77 });

    public ValueTask<MoveLeaderResponse> MoveLeaderAsync(MoveLeaderRequest request, CancellationToken cancel = default) => throw new EtcdException(EtcdErrors.NotLeader);

    public async IAsyncEnumerable<RangeStreamResponse> RangeStreamAsync(RangeRequest request, [EnumeratorCancellation] CancellationToken cancel = default)
    {
        yield return new RangeStreamResponse { RangeResponse = await OnRange(request, cancel) };
    }

    public ValueTask<MemberAddResponse> MemberAddAsync(MemberAddRequest request, CancellationToken cancel = default) => throw new EtcdException(EtcdErrors.PeerUrlExists);

    public ValueTask<MemberRemoveResponse> MemberRemoveAsync(MemberRemoveRequest request, CancellationToken cancel = default) => throw new EtcdException(EtcdErrors.MemberNotFound);

    public ValueTask<MemberUpdateResponse> MemberUpdateAsync(MemberUpdateRequest request, CancellationToken cancel = default) => throw new EtcdException(EtcdErrors.MemberNotFound);

    public ValueTask<MemberPromoteResponse> MemberPromoteAsync(MemberPromoteRequest request, CancellationToken cancel = default) => throw new EtcdException(EtcdErrors.MemberNotLearner);

    public ValueTask<AlarmResponse> AlarmAsync(AlarmRequest request, CancellationToken cancel = default) => new(new AlarmResponse { Header = Header() });

    public ValueTask<DefragmentResponse> DefragmentAsync(DefragmentRequest request, CancellationToken cancel = default) => new(new DefragmentResponse { Header = Header() });

    public ValueTask<HashResponse> HashAsync(HashRequest request, CancellationToken cancel = default) => new(new HashResponse { Header = Header(), Hash = 78 });

    public async IAsyncEnumerable<SnapshotResponse> SnapshotAsync(SnapshotRequest request, [EnumeratorCancellation] CancellationToken cancel = default)
    {
        await Task.Yield();
        yield return new SnapshotResponse { Header = Header() };
    }

    public ValueTask<DowngradeResponse> DowngradeAsync(DowngradeRequest request, CancellationToken cancel = default) => throw new EtcdException(EtcdErrors.InvalidDowngradeTarget);

    public MemberHealth Health { get; set; } = new([], true, false);

    public bool HasLeader => Health.HasLeader;

    public ValueTask<MemberHealth> HealthAsync(CancellationToken cancel = default) => new(Health);

    public IWatchSession OpenWatch(IWatchSink sink)
    {
        var watch = new ScriptedWatch(sink);
        lock (Watches) Watches.Add(watch);
        return watch;
    }
}

/// <summary>A watch session that keeps to its credits, answers creates, and otherwise sends what the test pushes.</summary>
internal sealed class ScriptedWatch(IWatchSink sink) : IWatchSession
{
    private readonly Lock gate = new();
    private readonly Queue<WatchResponse> waiting = new();
    private int credits = sink.InitialCredits;
    private long nextId;

    public int MostUnread { get; private set; }

    public int Sent { get; private set; }

    public TaskCompletionSource Disposed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public TaskCompletionSource Created { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Create(WatchCreateRequest request)
    {
        Push(new WatchResponse { Header = ScriptedCoordination.Header(), WatchId = nextId++, Created = true });
        Created.TrySetResult();
    }

    public void Cancel(long watchId) => Push(new WatchResponse { Header = ScriptedCoordination.Header(), WatchId = watchId, Canceled = true });

    public void RequestProgress() => Push(new WatchResponse { Header = ScriptedCoordination.Header(), WatchId = -1 });

    public void AddCredits(int responses)
    {
        lock (gate)
        {
            credits += responses;
            Drain();
        }
    }

    public void Push(WatchResponse response)
    {
        lock (gate)
        {
            waiting.Enqueue(response);
            Drain();
        }
    }

    public void Close(EtcdError error) => sink.OnClosed(error);

    public void Dispose() => Disposed.TrySetResult();

    private void Drain()
    {
        for (; credits > 0 && waiting.TryDequeue(out var response); credits--)
        {
            sink.OnResponse(response);
            Sent++;
        }

        MostUnread = Math.Max(MostUnread, sink.InitialCredits - credits);
    }
}
