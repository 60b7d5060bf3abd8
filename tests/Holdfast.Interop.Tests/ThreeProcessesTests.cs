using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Google.Protobuf;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Interop.Tests;

/// <summary>Three real processes, real disks, real sockets, real clients (R1.2, R1.10).</summary>
public sealed class ThreeProcessesTests
{
    [Fact]
    public async Task Etcdctl_puts_gets_and_watches_on_any_node()
    {
        await using var cluster = await ProcessCluster.StartAsync();
        for (var node = 0; node < 3; node++) Assert.Equal("OK\n", await cluster.EtcdctlAsync(node, "put", $"key{node}", $"value{node}"));
        for (var node = 0; node < 3; node++) Assert.Equal($"key{node}\nvalue{node}\n", await cluster.EtcdctlAsync((node + 1) % 3, "get", $"key{node}"));
        Assert.Equal("1\n", await cluster.EtcdctlAsync(2, "del", "key0"));

        using var stream = cluster.Watch(1).Watch();
        await stream.RequestStream.WriteAsync(new WatchRequest { CreateRequest = new WatchCreateRequest { Key = ByteString.CopyFromUtf8("key1"), StartRevision = 1 } });
        using var patience = new CancellationTokenSource(Patient.Most);
        var seen = new List<string>();
        while (seen.Count < 2 && await stream.ResponseStream.MoveNext(patience.Token))
        {
            foreach (var change in stream.ResponseStream.Current.Events) seen.Add(change.Kv.Value.ToStringUtf8());
            if (seen.Count == 1) await cluster.EtcdctlAsync(0, "put", "key1", "again");
        }

        Assert.Equal(["value1", "again"], seen);
    }

    [Fact] // (R1.10, first row)
    public async Task Killing_the_leader_under_load_loses_nothing_acknowledged()
    {
        await using var cluster = await ProcessCluster.StartAsync();
        var acknowledged = new ConcurrentDictionary<string, string>();
        using var stop = new CancellationTokenSource();
        var writers = Enumerable.Range(0, 12).Select(writer => WriteAsync(cluster, writer, acknowledged, stop.Token)).ToArray();
        for (var round = 0; round < 3; round++)
        {
            await GrowAsync(acknowledged, 100);
            var leader = await cluster.LeaderAsync();
            cluster.Kill(leader);
            await GrowAsync(acknowledged, 100); // The other two go on.
            cluster.Start(leader);
            await cluster.UntilServesAsync(leader);
        }

        await stop.CancelAsync();
        await Task.WhenAll(writers);
        await AssertKeptAsync(cluster, acknowledged);
    }

    [Fact]
    public async Task Killing_all_at_once_loses_nothing_acknowledged()
    {
        await using var cluster = await ProcessCluster.StartAsync();
        var acknowledged = new ConcurrentDictionary<string, string>();
        using var stop = new CancellationTokenSource();
        var writers = Enumerable.Range(0, 6).Select(writer => WriteAsync(cluster, writer, acknowledged, stop.Token)).ToArray();
        await GrowAsync(acknowledged, 300);
        for (var node = 0; node < 3; node++) cluster.Kill(node);
        await stop.CancelAsync();
        await Task.WhenAll(writers);
        for (var node = 0; node < 3; node++) cluster.Start(node);
        for (var node = 0; node < 3; node++) await cluster.UntilServesAsync(node);
        await AssertKeptAsync(cluster, acknowledged);
    }

    [Fact]
    public async Task Garbage_and_silent_connections_on_every_port_disturb_nobody()
    {
        await using var cluster = await ProcessCluster.StartAsync();
        var garbage = new byte[4096];
        new Random(7).NextBytes(garbage);
        var silent = new List<TcpClient>();
        for (var node = 0; node < 3; node++)
        {
            foreach (var port in (int[])[cluster.ClientPort(node), cluster.PeerPort(node)])
            {
                for (var i = 0; i < 50; i++)
                {
                    var connection = new TcpClient();
                    await connection.ConnectAsync(IPAddress.Loopback, port);
                    if (i % 2 == 0) await connection.GetStream().WriteAsync(garbage);
                    silent.Add(connection);
                }
            }
        }

        for (var node = 0; node < 3; node++)
        {
            await cluster.PutAsync(node, $"after{node}", "garbage");
            Assert.False(cluster.Of(node).HasExited);
        }

        silent.ForEach(connection => connection.Dispose());
        Assert.Equal("garbage", await cluster.GetAsync(0, "after2"));
    }

    private static async Task WriteAsync(ProcessCluster cluster, int writer, ConcurrentDictionary<string, string> acknowledged, CancellationToken stop)
    {
        for (var number = 0; !stop.IsCancellationRequested; number++)
        {
            // A key is written once: what was acknowledged must be there, what was not may be.
            var (key, value) = ($"w{writer}/{number}", number.ToString(CultureInfo.InvariantCulture));
            if (await cluster.TryPutAsync(writer % 3, key, value)) acknowledged[key] = value;
        }
    }

    /// <summary>Waits until so many more writes were acknowledged.</summary>
    private static async Task GrowAsync(ConcurrentDictionary<string, string> acknowledged, int by)
    {
        var target = acknowledged.Count + by;
        await Patient.UntilAsync(() => Task.FromResult(acknowledged.Count >= target), () => $"only {acknowledged.Count} of {target} writes were acknowledged");
    }

    private static async Task AssertKeptAsync(ProcessCluster cluster, ConcurrentDictionary<string, string> acknowledged)
    {
        Assert.NotEmpty(acknowledged);
        for (var node = 0; node < 3; node++)
        {
            var answer = await cluster.Kv(node).RangeAsync(new RangeRequest { Key = ByteString.CopyFromUtf8("w"), RangeEnd = ByteString.CopyFromUtf8("x") });
            var kept = answer.Kvs.ToDictionary(kv => kv.Key.ToStringUtf8(), kv => kv.Value.ToStringUtf8());
            foreach (var (key, value) in acknowledged) Assert.Equal(value, kept.GetValueOrDefault(key));
        }
    }
}
