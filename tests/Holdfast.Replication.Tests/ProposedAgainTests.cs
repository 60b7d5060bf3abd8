using System.Text;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Replication.Tests;

/// <summary>A write that was under way to a leader that is gone: done once, by whoever leads next, or answered as unknown (S25). Never done twice.</summary>
public sealed class ProposedAgainTests
{
    [Fact]
    public void A_write_on_its_way_to_a_leader_that_dies_is_done_by_the_next()
    {
        var cluster = ClusterOf(PlantedReplicaBug.None);
        var (leader, follower) = (cluster.Leader, cluster.Follower);
        var write = Write(follower, "k=v");
        follower.Advance(); // Out of its door, and not in at the leader's.
        leader.Kill();
        Assert.True(EndOf(cluster, write).IsApplied);
        cluster.UntilEqual();
        Assert.All(cluster.Nodes.Where(node => node.IsUp), node => Assert.Equal(1, Times(node, "k=v")));
    }

    [Fact]
    public void A_write_that_the_dead_leader_left_in_the_log_is_not_done_again()
    {
        var cluster = ClusterOf(PlantedReplicaBug.None);
        var (leader, follower) = (cluster.Leader, cluster.Follower);
        var before = follower.Group.Status.Last.Index;
        var write = Write(follower, "k=v");
        cluster.Until(() => follower.Group.Status.Last.Index > before, "the entry at the follower");
        leader.Kill();
        Assert.True(EndOf(cluster, write).IsApplied);
        cluster.UntilEqual();
        Assert.All(cluster.Nodes.Where(node => node.IsUp), node => Assert.Equal(1, Times(node, "k=v")));
    }

    [Fact]
    public void Writes_at_a_leader_that_was_deposed_are_done_by_the_next_when_its_log_lacks_them()
    {
        var cluster = ClusterOf(PlantedReplicaBug.None);
        var (deposed, follower) = (cluster.Leader, cluster.Follower);
        var handedOver = Write(follower, "a=1");
        follower.Advance();
        var own = Write(deposed, "b=2");
        cluster.Isolate(deposed);
        deposed.Loop.OnFrame(follower.Id, ForwardOf(follower, deposed.Group.Status.Term, "a=1")); // Into its log, and into no other.
        cluster.Until(() => cluster.Nodes.Count(node => node != deposed && node.Group.Status.IsServingLeader) == 1, "another leader");
        Assert.True(EndOf(cluster, handedOver).IsApplied);
        cluster.Cut.Clear();
        Assert.True(EndOf(cluster, own).IsApplied);
        cluster.UntilEqual();
        Assert.All(cluster.Nodes, node => Assert.Equal((1, 1), (Times(node, "a=1"), Times(node, "b=2"))));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_leader_takes_a_handed_over_write_in_the_term_that_it_was_meant_for_only(bool isMistakePlanted)
    {
        var cluster = ClusterOf(isMistakePlanted ? PlantedReplicaBug.ForwardTakenInAnyTerm : PlantedReplicaBug.None);
        var (leader, follower) = (cluster.Leader, cluster.Follower);
        var term = leader.Group.Status.Term;
        leader.Loop.OnFrame(follower.Id, ForwardOf(follower, new Term(term.Value - 1), "late=1"));
        leader.Loop.OnFrame(follower.Id, ForwardOf(follower, term, "now=1"));
        cluster.Until(() => Times(follower, "now=1") == 1, "the write of this term");
        Assert.Equal(isMistakePlanted ? 1 : 0, Times(follower, "late=1"));
    }

    /// <summary>The follower hears of its write only by a snapshot, which does not say whose writes it holds.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_a_snapshot_may_hold_is_not_done_again(bool isMistakePlanted)
    {
        var cluster = ClusterOf(isMistakePlanted ? PlantedReplicaBug.SnapshotTakenForNothing : PlantedReplicaBug.None, snapshotLogBytes: 400);
        var (leader, follower) = (cluster.Leader, cluster.Follower);
        var other = cluster.Except(leader, follower);
        var write = Write(follower, "k=v");
        cluster.Until(() => Times(leader, "k=v") == 1, "the write at the leader");
        cluster.Isolate(follower);
        Assert.Equal(0, Times(follower, "k=v"));
        for (var i = 0; i < 30; i++) leader.Propose($"filler={new string('f', 60)}{i}");
        cluster.Until(() => leader.Group.Status.Snapshot.Index > follower.Group.Status.Last.Index && other.Group.Status.Snapshot.Index > follower.Group.Status.Last.Index, "logs that lack what the follower needs");
        leader.Group.TransferLeadership(cluster.Now, other.Id);
        cluster.Until(() => other.Group.Status.IsServingLeader, "a leader of a later term");
        cluster.Cut.Clear();
        var end = EndOf(cluster, write);
        cluster.UntilEqual();
        Assert.Equal(isMistakePlanted ? ProposalStatus.Applied : ProposalStatus.Unknown, end.Status);
        Assert.Equal(isMistakePlanted ? 2 : 1, Times(other, "k=v"));
    }

    [Fact]
    public void To_propose_again_as_soon_as_somebody_leads_would_do_it_twice()
    {
        var cluster = ClusterOf(PlantedReplicaBug.ProposedAgainAtElection);
        var (leader, follower) = (cluster.Leader, cluster.Follower);
        var before = follower.Group.Status.Last.Index;
        Write(follower, "k=v");
        cluster.Until(() => follower.Group.Status.Last.Index > before, "the entry at the follower");
        leader.Kill();
        cluster.Until(() => Times(follower, "k=v") == 2, "the mistake");
    }

    private static TestCluster ClusterOf(PlantedReplicaBug bug, long snapshotLogBytes = 1_000_000)
    {
        var cluster = new TestCluster(3, new GroupOptions { Bug = bug, SnapshotLogBytes = snapshotLogBytes }, machineOf: _ => new CountingMachine());
        cluster.UntilLed();
        cluster.UntilEqual();
        return cluster;
    }

    private static Task<ProposeOutcome> Write(TestNode at, string command) => at.Group.ProposeAsync(Encoding.UTF8.GetBytes(command)).AsTask();

    private static ProposeOutcome EndOf(TestCluster cluster, Task<ProposeOutcome> write)
    {
        cluster.Until(() => write.IsCompleted, "the end of the write");
        return write.Result;
    }

    private static int Times(TestNode node, string command) => ((CountingMachine)node.Machine).Commands.Count(each => each == command);

    /// <summary>What a follower sends to whom it takes for the leader of a term.</summary>
    private static byte[] ForwardOf(TestNode from, Term term, string command)
    {
        var frame = new ByteBuffer();
        var writer = from.Group.Replica.BeginFrame(frame, FrameKind.Forward);
        writer.WriteUInt64(term.Value);
        new Envelope { Flags = EnvelopeFlags.None, TimeMicros = 0, Id = new ProposalId(from.Id, 1_000_000) }.Encode(writer);
        writer.WriteBytes(Encoding.UTF8.GetBytes(command));
        return frame.Written.ToArray();
    }

    private sealed class CountingMachine : ToyMachine
    {
        public List<string> Commands { get; } = [];

        public override ApplyResult Apply(in CommittedEntry entry)
        {
            var result = base.Apply(entry);
            if (result.IsDone) Commands.Add(Encoding.UTF8.GetString(entry.Command));
            return result;
        }
    }
}
