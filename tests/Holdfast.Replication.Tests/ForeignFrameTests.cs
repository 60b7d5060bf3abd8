using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Replication.Tests;

/// <summary>What no node of this version sends: dropped, or passed over by all alike.</summary>
public sealed class ForeignFrameTests
{
    [Fact]
    public void A_frame_of_an_unknown_kind_is_dropped_and_the_group_goes_on()
    {
        var cluster = new TestCluster(3);
        cluster.UntilLed();
        var (leader, follower) = (cluster.Leader, cluster.Follower);
        var frame = new ByteBuffer();
        leader.Group.Replica.BeginFrame(frame, (FrameKind)250);
        for (var i = 0; i < 10; i++) follower.Loop.OnFrame(leader.Id, frame.Written);
        Assert.True(cluster.Apply(leader, "a=1").IsApplied);
        cluster.UntilEqual();
    }

    [Theory]
    [InlineData(new byte[0])]
    [InlineData(new byte[] { 0xFF })]
    public void An_entry_without_a_readable_envelope_is_passed_over_and_counts_as_applied(byte[] payload)
    {
        var machine = new ToyMachine();
        var state = new GroupState(machine, 4, 1, 1);
        var position = new LogPosition(new Term(1), new LogIndex(1));
        state.Apply(new Entry(position, EntryKind.Command, payload), new NodeId(1), false);
        Assert.Equal(position, state.Applied);
        Assert.Empty(machine.Map);
    }
}
