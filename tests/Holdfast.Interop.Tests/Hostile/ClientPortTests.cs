using System.Net;
using System.Text;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Interop.Tests.Hostile;

/// <summary>What a bad client may do to the client port: others go on, and memory stays bounded.</summary>
[Collection(Alone.Name)]
public sealed class ClientPortTests
{
    private const int MegabytesMax = 700;

    private static readonly byte[] Preface = Encoding.ASCII.GetBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    private static readonly byte[] Settings = RawConnection.Http2Frame(type: 4, flags: 0, stream: 0, []);

    /// <summary>POST /etcdserverpb.KV/Range as HPACK literals (RFC 7541 6.2.2): method, scheme, path, authority, content type, te.</summary>
    private static readonly byte[] RangeHeaders =
    [
        0x83, 0x86, .. Literal(4, "/etcdserverpb.KV/Range"), .. Literal(1, "x"), 0x0f, 0x10, .. Text("application/grpc"), 0x00, .. Text("te"), .. Text("trailers"),
    ];

    [Fact]
    public async Task Slow_and_half_sent_requests_hold_nobody_up()
    {
        await using var cluster = await ProcessCluster.StartAsync(nodes: 1);
        await using var bystander = new Bystander(cluster);
        var port = cluster.ClientPort(0);
        var slow = new List<RawConnection>();
        for (var i = 0; i < 300; i++)
        {
            var headers = await RawConnection.ToAsync(port);
            await headers.TrySendAsync("POST /v3/kv/range HTTP/1.1\r\nHost: x\r\nX-Slow: ");
            var body = await RawConnection.ToAsync(port);
            await body.TrySendAsync("POST /v3/kv/range HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n{");
            var preface = await RawConnection.ToAsync(port);
            await preface.TrySendAsync(Preface.AsMemory(0, i % Preface.Length));
            var message = await RawConnection.ToAsync(port);
            await message.TrySendAsync((byte[])[.. Preface, .. Settings, .. RawConnection.Http2Frame(1, 0x4, 1, RangeHeaders), .. RawConnection.Http2Frame(0, 0, 1, [0, 0, 0x10, 0, 0, 1])]);
            slow.AddRange([headers, body, preface, message]);
        }

        // A byte now and then, as a slow-loris does.
        for (var round = 0; round < 5; round++)
            foreach (var connection in slow) await connection.TrySendAsync("a");
        await bystander.AssertUnharmedAsync(MegabytesMax);
        slow.ForEach(connection => connection.Dispose());
    }

    [Fact] // (CVE-2023-44487)
    public async Task A_flood_of_streams_that_are_reset_at_once_ends_its_own_connection_only()
    {
        await using var cluster = await ProcessCluster.StartAsync(nodes: 1);
        await using var bystander = new Bystander(cluster);
        for (var attack = 0; attack < 10; attack++)
        {
            using var connection = await RawConnection.ToAsync(cluster.ClientPort(0));
            await connection.TrySendAsync((byte[])[.. Preface, .. Settings]);
            for (var stream = 1; stream < 10_000; stream += 2)
            {
                byte[] request = [.. RawConnection.Http2Frame(1, 0x4, stream, RangeHeaders), .. RawConnection.Http2Frame(3, 0, stream, [0, 0, 0, 8])];
                if (!await connection.TrySendAsync(request)) break;
            }
        }

        await bystander.AssertUnharmedAsync(MegabytesMax);
    }

    [Fact]
    public async Task Huge_headers_oversized_requests_and_absurd_lengths_are_refused()
    {
        await using var cluster = await ProcessCluster.StartAsync(nodes: 1);
        await using var bystander = new Bystander(cluster);
        var port = cluster.ClientPort(0);

        using (var headers = await RawConnection.ToAsync(port))
        {
            await headers.TrySendAsync("GET /version HTTP/1.1\r\nHost: x\r\nX-Huge: " + new string('a', 1 << 20) + "\r\n\r\n");
            var said = await headers.ReadAsync();
            Assert.True(said.Length == 0 || said.StartsWith("HTTP/1.1 431", StringComparison.Ordinal), said);
        }

        using (var body = await RawConnection.ToAsync(port))
        {
            await body.TrySendAsync("POST /v3/kv/put HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n{");
            Assert.StartsWith("HTTP/1.1 4", await body.ReadAsync(), StringComparison.Ordinal);
        }

        using (var frame = await RawConnection.ToAsync(port))
        {
            await frame.TrySendAsync((byte[])[.. Preface, 0xff, 0xff, 0xff, 4, 0, 0, 0, 0, 0]);
            await frame.ReadAsync(); // Ends: the connection is closed.
        }

        var tooLarge = await Assert.ThrowsAsync<RpcException>(async () => await cluster.Kv(0).PutAsync(new PutRequest { Key = ByteString.CopyFromUtf8("k"), Value = ByteString.CopyFrom(new byte[1600 << 10]) }));
        Assert.Equal((StatusCode.InvalidArgument, "etcdserver: request is too large"), (tooLarge.StatusCode, tooLarge.Status.Detail));
        for (var i = 0; i < 20; i++)
            Assert.Equal(StatusCode.ResourceExhausted, (await Assert.ThrowsAsync<RpcException>(async () => await cluster.Kv(0).PutAsync(new PutRequest { Key = ByteString.CopyFromUtf8("k"), Value = ByteString.CopyFrom(new byte[32 << 20]) }))).StatusCode);

        using (var length = await RawConnection.ToAsync(port))
        {
            await length.TrySendAsync((byte[])[.. Preface, .. Settings, .. RawConnection.Http2Frame(1, 0x4, 1, RangeHeaders), .. RawConnection.Http2Frame(0, 0x1, 1, [0, 0xff, 0xff, 0xff, 0xff, 1])]);
            await bystander.AssertUnharmedAsync(MegabytesMax);
        }
    }

    [Fact]
    public async Task Ten_thousand_idle_connections_cost_a_bounded_memory_and_keep_nobody_out()
    {
        await using var cluster = await ProcessCluster.StartAsync(nodes: 1);
        await using var bystander = new Bystander(cluster);
        var idle = new RawConnection[10_000];
        await Parallel.ForAsync(0, idle.Length, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (at, _) =>
        {
            // Half of them have had an answer over HTTP/1.1, half have shaken hands for HTTP/2; none of them says anything more.
            idle[at] = await RawConnection.ToAsync(cluster.ClientPort(0));
            if (at % 2 == 0) await idle[at].TrySendAsync("GET /version HTTP/1.1\r\nHost: x\r\n\r\n");
            else await idle[at].TrySendAsync((byte[])[.. Preface, .. Settings]);
            Assert.NotEqual("", await idle[at].ReadAsync(bytesMax: 9));
        });
        for (var at = 0; at < idle.Length; at += 101)
        {
            // They are kept: each may speak again.
            await idle[at].TrySendAsync(at % 2 == 0 ? Encoding.ASCII.GetBytes("GET /version HTTP/1.1\r\nHost: x\r\n\r\n") : RawConnection.Http2Frame(6, 0, 0, new byte[8]));
            Assert.NotEqual("", await idle[at].ReadAsync(bytesMax: 9));
        }

        await bystander.AssertUnharmedAsync(MegabytesMax);
        foreach (var connection in idle) connection.Dispose();
    }

    [Fact]
    public async Task Watchers_that_never_read_cost_a_bounded_memory_and_one_that_reads_misses_nothing()
    {
        const int watchers = 60;
        const int events = 2000;
        const int eventBytes = 16 << 10; // 32 MB of events: kept once in the history, and not once more for each of the sixty.
        await using var cluster = await ProcessCluster.StartAsync(nodes: 1);
        await using var bystander = new Bystander(cluster);
        var key = ByteString.CopyFromUtf8("firehose");
        var channels = new List<GrpcChannel>();
        for (var i = 0; i < watchers; i++)
        {
            var channel = GrpcChannel.ForAddress($"http://{cluster.Endpoint(0)}");
            channels.Add(channel);
            await new Watch.WatchClient(channel).Watch().RequestStream.WriteAsync(new WatchRequest { CreateRequest = new WatchCreateRequest { Key = key, StartRevision = 1 } });
        }

        using var reader = cluster.Watch(0).Watch();
        await reader.RequestStream.WriteAsync(new WatchRequest { CreateRequest = new WatchCreateRequest { Key = key, StartRevision = 1 } });
        var reading = Task.Run(async () =>
        {
            using var patience = new CancellationTokenSource(Patient.Most);
            var seen = 0;
            while (seen < events && await reader.ResponseStream.MoveNext(patience.Token)) seen += reader.ResponseStream.Current.Events.Count;
            return seen;
        });
        var value = ByteString.CopyFrom(new byte[eventBytes]);
        await Parallel.ForAsync(0, events, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (_, cancel) =>
            await cluster.Kv(0).PutAsync(new PutRequest { Key = key, Value = value }, deadline: Patient.Deadline, cancellationToken: cancel));
        Assert.Equal(events, await reading);
        await bystander.AssertUnharmedAsync(MegabytesMax);
        channels.ForEach(channel => channel.Dispose());
    }

    private static byte[] Literal(byte nameIndex, string value) => [nameIndex, .. Text(value)];

    private static byte[] Text(string value) => [(byte)value.Length, .. Encoding.ASCII.GetBytes(value)];
}
