using System.Globalization;
using System.Net;
using Google.Protobuf;
using Grpc.Core;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Interop.Tests.Operating;

/// <summary>Traces leave the nodes by OTLP when they are told where to, and carry the whole fan-out of a write below the caller's own span, also of one that entered at a follower (R1.12).</summary>
public sealed class OtlpTests
{
    private const string CallerSpan = "00f067aa0ba902b7";

    [Fact]
    public async Task A_collector_receives_one_trace_of_a_write_with_an_append_to_each_follower()
    {
        using var collector = new HttpListener();
        var port = Ports.Free(1)[0];
        collector.Prefixes.Add($"http://127.0.0.1:{port}/");
        collector.Start();
        await using var cluster = await ProcessCluster.StartAsync(flags: ["--otlp", $"http://127.0.0.1:{port}", "--otlp-share", "1"]);
        var ids = new string[cluster.Nodes];
        for (var node = 0; node < ids.Length; node++) ids[node] = (await Patient.AnswerAsync(() => StatusAsync(cluster, node), () => $"node {node} says nothing of itself")).Header.MemberId.ToString("x", CultureInfo.InvariantCulture);

        var (atLeader, leader) = await TracedPutAsync(cluster, leader => leader);
        var spans = await CollectAsync(collector, atLeader, 7);
        var put = AssertPut(spans, leader);
        AssertFanOut(spans, Assert.Single(spans, span => span.Name == "propose" && span.Parent == put.Id), leader, ids);

        (var atFollower, leader) = await TracedPutAsync(cluster, leader => (leader + 1) % 3);
        var entry = (leader + 1) % 3;
        spans = await CollectAsync(collector, atFollower, 8);
        put = AssertPut(spans, entry);
        var entered = Assert.Single(spans, span => span.Name == "propose" && span.Parent == put.Id);
        Assert.Equal(($"n{entry}", ids[leader]), (entered.Node, entered.Tags["forwarded_to"]));
        var led = Assert.Single(spans, span => span.Name == "propose" && span.Parent == entered.Id);
        Assert.Equal(ids[entry], led.Tags["forwarded_from"]);
        AssertFanOut(spans, led, leader, ids);
    }

    /// <summary>The client's span is the parent of the node's, as it said in <c>traceparent</c>.</summary>
    private static CollectedSpan AssertPut(IReadOnlyList<CollectedSpan> spans, int entry)
    {
        var put = Assert.Single(spans, span => span.Name == "etcdserverpb.KV/Put");
        Assert.Equal(($"n{entry}", CallerSpan), (put.Node, put.Parent));
        return put;
    }

    /// <summary>Below the leader's proposal, all told by the leader: its own log, an append to each of the other two, commit and apply; each once.</summary>
    private static void AssertFanOut(IReadOnlyList<CollectedSpan> spans, CollectedSpan led, int leader, string[] ids)
    {
        var below = spans.Where(span => span.Parent == led.Id).ToArray();
        Assert.Equal(["append", "append", "apply", "commit", "wal"], below.Select(span => span.Name).Order(StringComparer.Ordinal));
        Assert.All(below.Append(led), span => Assert.Equal($"n{leader}", span.Node));
        Assert.Equal(ids.Where((_, node) => node != leader).Order(StringComparer.Ordinal), below.Where(span => span.Name == "append").Select(span => span.Tags["peer"]).Order(StringComparer.Ordinal));
    }

    /// <summary>A write under a trace of its own, at a node that is chosen by who leads; again when the lead changed meanwhile.</summary>
    private static async Task<(string Trace, int Leader)> TracedPutAsync(ProcessCluster cluster, Func<int, int> entryOf)
    {
        while (true)
        {
            var leader = await cluster.LeaderAsync();
            var trace = Guid.NewGuid().ToString("n");
            var headers = new Metadata { { "traceparent", $"00-{trace}-{CallerSpan}-01" } };
            await cluster.Kv(entryOf(leader)).PutAsync(new PutRequest { Key = ByteString.CopyFromUtf8("traced"), Value = ByteString.CopyFromUtf8(trace) }, headers, Patient.Deadline);
            if (await cluster.LeaderAsync() == leader) return (trace, leader);
        }
    }

    /// <summary>What the nodes send, until so many spans of one trace have come, from whichever node and in however many requests.</summary>
    private static async Task<IReadOnlyList<CollectedSpan>> CollectAsync(HttpListener collector, string trace, int count)
    {
        using var patience = new CancellationTokenSource(Patient.Most);
        var spans = new List<CollectedSpan>();
        while (spans.Count < count)
        {
            var call = await collector.GetContextAsync().WaitAsync(patience.Token);
            using var body = new MemoryStream();
            await call.Request.InputStream.CopyToAsync(body, patience.Token);
            call.Response.StatusCode = 200;
            call.Response.Close();
            Assert.Equal("/v1/traces", call.Request.Url!.AbsolutePath);
            spans.AddRange(CollectedSpan.Of(body.ToArray()).Where(span => span.Trace == trace));
        }

        return spans;
    }

    private static async Task<StatusResponse> StatusAsync(ProcessCluster cluster, int node) => await cluster.Maintenance(node).StatusAsync(new StatusRequest(), deadline: Patient.Deadline);
}
