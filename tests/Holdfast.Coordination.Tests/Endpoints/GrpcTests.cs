using System.Net;
using System.Net.Http.Headers;
using Google.Protobuf;
using Grpc.Core;
using Holdfast.Coordination.Endpoints;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Coordination.Tests.Endpoints;

public sealed class GrpcTests
{
    private static readonly ByteString Key = ByteString.CopyFromUtf8("foo");

    [Fact]
    public async Task A_failure_has_its_exact_code_and_message()
    {
        await using var door = await OpenDoor.OnAsync(new ScriptedCoordination());
        var failure = await Assert.ThrowsAsync<RpcException>(async () => await new KV.KVClient(door.Channel).CompactAsync(new CompactionRequest()));
        Assert.Equal((StatusCode.OutOfRange, "etcdserver: mvcc: required revision has been compacted"), (failure.StatusCode, failure.Status.Detail));
    }

    /// <summary>etcd's <c>WithRequireLeader</c>, by gRPC and by JSON.</summary>
    [Fact]
    public async Task Who_requires_a_leader_is_refused_without_one_and_his_stream_ends_when_it_is_gone()
    {
        var coordination = new ScriptedCoordination();
        await using var door = await OpenDoor.OnAsync(coordination);
        var required = new Metadata { { "hasleader", "true" } };
        var (kv, watches) = (new KV.KVClient(door.Channel), new Watch.WatchClient(door.Channel));
        await kv.PutAsync(new PutRequest { Key = Key }, required);
        using var led = watches.Watch(required);
        using var indifferent = watches.Watch();
        foreach (var stream in (AsyncDuplexStreamingCall<WatchRequest, WatchResponse>[])[led, indifferent])
        {
            await stream.RequestStream.WriteAsync(new WatchRequest { CreateRequest = new WatchCreateRequest { Key = Key } });
            Assert.True(await stream.ResponseStream.MoveNext(CancellationToken.None));
        }

        coordination.Health = new MemberHealth([], HasLeader: false, IsLearner: false);
        await RefusedAsync(() => led.ResponseStream.MoveNext(CancellationToken.None));
        await RefusedAsync(async () => await kv.PutAsync(new PutRequest { Key = Key }, required));
        await RefusedAsync(() => watches.Watch(required).ResponseStream.MoveNext(CancellationToken.None));
        using var json = new HttpRequestMessage(HttpMethod.Post, door.Url + "/v3/kv/range") { Content = new StringContent("{\"key\":\"YQ==\"}"), Headers = { { "Grpc-Metadata-hasleader", "true" } } };
        using var http = new HttpClient();
        using var answer = await http.SendAsync(json);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, true), (answer.StatusCode, (await answer.Content.ReadAsStringAsync()).Contains("etcdserver: no leader", StringComparison.Ordinal)));

        // Who does not ask goes on as before.
        await kv.PutAsync(new PutRequest { Key = Key });
        await indifferent.RequestStream.WriteAsync(new WatchRequest { ProgressRequest = new WatchProgressRequest() });
        Assert.True(await indifferent.ResponseStream.MoveNext(CancellationToken.None));
        coordination.Health = new MemberHealth([], HasLeader: true, IsLearner: false);
        using var again = watches.Watch(required);
        await again.RequestStream.WriteAsync(new WatchRequest { CreateRequest = new WatchCreateRequest { Key = Key } });
        Assert.True(await again.ResponseStream.MoveNext(CancellationToken.None));

        static async Task RefusedAsync(Func<Task> call)
        {
            var failure = await Assert.ThrowsAsync<RpcException>(call);
            Assert.Equal((StatusCode.Unavailable, "etcdserver: no leader"), (failure.StatusCode, failure.Status.Detail));
        }
    }

    [Fact]
    public async Task A_message_outside_ascii_survives_the_trailers()
    {
        var coordination = new ScriptedCoordination { OnPut = _ => throw new EtcdException(new EtcdError(EtcdCode.Unknown, "50 % of größe\n")) };
        await using var door = await OpenDoor.OnAsync(coordination);
        var failure = await Assert.ThrowsAsync<RpcException>(async () => await new KV.KVClient(door.Channel).PutAsync(new PutRequest { Key = Key }));
        Assert.Equal("50 % of größe\n", failure.Status.Detail);
    }

    [Fact]
    public async Task A_call_that_nobody_knows_is_told_so()
    {
        await using var door = await OpenDoor.OnAsync(new ScriptedCoordination());
        Assert.Equal("12|unknown service v3lockpb.Nope", await RawAsync(door, "/v3lockpb.Nope/Lock", [0, 0, 0, 0, 0]));
        Assert.Equal("12|unknown method Nope for service etcdserverpb.KV", await RawAsync(door, "/etcdserverpb.KV/Nope", [0, 0, 0, 0, 0]));
    }

    [Fact]
    public async Task Requests_beyond_the_size_bounds_are_refused_as_by_etcd()
    {
        await using var door = await OpenDoor.OnAsync(new ScriptedCoordination());
        var client = new KV.KVClient(door.Channel);
        var tooLarge = await Assert.ThrowsAsync<RpcException>(async () => await client.PutAsync(new PutRequest { Key = Key, Value = ByteString.CopyFrom(new byte[1_700_000]) }));
        Assert.Equal((StatusCode.InvalidArgument, "etcdserver: request is too large"), (tooLarge.StatusCode, tooLarge.Status.Detail));
        Assert.Equal("8|grpc: received message larger than max (4294967295 vs. 2097152)", await RawAsync(door, "/etcdserverpb.KV/Put", [0, 255, 255, 255, 255]));
    }

    [Theory]
    [InlineData(new byte[] { }, "2|EOF")]
    [InlineData(new byte[] { 0, 0, 0 }, "2|unexpected EOF")]
    [InlineData(new byte[] { 1, 0, 0, 0, 0 }, "13|grpc: compressed flag set with identity or empty encoding")]
    [InlineData(new byte[] { 9, 0, 0, 0, 0 }, "13|grpc: received unexpected payload format 9")]
    [InlineData(new byte[] { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, "13|grpc: more than one message in a unary call")]
    [InlineData(new byte[] { 0, 0, 0, 0, 2, 0x0a, 0x7f }, "13|grpc: error unmarshalling request: ")]
    public async Task A_malformed_call_is_refused_with_a_reason(byte[] body, string expected)
    {
        await using var door = await OpenDoor.OnAsync(new ScriptedCoordination());
        Assert.StartsWith(expected, await RawAsync(door, "/etcdserverpb.KV/Put", body), StringComparison.Ordinal);
        Assert.Equal(13, (await new KV.KVClient(door.Channel).PutAsync(new PutRequest { Key = Key })).Header.Revision);
    }

    [Fact]
    public async Task A_deadline_ends_the_wait()
    {
        var coordination = new ScriptedCoordination
        {
            OnRange = async (_, cancel) =>
            {
                await Task.Delay(Timeout.Infinite, cancel);
                return new RangeResponse();
            },
        };
        await using var door = await OpenDoor.OnAsync(coordination);
        Assert.Equal("4|context deadline exceeded", await RawAsync(door, "/etcdserverpb.KV/Range", [0, 0, 0, 0, 0], ("grpc-timeout", "1m")));
    }

    [Fact]
    public async Task Requests_beyond_the_budget_are_answered_too_many_requests()
    {
        var entered = new TaskCompletionSource();
        var release = new TaskCompletionSource<RangeResponse>();
        var coordination = new ScriptedCoordination
        {
            OnRange = async (_, _) =>
            {
                entered.TrySetResult();
                return await release.Task;
            },
        };
        await using var door = await OpenDoor.OnAsync(coordination, new EndpointLimits { RequestsMax = 1 });
        var client = new KV.KVClient(door.Channel);
        var first = client.RangeAsync(new RangeRequest { Key = Key }).ResponseAsync;
        await entered.Task;
        var refused = await Assert.ThrowsAsync<RpcException>(async () => await client.PutAsync(new PutRequest { Key = Key }));
        Assert.Equal((StatusCode.ResourceExhausted, "etcdserver: too many requests"), (refused.StatusCode, refused.Status.Detail));
        release.SetResult(new RangeResponse());
        await first;
        await client.PutAsync(new PutRequest { Key = Key });
    }

    [Fact]
    public async Task A_large_range_arrives_whole()
    {
        var value = ByteString.CopyFrom(new byte[3_000_000]);
        var coordination = new ScriptedCoordination { OnRange = (_, _) => new(new RangeResponse { Kvs = { new KeyValue { Key = Key, Value = value } }, Count = 1 }) };
        await using var door = await OpenDoor.OnAsync(coordination);
        var range = await new KV.KVClient(door.Channel).RangeAsync(new RangeRequest { Key = Key });
        Assert.Equal(value, range.Kvs[0].Value);
    }

    [Fact]
    public async Task A_watcher_that_never_reads_holds_no_more_than_its_credits_and_loses_nothing()
    {
        var coordination = new ScriptedCoordination();
        var limits = new EndpointLimits { WatchResponsesMax = 4 };
        await using var door = await OpenDoor.OnAsync(coordination, limits);
        using var call = new Watch.WatchClient(door.Channel).Watch();
        await call.RequestStream.WriteAsync(new WatchRequest { CreateRequest = new WatchCreateRequest { Key = Key } });
        Assert.True(await call.ResponseStream.MoveNext(default));
        var watch = coordination.Watches[0];
        const int Count = 400;
        var value = ByteString.CopyFrom(new byte[100_000]);
        for (var i = 1; i <= Count; i++)
            watch.Push(new WatchResponse { Events = { new Event { Kv = new KeyValue { Key = Key, Value = value, ModRevision = i } } } });
        Assert.True(watch.MostUnread <= 4);
        for (var i = 1; i <= Count; i++)
        {
            Assert.True(await call.ResponseStream.MoveNext(default));
            Assert.Equal(i, call.ResponseStream.Current.Events[0].Kv.ModRevision);
        }
    }

    [Fact]
    public async Task Watches_are_created_cancelled_and_asked_for_progress_on_one_stream()
    {
        var coordination = new ScriptedCoordination();
        await using var door = await OpenDoor.OnAsync(coordination, new EndpointLimits { WatchCreatesUnansweredMax = 1, WatchResponsesMax = 1 });
        using var call = new Watch.WatchClient(door.Channel).Watch();
        for (var i = 0; i < 50; i++) await call.RequestStream.WriteAsync(new WatchRequest { CreateRequest = new WatchCreateRequest { Key = Key } });
        await call.RequestStream.WriteAsync(new WatchRequest { CancelRequest = new WatchCancelRequest { WatchId = 7 } });
        await call.RequestStream.WriteAsync(new WatchRequest { ProgressRequest = new WatchProgressRequest() });
        for (var i = 0; i < 50; i++)
        {
            Assert.True(await call.ResponseStream.MoveNext(default));
            Assert.True(call.ResponseStream.Current.Created);
            Assert.Equal(i, call.ResponseStream.Current.WatchId);
        }

        Assert.True(await call.ResponseStream.MoveNext(default));
        Assert.True(call.ResponseStream.Current.Canceled);
        Assert.True(await call.ResponseStream.MoveNext(default));
        Assert.Equal(-1, call.ResponseStream.Current.WatchId);
    }

    [Fact]
    public async Task A_watch_is_closed_when_its_client_goes_and_when_the_server_stops()
    {
        var coordination = new ScriptedCoordination();
        await using var door = await OpenDoor.OnAsync(coordination);
        var client = new Watch.WatchClient(door.Channel);
        var gone = client.Watch();
        await gone.RequestStream.WriteAsync(new WatchRequest { CreateRequest = new WatchCreateRequest { Key = Key } });
        Assert.True(await gone.ResponseStream.MoveNext(default));
        gone.Dispose();
        await coordination.Watches[0].Disposed.Task;

        using var stays = client.Watch();
        await stays.RequestStream.WriteAsync(new WatchRequest { CreateRequest = new WatchCreateRequest { Key = Key } });
        Assert.True(await stays.ResponseStream.MoveNext(default));
        var ending = Assert.ThrowsAsync<RpcException>(() => stays.ResponseStream.MoveNext(default)); // As a watcher does: it reads before the end comes.
        await door.StopAsync();
        var ended = await ending;
        Assert.True(ended is { StatusCode: StatusCode.Unavailable, Status.Detail: "etcdserver: server stopped" }, ended.ToString());
        await coordination.Watches[1].Disposed.Task;
    }

    [Fact]
    public async Task Keep_alives_are_answered_in_order_until_the_client_ends_its_side()
    {
        await using var door = await OpenDoor.OnAsync(new ScriptedCoordination());
        using var call = new Lease.LeaseClient(door.Channel).LeaseKeepAlive();
        await call.RequestStream.WriteAsync(new LeaseKeepAliveRequest { ID = 77 });
        Assert.True(await call.ResponseStream.MoveNext(default));
        Assert.Equal(100, call.ResponseStream.Current.TTL);
        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext(default));
    }

    /// <summary>Sends bytes as the body of a call, and returns "status|message".</summary>
    private static async Task<string> RawAsync(OpenDoor door, string path, byte[] body, params (string Name, string Value)[] headers)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, door.Url + path)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        foreach (var (name, value) in headers) request.Headers.Add(name, value);
        using var response = await http.SendAsync(request);
        await response.Content.ReadAsByteArrayAsync();
        var from = response.TrailingHeaders.Contains("grpc-status") ? response.TrailingHeaders : response.Headers;
        return $"{from.GetValues("grpc-status").First()}|{(from.Contains("grpc-message") ? from.GetValues("grpc-message").First() : string.Empty)}";
    }
}
