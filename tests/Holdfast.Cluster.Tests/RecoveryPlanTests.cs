using Holdfast.Consensus;
using Holdfast.Primitives;

namespace Holdfast.Cluster.Tests;

/// <summary>Recovery by hand, decided (S12): a test for every reason to refuse.</summary>
public sealed class RecoveryPlanTests
{
    private static readonly Configuration Three = Configuration.OfVoters(new NodeId(1), new NodeId(2), new NodeId(3));

    [Fact]
    public void S12_the_highest_term_wins_over_the_longest_log()
    {
        var plan = Decide([.. Copies(source: 0, node: 1, term: 4, index: 100), .. Copies(source: 1, node: 4, term: 5, index: 90)], lost: ["n2", "n3"]);
        Assert.Empty(plan.Faults);
        Assert.All(plan.Chosen, copy => Assert.Equal(1, copy.Source));
    }

    [Fact]
    public void S12_among_equal_terms_the_longer_log_wins_and_among_equal_logs_the_whole_one()
    {
        Assert.All(Decide([.. Copies(0, 1, 4, 90), .. Copies(1, 4, 4, 91)], ["n2", "n3"]).Chosen, copy => Assert.Equal(1, copy.Source));
        Assert.All(Decide([.. Copies(0, 1, 4, 90, damagedUpTo: 50), .. Copies(1, 4, 4, 90)], ["n2", "n3"]).Chosen, copy => Assert.Equal(1, copy.Source));
    }

    [Fact]
    public void S12_a_voter_that_is_neither_given_nor_said_to_be_lost_may_hold_what_the_others_lack()
    {
        var plan = Decide(Copies(0, 1, 4, 90), lost: ["n2"]);
        Assert.Equal("n3 votes and its data directory is not given", Assert.Single(plan.Faults)[..44]);
    }

    [Fact]
    public void S12_a_majority_that_is_whole_needs_no_recovery_and_a_damaged_one_does()
    {
        var whole = Decide([.. Copies(0, 1, 4, 90), .. Copies(1, 2, 4, 90)], ["n3"]);
        Assert.Contains("start those nodes", Assert.Single(whole.Faults), StringComparison.Ordinal);
        Assert.Empty(Decide([.. Copies(0, 1, 4, 90), .. Copies(1, 2, 4, 80, damagedUpTo: 85)], ["n3"]).Faults);
    }

    [Fact]
    public void S12_a_damaged_log_that_is_the_newest_is_taken_only_when_the_loss_is_accepted()
    {
        var copies = Copies(0, 1, 4, 90, damagedUpTo: 95);
        Assert.Contains("--accept-damage", Decide(copies, ["n2", "n3"]).Faults[0], StringComparison.Ordinal);
        Assert.Empty(Decide(copies, ["n2", "n3"], acceptsDamage: true).Faults);
    }

    [Fact]
    public void S12_a_witness_keeps_no_data_to_recover_from()
    {
        var configuration = Configuration.Of(new Member(new NodeId(1), MemberRole.Witness), new Member(new NodeId(2), MemberRole.Voter), new Member(new NodeId(3), MemberRole.Voter));
        var copies = Copies(0, 1, 4, 90).Select(copy => copy with { InForce = configuration }).ToArray();
        Assert.Contains("a witness, which keeps no data", Decide(copies, ["n2", "n3"]).Faults[0], StringComparison.Ordinal);
    }

    [Fact]
    public void S12_while_members_change_both_sets_must_be_accounted_for()
    {
        var joint = Configuration.OfVoters(new NodeId(1), new NodeId(2)).JoinTowards(Configuration.OfVoters(new NodeId(1), new NodeId(5)));
        var copies = Copies(0, 1, 4, 90).Select(copy => copy with { InForce = joint }).ToArray();
        Assert.Equal(2, Decide(copies, []).Faults.Count);
        Assert.Empty(Decide(copies, ["n2", "n5"]).Faults);
    }

    [Fact]
    public void S12_the_directory_becomes_the_new_clusters_and_never_takes_an_old_member_back()
    {
        var directory = Cast.Founded(1, 2, 3);
        directory.Tell(DirectoryCommand.AddToken(new string('a', 64), 1_000_000_000, 1));
        directory.Tell(DirectoryCommand.CreateGroup("keyspace", [new ReplicaPlace(new NodeId(2), MemberRole.Voter)]));
        directory.Tell(DirectoryCommand.RemoveNode(new NodeId(3)));
        var recovered = Cast.GenesisOf(9) with { Cluster = new ClusterId(0xC2), Origin = GenesisOrigin.Recovered };
        Assert.False(directory.Tell(DirectoryCommand.Recover(recovered with { Origin = GenesisOrigin.Joined })).Accepted);
        Assert.True(directory.Tell(DirectoryCommand.Recover(recovered)).Accepted);
        var view = directory.View;
        Assert.Equal(new ClusterId(0xC2), view.Cluster);
        Assert.Equal([new NodeId(9)], view.Members.Keys);
        Assert.Equal([new NodeId(1), new NodeId(2), new NodeId(3)], view.Removed);
        Assert.Equal([new ReplicaPlace(new NodeId(9), MemberRole.Voter)], view.Groups[new GroupId(2)].Replicas);
        Assert.Empty(view.Tokens);
        Assert.Equal(ProcedureState.Failed, view.Procedures[1].State);
        Assert.False(directory.Tell(DirectoryCommand.AddNode(Cast.Node(2), "", mayReplace: true)).Accepted);

        var revision = view.Revision;
        Assert.True(directory.Tell(DirectoryCommand.Recover(recovered)).Accepted); // Once is enough.
        Assert.Equal(revision, directory.View.Revision);
    }

    [Fact]
    public void S6_a_deleted_group_leaves_a_tombstone_and_its_id_is_not_used_again()
    {
        var directory = Cast.Founded(1, 2, 3);
        byte[] create = DirectoryCommand.CreateGroup("keyspace", [new ReplicaPlace(new NodeId(2), MemberRole.Voter)]);
        var first = directory.Tell(create).Id;
        Assert.True(directory.Tell(DirectoryCommand.DeleteGroup(new GroupId(first))).Accepted);
        Assert.True(directory.Tell(DirectoryCommand.DeleteGroup(new GroupId(first))).Accepted);
        Assert.Contains(new GroupId(first), directory.View.Tombstones);
        Assert.Equal(first + 1, directory.Tell(create).Id);
        Assert.False(directory.Tell(DirectoryCommand.DeleteGroup(GroupId.Coordination)).Accepted);
        Assert.False(directory.Tell(DirectoryCommand.DeleteGroup(new GroupId(99))).Accepted);
    }

    private static RecoveryPlan Decide(IReadOnlyList<GroupCopy> copies, string[] lost, bool acceptsDamage = false) => RecoveryPlan.Of(copies, node => $"n{node.Value}", lost, acceptsDamage);

    /// <summary>Both groups in one directory.</summary>
    private static GroupCopy[] Copies(int source, ulong node, ulong term, ulong index, ulong damagedUpTo = 0) =>
        [.. ((GroupId[])[GroupId.Directory, GroupId.Coordination]).Select(group => new GroupCopy(source, new NodeId(node), group, new LogPosition(new Term(term), new LogIndex(index)), Three, new LogIndex(damagedUpTo)))];
}
