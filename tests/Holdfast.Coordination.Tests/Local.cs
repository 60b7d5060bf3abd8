using Google.Protobuf;
using Holdfast.Coordination.Endpoints.SignIn;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Coordination.Tests;

/// <summary>A keyspace in this process, with words for tests.</summary>
internal sealed class Local
{
    public Local(CoordinationOptions? options = null, CoordinationIdentity? identity = null)
    {
        Machine = new CoordinationStateMachine();
        Group = new LocalCoordination(identity ?? Identity, Machine, options ?? new CoordinationOptions { Auth = new CoordinationAuthOptions { PasswordIterations = 16 } });
    }

    public static CoordinationIdentity Identity => new() { ClusterId = 7, MemberId = 9, Members = () => [new Member { ID = 9, Name = "n1" }] };

    public CoordinationStateMachine Machine { get; }

    public LocalCoordination Group { get; }

    public ICoordination Face => Group.Face;

    public static ByteString B(string text) => ByteString.CopyFromUtf8(text);

    public static RequestOp PutOp(string key, string value) => new() { RequestPut = new PutRequest { Key = B(key), Value = B(value) } };

    public static RequestOp DeleteOp(string key, string end = "") => new() { RequestDeleteRange = new DeleteRangeRequest { Key = B(key), RangeEnd = B(end) } };

    public static RequestOp RangeOp(string key, string end = "", long revision = 0) =>
        new() { RequestRange = new RangeRequest { Key = B(key), RangeEnd = B(end), Revision = revision } };

    public async Task<long> Put(string key, string value, long lease = 0) =>
        (await Face.PutAsync(new PutRequest { Key = B(key), Value = B(value), Lease = lease })).Header.Revision;

    public async Task<DeleteRangeResponse> Delete(string key, string end = "", bool prevKv = false) =>
        await Face.DeleteRangeAsync(new DeleteRangeRequest { Key = B(key), RangeEnd = B(end), PrevKv = prevKv });

    public async Task<RangeResponse> Range(string key, string end = "", long revision = 0, Action<RangeRequest>? with = null)
    {
        var request = new RangeRequest { Key = B(key), RangeEnd = B(end), Revision = revision };
        with?.Invoke(request);
        return await Face.RangeAsync(request);
    }

    /// <summary>The range as "key=value" joined by blanks.</summary>
    public async Task<string> Show(string key, string end = "", long revision = 0, Action<RangeRequest>? with = null) =>
        string.Join(' ', (await Range(key, end, revision, with)).Kvs.Select(kv => $"{kv.Key.ToStringUtf8()}={kv.Value.ToStringUtf8()}"));

    public async Task Compact(long revision, bool physical = true) => await Face.CompactAsync(new CompactionRequest { Revision = revision, Physical = physical });

    public async Task<long> Grant(long id, long seconds) => (await Face.LeaseGrantAsync(new LeaseGrantRequest { ID = id, TTL = seconds })).TTL;

    public static async Task<EtcdError> ErrorOf<T>(Func<ValueTask<T>> call) => (await Assert.ThrowsAsync<EtcdException>(async () => await call())).Error;

    public Task<EtcdError> TxnError(TxnRequest request) => ErrorOf(() => Face.TxnAsync(request));
}

/// <summary>Gathers what a watch stream sends.</summary>
internal sealed class Sink(int credits = 1000) : IWatchSink
{
    public List<WatchResponse> Responses { get; } = [];

    public EtcdError? Closed { get; private set; }

    public int InitialCredits => credits;

    public IEnumerable<Event> Events(long id) => Responses.Where(response => response.WatchId == id).SelectMany(response => response.Events);

    public string Show(long id) => string.Join(' ', Events(id).Select(change =>
        $"{change.Kv.ModRevision}:{change.Kv.Key.ToStringUtf8()}{(change.Type == Event.Types.EventType.Put ? "=" + change.Kv.Value.ToStringUtf8() : "-")}"));

    public void OnResponse(WatchResponse response) => Responses.Add(response);

    public void OnClosed(EtcdError error) => Closed = error;
}
