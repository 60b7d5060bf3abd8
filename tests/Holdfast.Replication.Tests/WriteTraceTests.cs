using System.Diagnostics;
using Holdfast.Primitives;

namespace Holdfast.Replication.Tests;

/// <summary>One write's way through its AppendEntries fan-out, as spans (R1.12).</summary>
public sealed class WriteTraceTests
{
    [Fact]
    public async Task A_slow_follower_is_seen_in_the_trace_of_one_write()
    {
        var (spans, traced) = (new List<Activity>(), WriteTrace.Source); // Made before anybody asks whether it is the one: while it is being made it equals nothing.
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source == traced,
            Sample = static (ref _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = span => { lock (spans) spans.Add(span); },
        };
        var cluster = new TestCluster(3);
        cluster.UntilLed();
        ActivitySource.AddActivityListener(listener);

        // The frames to one follower are lost for a second: the write commits with the other one.
        var slow = cluster.Follower;
        cluster.Cut.Add((cluster.Leader.Id, slow.Id));
        var leader = cluster.Leader;
        using var root = new Activity("test").Start();
        var write = leader.Group.ProposeAsync("k=v"u8.ToArray()).AsTask();
        cluster.Run(TimeSpan.FromSeconds(1));
        Assert.True((await write).IsApplied);
        cluster.Cut.Clear();
        Activity[] Ours()
        {
            lock (spans) return [.. spans.Where(span => span.TraceId == root.TraceId)];
        }

        cluster.Until(() => Ours().Count(span => span.OperationName == "append") == 2, "the last acknowledgement");

        var ours = Ours();
        var propose = Assert.Single(ours, span => span.OperationName == "propose");
        Assert.Equal(root.SpanId, propose.ParentSpanId);
        foreach (var name in (string[])["wal", "commit", "apply"]) Assert.Equal(propose.SpanId, Assert.Single(ours, span => span.OperationName == name).ParentSpanId);
        var appends = ours.Where(span => span.OperationName == "append").ToDictionary(span => (string)span.GetTagItem("peer")!, span => span.Duration);
        Assert.Equal(cluster.Nodes.Where(node => node != leader).Select(node => node.Id.ToString()).Order(), appends.Keys.Order());
        Assert.True(appends[slow.Id.ToString()] > TimeSpan.FromMilliseconds(900), $"the slow follower's span took {appends[slow.Id.ToString()]}");
        Assert.All(appends.Where(append => append.Key != slow.Id.ToString()), append => Assert.True(append.Value < TimeSpan.FromMilliseconds(500)));
    }

    [Fact]
    public async Task Nothing_is_followed_while_nobody_listens()
    {
        var cluster = new TestCluster(3);
        cluster.UntilLed();
        var write = cluster.Leader.Group.ProposeAsync("k=v"u8.ToArray()).AsTask();
        Assert.True(cluster.Leader.Group.Replica.Trace.IsIdle);
        cluster.Run(TimeSpan.FromMilliseconds(200));
        Assert.True((await write).IsApplied);
    }
}
