using Holdfast.Primitives;

namespace Holdfast.Consensus.Tests;

/// <summary>
/// A witness is told last (decision 0030): it votes for nobody who lacks what it has taken in, and cannot lead itself, so it takes in only what somebody will be left to lead with.
/// </summary>
public sealed class WitnessTests
{
    [Fact]
    public void A_witness_is_told_of_an_entry_when_another_voter_has_it_on_its_disk()
    {
        var cluster = TwoAndAWitness();
        var leader = cluster.Elect(1);
        cluster[2].DiskStalled = true;
        cluster.ProposeAndSettle(leader, "a");
        Assert.True(cluster[3].DurableLast < leader.DurableLast);
        Assert.DoesNotContain("a", leader.Applied);
        cluster[2].DiskStalled = false;
        cluster.Settle();
        Assert.Equal(leader.DurableLast, cluster[3].DurableLast);
        Assert.Contains("a", leader.Applied);
    }

    /// <summary>Told together with everybody, as PlantedBug.WitnessToldAtOnce has it, the witness keeps 2 from leading until 1 is back.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_survivor_leads_after_a_leader_that_died_before_it_had_what_the_leader_wrote(bool toldAtOnce)
    {
        var cluster = TwoAndAWitness(new RaftOptions { Bug = toldAtOnce ? PlantedBug.WitnessToldAtOnce : PlantedBug.None });
        var leader = cluster.Elect(1);
        cluster.CutOneWay(1, 2);
        cluster.ProposeAndSettle(leader, "only the dead one has it");
        Assert.Equal(toldAtOnce, cluster[3].DurableLast == leader.DurableLast);
        leader.IsUp = false;
        cluster.Run(TimeSpan.FromSeconds(5));
        Assert.Equal(!toldAtOnce, cluster.Leader == cluster[2] && cluster[2].Node.HasCommittedInTerm);
    }

    [Fact]
    public void A_voter_that_falls_silent_holds_up_writes_for_two_heartbeats_and_later_ones_not_at_all()
    {
        var cluster = TwoAndAWitness();
        var leader = cluster.Elect(1);
        cluster.Isolate(2);
        cluster.ProposeAndSettle(leader, "a");
        Assert.DoesNotContain("a", leader.Applied);
        cluster.Run(TimeSpan.FromMilliseconds(110));
        Assert.Contains("a", leader.Applied);
        cluster.ProposeAndSettle(leader, "b");
        Assert.Contains("b", leader.Applied);
    }

    [Fact]
    public void A_voter_whose_connection_broke_is_done_without_at_once_until_it_is_back()
    {
        var cluster = TwoAndAWitness();
        var leader = cluster.Elect(1);
        cluster.Crash(2);
        leader.Node.OnPeerReset(cluster.Now, cluster[2].Id);
        cluster.ProposeAndSettle(leader, "a");
        Assert.Contains("a", leader.Applied);
        cluster.Restart(2);
        cluster.RunUntil(() => cluster[2].DurableLast == leader.DurableLast, "2 has caught up");
        cluster.ProposeAndSettle(leader, "b"); // Its first lap: whether it keeps up is not known before.
        cluster[2].DiskStalled = true;
        cluster.ProposeAndSettle(leader, "c");
        Assert.True(cluster[3].DurableLast < leader.DurableLast);
    }

    [Fact]
    public void A_voter_that_is_catching_up_or_damaged_holds_up_nothing()
    {
        var pace = new Pace(TimeSpan.FromMilliseconds(100));
        pace.OnReset();
        pace.OnFed(At(0), new LogIndex(1), new LogIndex(1000));
        for (ulong match = 100; match < 1000; match += 100)
        {
            pace.OnMatch(At(match), new LogIndex(match));
            Assert.False(pace.KeepsUp(At(match))); // It answers all the time, and is where the log ended half a second ago.
        }

        pace.OnMatch(At(1000), new LogIndex(1000));
        Assert.False(pace.KeepsUp(At(1000)));
        pace.OnFed(At(1000), new LogIndex(1000), new LogIndex(1010));
        pace.OnMatch(At(1003), new LogIndex(1010));
        Assert.True(pace.KeepsUp(At(5000)));

        var damaged = new Progress(new NodeId(2), new LogIndex(1), TimeSpan.FromMilliseconds(100), At(0));
        Assert.True(damaged.KeepsUp(At(0)));
        damaged.OnAnswer(At(1), new AppendReply(new Term(1), true, LogIndex.Zero, default, 0, SupportEpoch.None, IsWhole: false));
        Assert.False(damaged.KeepsUp(At(1)));
    }

    [Fact]
    public void A_new_leader_whose_rival_died_commits_with_the_witness_without_waiting()
    {
        var cluster = TwoAndAWitness();
        cluster.Elect(1);
        cluster.Crash(1);
        cluster.RunUntil(() => cluster[2].Node.Role == RaftRole.Leader, "2 leads");
        Assert.True(cluster[2].Node.HasCommittedInTerm); // In the very step in which it was elected.
    }

    [Fact]
    public void With_two_witnesses_of_five_all_three_with_data_are_waited_for_and_two_when_one_of_them_is_gone()
    {
        Member[] members = [.. Enumerable.Range(1, 5).Select(id => new Member(new NodeId((ulong)id), id <= 3 ? MemberRole.Voter : MemberRole.Witness))];
        var cluster = new RaftCluster(Configuration.Of(members));
        var leader = cluster.Elect(1);
        cluster[3].DiskStalled = true;
        cluster.ProposeAndSettle(leader, "a");
        Assert.True(cluster[4].DurableLast < leader.DurableLast);
        cluster.RunUntil(() => leader.Applied.Contains("a"), "3 is done without");
        Assert.Equal(leader.DurableLast, cluster[4].DurableLast);
        cluster[2].DiskStalled = true;
        cluster.ProposeAndSettle(leader, "b");
        Assert.True(cluster[4].DurableLast < leader.DurableLast); // 3 is slow, and 2 may have to lead.
        cluster[2].DiskStalled = false;
        cluster.Settle();
        Assert.Contains("b", leader.Applied);
    }

    [Fact] // (S1)
    public void A_witness_is_told_of_nothing_that_its_leader_could_still_lose()
    {
        var cluster = TwoAndAWitness();
        var leader = cluster.Elect(1);
        cluster.Crash(2);
        leader.Node.OnPeerReset(cluster.Now, cluster[2].Id);
        leader.DiskStalled = true;
        cluster.ProposeAndSettle(leader, "a");
        Assert.True(cluster[3].Node.Log.Last.Index < leader.Node.Log.Last.Index);
        leader.DiskStalled = false;
        cluster.Settle();
        Assert.Contains("a", leader.Applied);
    }

    private static RaftCluster TwoAndAWitness(RaftOptions? options = null) =>
        new(Configuration.Of(new(new NodeId(1), MemberRole.Voter), new(new NodeId(2), MemberRole.Voter), new(new NodeId(3), MemberRole.Witness)), options);

    private static Instant At(ulong milliseconds) => Instant.Zero + TimeSpan.FromMilliseconds(milliseconds);
}
