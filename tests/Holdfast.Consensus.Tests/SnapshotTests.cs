using Holdfast.Primitives;

namespace Holdfast.Consensus.Tests;

/// <summary>Raft paper 7; SAFETY S10.</summary>
public sealed class SnapshotTests
{
    [Fact]
    public void A_follower_that_needs_what_was_compacted_is_offered_a_snapshot_and_goes_on_from_it()
    {
        var cluster = new RaftCluster(3);
        var leader = cluster.Elect(1);
        cluster.Isolate(3);
        for (var i = 0; i < 50; i++) cluster.ProposeAndSettle(leader, $"c{i}");
        leader.Compact();
        cluster.ProposeAndSettle(leader, "tail");
        cluster.Heal();
        cluster.RunUntil(() => cluster[3].SnapshotWanted is not null, "a snapshot is offered");
        cluster[3].InstallFrom(leader);
        cluster.RunUntil(() => cluster[3].Applied.Contains("tail"), "the log goes on after it");
        Assert.Equal(leader.Applied, cluster[3].Applied);
    }

    [Fact]
    public void Any_replicas_snapshot_serves()
    {
        var cluster = new RaftCluster(3);
        var leader = cluster.Elect(1);
        cluster.Isolate(3);
        for (var i = 0; i < 50; i++) cluster.ProposeAndSettle(leader, $"c{i}");
        leader.Compact();
        cluster.ProposeAndSettle(leader, "later");
        cluster.Run(TimeSpan.FromMilliseconds(100));
        cluster[2].Compact(); // Newer than the leader's.
        cluster.Heal();
        cluster.RunUntil(() => cluster[3].SnapshotWanted is not null, "a snapshot is offered");
        cluster[3].InstallFrom(cluster[2]);
        cluster.ProposeAndSettle(leader, "tail");
        cluster.RunUntil(() => cluster[3].Applied.Contains("tail"), "the log goes on after it");
        Assert.Equal(leader.Applied, cluster[3].Applied);
    }

    [Fact]
    public void A_snapshot_drops_a_suffix_that_contradicts_it()
    {
        var cluster = new RaftCluster(3);
        var old = cluster.Elect(1);
        cluster.Isolate(1);
        for (var i = 0; i < 80; i++) old.Propose($"lost{i}");
        cluster.Settle();
        cluster.RunUntil(() => cluster.Leader is { Node.HasCommittedInTerm: true } next && next != old, "the majority elects another");
        var leader = cluster.Leader!;
        for (var i = 0; i < 20; i++) cluster.ProposeAndSettle(leader, $"c{i}");
        leader.Compact();
        cluster.Heal();
        cluster.RunUntil(() => old.SnapshotWanted is not null, "a snapshot is offered");
        old.InstallFrom(leader);
        cluster.ProposeAndSettle(leader, "tail");
        cluster.RunUntil(() => old.Applied.Contains("tail"), "it follows");
        Assert.Equal(leader.Applied, old.Applied);
        Assert.Equal(leader.Node.Log.Last, old.Node.Log.Last);
    }

    [Fact]
    public void A_snapshot_keeps_a_suffix_that_agrees_with_it()
    {
        var cluster = new RaftCluster(3);
        var leader = cluster.Elect(1);
        for (var i = 0; i < 10; i++) cluster.ProposeAndSettle(leader, $"c{i}");
        cluster[2].Compact();
        var follower = cluster[3];
        var last = follower.Node.Log.Last;
        follower.Node.OnSnapshotInstalled(cluster.Now, new LogPosition(leader.Node.Term, new LogIndex(1)), leader.Node.Configuration); // Older than what is committed: nothing happens.
        Assert.Equal(last, follower.Node.Log.Last);
    }

    [Fact]
    public void The_log_recycles_the_memory_of_what_it_forgot()
    {
        var log = new RaftLog(LogPosition.Zero);
        var payload = new byte[256];
        for (var round = 0; round < 50; round++)
        {
            for (var i = 0; i < 1000; i++) log.Append(new Term(1), EntryKind.Command, payload);
            log.CompactTo(log.Last.Index);
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var round = 0; round < 50; round++)
        {
            for (var i = 0; i < 1000; i++) log.Append(new Term(1), EntryKind.Command, payload);
            log.CompactTo(log.Last.Index);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Payloads_are_what_they_were_through_appends_truncations_and_compactions()
    {
        var dice = new SeededRandom(11);
        var log = new RaftLog(LogPosition.Zero);
        var expected = new Dictionary<ulong, byte[]>();
        for (var step = 0; step < 20_000; step++)
        {
            switch (dice.Next(20))
            {
                case 0 when log.Last.Index > log.Base.Index:
                    var from = log.Base.Index + (ulong)dice.Next(1, (int)(log.Last.Index - log.Base.Index) + 1);
                    log.TruncateFrom(from);
                    break;
                case 1 when log.Last.Index > log.Base.Index:
                    log.CompactTo(log.Base.Index + (ulong)dice.Next((int)(log.Last.Index - log.Base.Index) + 1));
                    break;
                default:
                    var payload = new byte[dice.Next(100) == 0 ? dice.Next(60_000) : dice.Next(300)];
                    foreach (ref var one in payload.AsSpan()) one = (byte)dice.Next(256);
                    expected[log.Append(new Term(1), EntryKind.Command, payload).Index.Value] = payload;
                    break;
            }

            if (step % 500 != 0) continue;
            for (var index = log.Base.Index.Next; index <= log.Last.Index; index = index.Next) Assert.Equal(expected[index.Value], log[index].Payload.ToArray());
        }
    }
}
