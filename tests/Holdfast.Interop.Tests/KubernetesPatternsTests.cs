using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Interop.Tests;

/// <summary>What kube-apiserver does with etcd (client/v3/kubernetes and its storage layer), against a real process.</summary>
public sealed class KubernetesPatternsTests
{
    private static readonly ByteString Prefix = ByteString.CopyFromUtf8("/registry/pods/");
    private static readonly ByteString PrefixEnd = ByteString.CopyFromUtf8("/registry/pods0");

    [Fact]
    public async Task Kube_apiserver_creates_updates_lists_and_watches()
    {
        await using var cluster = new EtcdFlagCluster();
        await cluster.StartAsync(0, cluster.InitialCluster(1), "new", "--experimental-watch-progress-notify-interval=1s", "--experimental-initial-corrupt-check=true", "--snapshot-count=10000");
        using var channel = GrpcChannel.ForAddress(cluster.Client(0));
        var kv = new KV.KVClient(channel);
        using var patience = new CancellationTokenSource(Patient.Most);

        // Create: put if nobody has, with a lease that many objects share (events).
        var lease = await new Lease.LeaseClient(channel).LeaseGrantAsync(new LeaseGrantRequest { TTL = 3600 });
        for (var i = 0; i < 25; i++) Assert.True((await PutIfAsync(kv, i, 0, $"v{i}", i % 5 == 0 ? lease.ID : 0)).Succeeded);
        var taken = await PutIfAsync(kv, 3, 0, "again", 0);
        Assert.False(taken.Succeeded);
        var seen = taken.Responses[0].ResponseRange.Kvs[0];
        Assert.Equal("v3", seen.Value.ToStringUtf8());

        // Guaranteed update: put if the revision is still what was read; the loser reads what is there now.
        Assert.True((await PutIfAsync(kv, 3, seen.ModRevision, "v3b", 0)).Succeeded);
        var lost = await PutIfAsync(kv, 3, seen.ModRevision, "v3c", 0);
        Assert.Equal("v3b", lost.Responses[0].ResponseRange.Kvs[0].Value.ToStringUtf8());

        // Paged list: every page of one revision, whatever is written meanwhile.
        var (keys, listed) = await ListAsync(kv);
        Assert.Equal(Enumerable.Range(0, 25).Select(Name), keys);
        Assert.Equal(26, (await kv.RangeAsync(new RangeRequest { Key = Prefix, RangeEnd = PrefixEnd, CountOnly = true })).Count);

        // Watch from the list's revision, with what stood there before; deletes only at the revision that was read; progress when asked.
        using var watch = new Watch.WatchClient(channel).Watch(new Metadata { { "hasleader", "true" } });
        await watch.RequestStream.WriteAsync(new WatchRequest
        {
            CreateRequest = new WatchCreateRequest { Key = Prefix, RangeEnd = PrefixEnd, StartRevision = listed + 1, PrevKv = true, ProgressNotify = true },
        });
        var stale = await DeleteIfAsync(kv, 3, seen.ModRevision);
        Assert.False(stale.Succeeded);
        Assert.True((await DeleteIfAsync(kv, 3, stale.Responses[0].ResponseRange.Kvs[0].ModRevision)).Succeeded);
        var events = new List<Event>();
        while (events.Count < 2)
        {
            Assert.True(await watch.ResponseStream.MoveNext(patience.Token));
            events.AddRange(watch.ResponseStream.Current.Events);
        }

        Assert.Equal((Name(99), Event.Types.EventType.Put), (events[0].Kv.Key.ToStringUtf8(), events[0].Type));
        Assert.Equal((Name(3), Event.Types.EventType.Delete, "v3b"), (events[1].Kv.Key.ToStringUtf8(), events[1].Type, events[1].PrevKv.Value.ToStringUtf8()));
        var newest = (await kv.RangeAsync(new RangeRequest { Key = ByteString.CopyFromUtf8("x") })).Header.Revision;
        await watch.RequestStream.WriteAsync(new WatchRequest { ProgressRequest = new WatchProgressRequest() });
        do Assert.True(await watch.ResponseStream.MoveNext(patience.Token));
        while (watch.ResponseStream.Current.WatchId != -1);
        Assert.Equal(newest, watch.ResponseStream.Current.Header.Revision);

        // And, as kubeadm starts etcd, every so often without being asked.
        do Assert.True(await watch.ResponseStream.MoveNext(patience.Token));
        while (watch.ResponseStream.Current is not { WatchId: 0, Events.Count: 0 });
        Assert.Equal(newest, watch.ResponseStream.Current.Header.Revision);

        // The compactor: one of several servers wins the key, and compacts; a watch from before is told so.
        await kv.CompactAsync(new CompactionRequest { Revision = newest });
        await watch.RequestStream.WriteAsync(new WatchRequest { CreateRequest = new WatchCreateRequest { Key = Prefix, RangeEnd = PrefixEnd, StartRevision = 2 } });
        WatchResponse? cancelled = null;
        while (cancelled is null && await watch.ResponseStream.MoveNext(patience.Token))
            if (watch.ResponseStream.Current.Canceled) cancelled = watch.ResponseStream.Current;
        Assert.Equal(newest, cancelled!.CompactRevision);

        // What hangs on the lease goes with it, in one revision.
        await new Lease.LeaseClient(channel).LeaseRevokeAsync(new LeaseRevokeRequest { ID = lease.ID });
        Assert.Equal(26 - 1 - 5, (await kv.RangeAsync(new RangeRequest { Key = Prefix, RangeEnd = PrefixEnd, CountOnly = true })).Count);
    }

    /// <summary>
    /// Several apiservers share a key that says what was compacted last: who still finds it as he left it writes the next revision there and compacts to the one before, the others take over
    /// what stands there. Lists of everything come in a stream where there is one (etcd 3.7).
    /// </summary>
    [Fact]
    public async Task One_of_several_apiservers_compacts_and_lists_come_in_a_stream()
    {
        await using var cluster = new EtcdFlagCluster();
        await cluster.StartAsync(0, cluster.InitialCluster(1));
        using var channel = GrpcChannel.ForAddress(cluster.Client(0));
        var kv = new KV.KVClient(channel);
        for (var i = 0; i < 3000; i++) await kv.PutAsync(new PutRequest { Key = ByteString.CopyFromUtf8($"/registry/pods/{i:0000}"), Value = ByteString.CopyFrom(new byte[512]) });

        var first = await TakeTurnAsync(kv, 0, 0);
        Assert.True(first.Succeeded);
        var beaten = await TakeTurnAsync(kv, 0, 0);
        Assert.False(beaten.Succeeded);
        var standing = beaten.Responses[0].ResponseRange.Kvs[0];
        Assert.Equal(("0", 1), (standing.Value.ToStringUtf8(), standing.Version));
        Assert.True((await TakeTurnAsync(kv, standing.Version, beaten.Header.Revision)).Succeeded);
        await kv.CompactAsync(new CompactionRequest { Revision = beaten.Header.Revision });
        var compacted = await Assert.ThrowsAsync<RpcException>(async () => await kv.RangeAsync(new RangeRequest { Key = Prefix, RangeEnd = PrefixEnd, Revision = 2 }));
        Assert.Equal((StatusCode.OutOfRange, "etcdserver: mvcc: required revision has been compacted"), (compacted.StatusCode, compacted.Status.Detail));

        var whole = await kv.RangeAsync(new RangeRequest { Key = Prefix, RangeEnd = PrefixEnd });
        using var stream = kv.RangeStream(new RangeRequest { Key = Prefix, RangeEnd = PrefixEnd, Revision = whole.Header.Revision });
        var merged = new RangeResponse();
        var parts = 0;
        while (await stream.ResponseStream.MoveNext(TestContext.Current.CancellationToken))
        {
            merged.MergeFrom(stream.ResponseStream.Current.RangeResponse);
            parts++;
        }

        Assert.True(parts > 1, "a megabyte and a half came in one part");
        Assert.Equal(whole, merged);
    }

    private static async Task<TxnResponse> TakeTurnAsync(KV.KVClient kv, long version, long revision)
    {
        var key = ByteString.CopyFromUtf8("compact_rev_key");
        return await kv.TxnAsync(new TxnRequest
        {
            Compare = { new Compare { Key = key, Target = Compare.Types.CompareTarget.Version, Result = Compare.Types.CompareResult.Equal, Version = version } },
            Success = { new RequestOp { RequestPut = new PutRequest { Key = key, Value = ByteString.CopyFromUtf8(revision.ToString(System.Globalization.CultureInfo.InvariantCulture)) } } },
            Failure = { new RequestOp { RequestRange = new RangeRequest { Key = key } } },
        });
    }

    /// <summary>Lists all in pages of ten, while somebody writes.</summary>
    private static async Task<(List<string> Keys, long Revision)> ListAsync(KV.KVClient kv)
    {
        var keys = new List<string>();
        var request = new RangeRequest { Key = Prefix, RangeEnd = PrefixEnd, Limit = 10 };
        for (var more = true; more;)
        {
            var page = await kv.RangeAsync(request);
            keys.AddRange(page.Kvs.Select(one => one.Key.ToStringUtf8()));
            Assert.Equal(25 - keys.Count + page.Kvs.Count, page.Count);
            more = page.More;
            if (request.Revision == 0)
            {
                request.Revision = page.Header.Revision;
                await PutIfAsync(kv, 99, 0, "too late", 0);
            }

            request.Key = ByteString.CopyFrom([.. page.Kvs[^1].Key.Span, 0]);
        }

        return (keys, request.Revision);
    }

    private static string Name(int pod) => $"/registry/pods/{pod:00}";

    private static async Task<TxnResponse> PutIfAsync(KV.KVClient kv, int pod, long revision, string value, long lease)
    {
        var key = ByteString.CopyFromUtf8(Name(pod));
        return await kv.TxnAsync(new TxnRequest
        {
            Compare = { IsAt(key, revision) },
            Success = { new RequestOp { RequestPut = new PutRequest { Key = key, Value = ByteString.CopyFromUtf8(value), Lease = lease } } },
            Failure = { new RequestOp { RequestRange = new RangeRequest { Key = key } } },
        });
    }

    private static async Task<TxnResponse> DeleteIfAsync(KV.KVClient kv, int pod, long revision)
    {
        var key = ByteString.CopyFromUtf8(Name(pod));
        return await kv.TxnAsync(new TxnRequest
        {
            Compare = { IsAt(key, revision) },
            Success = { new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = key } } },
            Failure = { new RequestOp { RequestRange = new RangeRequest { Key = key } } },
        });
    }

    private static Compare IsAt(ByteString key, long revision) =>
        new() { Key = key, Target = Compare.Types.CompareTarget.Mod, Result = Compare.Types.CompareResult.Equal, ModRevision = revision };
}
