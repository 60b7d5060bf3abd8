using System.Globalization;
using Google.Protobuf;
using Grpc.Core;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Interop.Tests;

/// <summary>SIGTERM as a client sees it.</summary>
public sealed class StoppingTests
{
    [Fact]
    public async Task A_stopping_leader_ends_watches_with_unavailable_finishes_what_was_under_way_and_hands_leadership_over()
    {
        await using var cluster = await ProcessCluster.StartAsync();
        var leader = await cluster.LeaderAsync();
        using var watch = cluster.Watch(leader).Watch();
        await watch.RequestStream.WriteAsync(new WatchRequest { CreateRequest = new WatchCreateRequest { Key = ByteString.CopyFromUtf8("watched") } });
        Assert.True(await watch.ResponseStream.MoveNext(default));
        var ending = Assert.ThrowsAsync<RpcException>(() => watch.ResponseStream.MoveNext(default));

        using var stop = new CancellationTokenSource();
        var writers = Enumerable.Range(0, 8).Select(writer => Task.Run(() => WriteUntilRefusedAsync(cluster, leader, writer, stop.Token))).ToArray();
        var elsewhere = Task.Run(() => WriteAsync(cluster, (leader + 1) % 3, stop.Token));
        await cluster.UntilServesAsync(leader);
        var term = (await cluster.StatusAsync(leader))!.RaftTerm;
        await cluster.StopAsync(leader);

        var ended = await ending;
        Assert.True(ended is { StatusCode: StatusCode.Unavailable, Status.Detail: "etcdserver: server stopped" }, ended.ToString());
        var next = await cluster.LeaderAsync();
        Assert.NotEqual(leader, next);
        Assert.Equal(term + 1, (await cluster.StatusAsync(next))!.RaftTerm); // Handed over: the next term, and not a search for a leader.
        await cluster.UntilServesAsync(next);
        await stop.CancelAsync();

        var acknowledged = (await Task.WhenAll(writers)).SelectMany(each => each).ToArray();
        Assert.NotEmpty(acknowledged);
        Assert.True(await elsewhere > 0, "nothing was written through another node");
        var kept = await cluster.Kv(next).RangeAsync(new RangeRequest { Key = ByteString.CopyFromUtf8("stop/"), RangeEnd = ByteString.CopyFromUtf8("stop0"), KeysOnly = true });
        Assert.Superset(acknowledged.ToHashSet(), kept.Kvs.Select(kv => kv.Key.ToStringUtf8()).ToHashSet());
    }

    /// <summary>Writes at the node that stops; the keys that were acknowledged. Anything but an acknowledgement must be "unavailable".</summary>
    private static async Task<List<string>> WriteUntilRefusedAsync(ProcessCluster cluster, int node, int writer, CancellationToken stop)
    {
        var acknowledged = new List<string>();
        for (var number = 0; !stop.IsCancellationRequested; number++)
        {
            var key = $"stop/{writer.ToString(CultureInfo.InvariantCulture)}/{number.ToString(CultureInfo.InvariantCulture)}";
            try
            {
                await cluster.Kv(node).PutAsync(new PutRequest { Key = ByteString.CopyFromUtf8(key) }, deadline: Patient.Deadline);
                acknowledged.Add(key);
            }
            catch (RpcException refused)
            {
                Assert.True(refused.StatusCode == StatusCode.Unavailable, $"{refused.Status}");
                return acknowledged;
            }
        }

        return acknowledged;
    }

    private static async Task<int> WriteAsync(ProcessCluster cluster, int node, CancellationToken stop)
    {
        var written = 0;
        while (!stop.IsCancellationRequested)
            if (await cluster.TryPutAsync(node, "elsewhere", written.ToString(CultureInfo.InvariantCulture))) written++;
        return written;
    }
}
