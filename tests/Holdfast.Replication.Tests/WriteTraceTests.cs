using System.Diagnostics;
using Holdfast.Primitives;

namespace Holdfast.Replication.Tests;

/// <summary>One write's way through its AppendEntries fan-out, as spans (R1.12).</summary>
public sealed class WriteTraceTests
{
    [Fact]
    public async Task A_slow_follower_is_seen_in_the_trace_of_one_write()
    {
        var spans = new List<Activity>();
        var cluster = new TestCluster(3);
        cluster.UntilLed();
        using var listener = Listen(spans);

        // The frames to one follower are lost for a second: the write commits with the other one.
        var slow = cluster.Follower;
        cluster.Cut.Add((cluster.Leader.Id, slow.Id));
        var leader = cluster.Leader;
        using var root = new Activity("test").Start();
        var write = leader.Group.ProposeAsync("k=v"u8.ToArray()).AsTask();
        cluster.Run(TimeSpan.FromSeconds(1));
        Assert.True((await write).IsApplied);
        cluster.Cut.Clear();
        cluster.Until(() => Of(root, spans).Count(span => span.OperationName == "append") == 2, "the last acknowledgement");

        var ours = Of(root, spans);
        var propose = Assert.Single(ours, span => span.OperationName == "propose");
        Assert.Equal(root.SpanId, propose.ParentSpanId);
        foreach (var name in (string[])["wal", "commit", "apply"]) Assert.Equal(propose.SpanId, Assert.Single(ours, span => span.OperationName == name).ParentSpanId);
        var appends = ours.Where(span => span.OperationName == "append").ToDictionary(span => (string)span.GetTagItem("peer")!, span => span.Duration);
        Assert.Equal(cluster.Nodes.Where(node => node != leader).Select(node => node.Id.ToString()).Order(), appends.Keys.Order());
        Assert.True(appends[slow.Id.ToString()] > TimeSpan.FromMilliseconds(900), $"the slow follower's span took {appends[slow.Id.ToString()]}");
        Assert.All(appends.Where(append => append.Key != slow.Id.ToString()), append => Assert.True(append.Value < TimeSpan.FromMilliseconds(500)));
    }

    /// <summary>The trace goes on where the write does: at the leader, and from there to each follower, the one that it entered at among them.</summary>
    [Fact]
    public async Task A_write_that_enters_at_a_follower_is_one_trace_through_the_leader_and_its_appends()
    {
        var spans = new List<Activity>();
        var cluster = new TestCluster(3);
        cluster.UntilLed();
        using var listener = Listen(spans);
        var (entry, leader) = (cluster.Follower, cluster.Leader);
        using var root = new Activity("test").Start();
        var write = entry.Group.ProposeAsync("k=v"u8.ToArray()).AsTask();
        cluster.Until(() => Of(root, spans).Length == 7, "two spans of the proposal, wal, two appends, commit and apply");
        Assert.True((await write).IsApplied);

        var ours = Of(root, spans);
        var entered = Assert.Single(ours, span => span.OperationName == "propose" && span.ParentSpanId == root.SpanId);
        var led = Assert.Single(ours, span => span.OperationName == "propose" && span.ParentSpanId == entered.SpanId);
        Assert.Equal(leader.Id.ToString(), entered.GetTagItem("forwarded_to"));
        Assert.Equal(entry.Id.ToString(), led.GetTagItem("forwarded_from"));
        Assert.True(led.HasRemoteParent);
        foreach (var name in (string[])["wal", "commit", "apply"]) Assert.Equal(led.SpanId, Assert.Single(ours, span => span.OperationName == name).ParentSpanId);
        var appends = ours.Where(span => span.OperationName == "append").ToArray();
        Assert.All(appends, append => Assert.Equal(led.SpanId, append.ParentSpanId));
        Assert.Equal(cluster.Nodes.Where(node => node != leader).Select(node => node.Id.ToString()).Order(), appends.Select(append => (string)append.GetTagItem("peer")!).Order());
        Assert.True(leader.Group.Replica.Trace.IsIdle);
    }

    [Fact]
    public async Task A_large_command_in_chunks_is_followed_at_its_last_one()
    {
        var spans = new List<Activity>();
        var cluster = new TestCluster(3, new GroupOptions { ChunkBytes = 1024 });
        cluster.UntilLed();
        using var listener = Listen(spans);
        using var root = new Activity("test").Start();
        var write = cluster.Follower.Group.ProposeAsync(System.Text.Encoding.ASCII.GetBytes("k=" + new string('v', 5000))).AsTask();
        cluster.Until(() => Of(root, spans).Length == 7, "two spans of the proposal, wal, two appends, commit and apply");
        var outcome = await write;
        Assert.True(outcome.IsApplied);
        Assert.Equal(outcome.Position.Index.Value, Assert.Single(Of(root, spans), span => span.GetTagItem("forwarded_from") is not null).GetTagItem("index"));
    }

    /// <summary>The announcement is a courtesy: one that is cut short, and a kind that a binary does not know, are dropped, and nothing else is.</summary>
    [Fact]
    public async Task A_damaged_announcement_and_an_unknown_kind_are_dropped_and_the_next_write_is_traced()
    {
        var spans = new List<Activity>();
        var cluster = new TestCluster(3);
        cluster.UntilLed();
        using var listener = Listen(spans);
        var (entry, leader) = (cluster.Follower, cluster.Leader);
        var frame = new Holdfast.Wire.ByteBuffer();
        entry.Group.Replica.BeginFrame(frame, Holdfast.Consensus.FrameKind.ForwardTrace).WriteUInt64(1);
        for (var times = 0; times < 3; times++) cluster.Send(entry.Id, leader.Id, frame.Written, isBeat: false);
        frame.Clear();
        entry.Group.Replica.BeginFrame(frame, (Holdfast.Consensus.FrameKind)200).WriteUInt64(1);
        cluster.Send(entry.Id, leader.Id, frame.Written, isBeat: false);
        cluster.Run(TimeSpan.FromMilliseconds(50));

        using var root = new Activity("test").Start();
        var write = entry.Group.ProposeAsync("k=v"u8.ToArray()).AsTask();
        cluster.Until(() => Of(root, spans).Length == 7, "a trace as ever");
        Assert.True((await write).IsApplied);
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

    private static ActivityListener Listen(List<Activity> spans)
    {
        var traced = WriteTrace.Source; // Made before anybody asks whether it is the one: while it is being made it equals nothing.
        var listener = new ActivityListener
        {
            ShouldListenTo = source => source == traced,
            Sample = static (ref _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = span => { lock (spans) spans.Add(span); },
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }

    /// <summary>What has been told below a span; tests beside this one may be writing too.</summary>
    private static Activity[] Of(Activity root, List<Activity> spans)
    {
        lock (spans) return [.. spans.Where(span => span.TraceId == root.TraceId)];
    }
}
