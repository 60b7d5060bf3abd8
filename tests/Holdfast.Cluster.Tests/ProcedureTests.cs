using Holdfast.Consensus;
using Holdfast.Primitives;

namespace Holdfast.Cluster.Tests;

public sealed class ProcedureTests
{
    private static readonly GroupId Data = new(2);

    [Fact]
    public void S5_a_node_is_added_to_the_directory_first_as_learner_and_then_promoted()
    {
        var cluster = new ClusterInMemory(1, 2, 3);
        cluster.Directory.Tell(DirectoryCommand.AddNode(Cast.Node(4), "", false));
        cluster.Settle();
        Assert.Equal(["group 0: {1 2 3 4(learner)}", "group 0: {1 2 3 4}", "group 1: {1 2 3 4(learner)}", "group 1: {1 2 3 4}"], cluster.Journal);
        Assert.Equal(ProcedureState.Done, cluster.Directory.View.Procedures[1].State);
    }

    /// <summary>Each look is a call to the group's leader, and there may be hundreds of groups.</summary>
    [Fact]
    public async Task Groups_that_need_nothing_are_looked_at_seldom_and_at_once_when_the_directory_changes()
    {
        var cluster = new ClusterInMemory(1, 2, 3);
        var runner = new ProcedureRunner(() => cluster.Directory.View, cluster);
        for (var round = 0; round < 100; round++) Assert.Equal(0, await runner.StepAsync(TestContext.Current.CancellationToken));
        Assert.InRange(cluster.Looks, 4, 10);
        cluster.Directory.Tell(DirectoryCommand.AddNode(Cast.Node(4), "", false));
        Assert.Equal(1, await runner.StepAsync(TestContext.Current.CancellationToken));

        // Whoever waits is looked after in every round.
        cluster.Slow.Add(new NodeId(4));
        var looks = cluster.Looks;
        for (var round = 0; round < 10; round++) await runner.StepAsync(TestContext.Current.CancellationToken);
        Assert.True(cluster.Looks >= looks + 20, $"{cluster.Looks - looks} looks");
    }

    [Fact]
    public void Only_some_groups_take_in_newcomers_at_once_and_the_others_follow()
    {
        var cluster = new ClusterInMemory(1, 2, 3, 4);
        ReplicaPlace[] Places(params ulong[] nodes) => [.. nodes.Select(node => new ReplicaPlace(new NodeId(node), MemberRole.Voter))];
        for (var made = 0; made < 7; made++)
        {
            var group = new GroupId(cluster.Directory.Tell(DirectoryCommand.CreateGroup("vectors/x", [.. Places(1, 2, 3)])).Id);
            cluster.Groups[group] = Configuration.OfVoters(new NodeId(1), new NodeId(2), new NodeId(3));
            cluster.Directory.Tell(DirectoryCommand.PlaceGroup(group, [.. Places(1, 2, 4)]));
        }

        int Filling() => cluster.Groups.Values.Count(members => members.Members.ToArray().Any(member => member.Role == MemberRole.Learner));
        cluster.Slow.Add(new NodeId(4));
        cluster.Settle();
        Assert.Equal(TransferLimit.GroupsAtOnceMax, Filling());

        // Who has caught up is promoted, and the next ones begin.
        cluster.Slow.Clear();
        cluster.Settle();
        Assert.All(cluster.Groups.Where(each => each.Key.Value > 1), each => Assert.Equal("{1 2 4}", each.Value.ToString()));
    }

    [Fact]
    public void The_sixth_node_stays_a_learner()
    {
        var cluster = new ClusterInMemory(1, 2, 3, 4, 5);
        cluster.Directory.Tell(DirectoryCommand.AddNode(Cast.Node(6), "", false));
        cluster.Settle();
        Assert.Equal("{1 2 3 4 5 6(learner)}", cluster.Groups[GroupId.Directory].ToString());
    }

    [Fact]
    public void A_node_that_came_to_a_learners_place_votes_when_it_is_promoted_and_has_caught_up()
    {
        var cluster = new ClusterInMemory(1, 2, 3);
        AddLearner(cluster, 4);
        cluster.Settle();
        Assert.Equal(["group 0: {1 2 3 4(learner)}", "group 1: {1 2 3 4(learner)}"], cluster.Journal);
        Assert.Equal(ProcedureState.Done, cluster.Directory.View.Procedures[1].State);

        // Others come and go meanwhile, and it takes no place that becomes free.
        cluster.Directory.Tell(DirectoryCommand.AddNode(Cast.Node(5), "", false));
        cluster.Directory.Tell(DirectoryCommand.RemoveNode(new NodeId(3)));
        cluster.Settle();
        foreach (var group in (GroupId[])[GroupId.Directory, GroupId.Coordination]) Assert.Equal("{1 2 4(learner) 5}", cluster.Groups[group].ToString());

        cluster.Slow.Add(new NodeId(4));
        cluster.Directory.Tell(ReservedPlace.Promote(Cast.Node(4)));
        cluster.Settle();
        Assert.Equal("{1 2 4(learner) 5}", cluster.Groups[GroupId.Coordination].ToString());
        cluster.Slow.Clear();
        cluster.Settle();
        foreach (var group in (GroupId[])[GroupId.Directory, GroupId.Coordination]) Assert.Equal("{1 2 4 5}", cluster.Groups[group].ToString());
    }

    [Fact]
    public void A_learner_that_is_promoted_and_slow_holds_nobody_else_up()
    {
        var cluster = new ClusterInMemory(1, 2, 3);
        AddLearner(cluster, 4);
        cluster.Settle();
        cluster.Slow.Add(new NodeId(4));
        cluster.Directory.Tell(ReservedPlace.Promote(Cast.Node(4)));
        cluster.Directory.Tell(DirectoryCommand.AddNode(Cast.Node(5), "", false));
        cluster.Settle();
        Assert.Equal("{1 2 3 4(learner) 5}", cluster.Groups[GroupId.Coordination].ToString());
    }

    [Fact]
    public void A_promoted_learner_makes_no_sixth_voter()
    {
        var cluster = new ClusterInMemory(1, 2, 3, 4, 5);
        AddLearner(cluster, 6);
        cluster.Directory.Tell(ReservedPlace.Promote(Cast.Node(6)));
        cluster.Settle();
        Assert.Equal("{1 2 3 4 5 6(learner)}", cluster.Groups[GroupId.Directory].ToString());
    }

    [Fact]
    public void A_learner_that_lags_is_not_promoted()
    {
        var cluster = new ClusterInMemory(1, 2, 3);
        cluster.Slow.Add(new NodeId(4));
        cluster.Directory.Tell(DirectoryCommand.AddNode(Cast.Node(4), "", false));
        cluster.Settle();
        Assert.Equal("{1 2 3 4(learner)}", cluster.Groups[GroupId.Directory].ToString());
        cluster.Slow.Clear();
        cluster.Settle();
        Assert.Equal("{1 2 3 4}", cluster.Groups[GroupId.Coordination].ToString());
    }

    [Fact]
    public void S5_a_node_leaves_its_data_groups_first_and_the_directory_last()
    {
        var cluster = new ClusterInMemory(1, 2, 3, 4);
        CreateDataGroup(cluster, 1, 2, 3);
        cluster.Directory.Tell(DirectoryCommand.RemoveNode(new NodeId(3)));
        cluster.Settle();
        Assert.Equal(["group 2: {1 2 3 4(learner)}", "group 2: {1 2 4}", "group 1: {1 2 4}", "group 0: {1 2 4}"], cluster.Journal);
        Assert.Contains(new NodeId(3), cluster.Directory.View.Removed);
    }

    [Fact]
    public void A_witness_that_leaves_is_followed_by_a_witness_and_data_by_a_node_that_carries_it()
    {
        var cluster = new ClusterInMemory(1, 2, 3, 4, 5);
        foreach (var id in (ulong[])[3, 4]) Assert.True(cluster.Directory.Tell(DirectoryCommand.UpdateMember(Cast.Node(id) with { Roles = NodeRoles.Witness })).Accepted);
        ReplicaPlace[] places = [new(new NodeId(1), MemberRole.Voter), new(new NodeId(2), MemberRole.Voter), new(new NodeId(3), MemberRole.Witness)];
        var group = new GroupId(cluster.Directory.Tell(DirectoryCommand.CreateGroup("keyspace", [.. places])).Id);
        cluster.Groups[group] = Configuration.Of([.. places.Select(place => new Member(place.Node, place.Role))]);
        cluster.Directory.Tell(DirectoryCommand.RemoveNode(new NodeId(3)));
        cluster.Settle();
        Assert.Equal("{1 2 4(witness)}", cluster.Groups[group].ToString());
        cluster.Directory.Tell(DirectoryCommand.RemoveNode(new NodeId(2)));
        cluster.Settle();
        Assert.Equal("{1 4(witness) 5}", cluster.Groups[group].ToString());
    }

    [Fact]
    public void A_voter_that_leaves_is_followed_by_a_learner_in_the_same_change()
    {
        var cluster = new ClusterInMemory(1, 2, 3, 4, 5, 6);
        cluster.Directory.Tell(DirectoryCommand.RemoveNode(new NodeId(2)));
        cluster.Settle();
        Assert.Equal(["group 1: {1 3 4 5 6}", "group 0: {1 3 4 5 6}"], cluster.Journal);
    }

    [Fact]
    public void S4_a_wiped_node_takes_its_old_places_as_a_new_incarnation()
    {
        var cluster = new ClusterInMemory(1, 2, 3);
        CreateDataGroup(cluster, 1, 2, 3);
        cluster.Directory.Tell(DirectoryCommand.AddNode(Cast.Node(9, "n2"), "", true));
        cluster.Settle();
        Assert.Equal(
            ["group 0: {1 2 3 9(learner)}", "group 0: {1 3 9}", "group 1: {1 2 3 9(learner)}", "group 1: {1 3 9}", "group 2: {1 2 3 9(learner)}", "group 2: {1 3 9}"],
            cluster.Journal);
        Assert.Equal([new NodeId(1), new NodeId(3), new NodeId(9)], cluster.Directory.View.Members.Keys);
        Assert.Contains(new NodeId(2), cluster.Directory.View.Removed);
    }

    [Fact]
    public void A_replacement_that_was_wiped_half_way_is_swept_out()
    {
        var cluster = new ClusterInMemory(1, 2, 3);
        cluster.Slow.Add(new NodeId(9));
        cluster.Directory.Tell(DirectoryCommand.AddNode(Cast.Node(9, "n2"), "", true));
        cluster.Settle();
        cluster.Directory.Tell(DirectoryCommand.AddNode(Cast.Node(10, "n2"), "", true));
        cluster.Settle();
        Assert.Equal("{1 3 a}", cluster.Groups[GroupId.Directory].ToString());
        Assert.Equal("{1 3 a}", cluster.Groups[GroupId.Coordination].ToString());
    }

    [Fact]
    public void S5_an_addition_is_given_up_when_a_group_is_beyond_the_binary()
    {
        var cluster = new ClusterInMemory(1, 2, 3) { Levels = { [GroupId.Coordination] = 2 } };
        cluster.Directory.Tell(DirectoryCommand.AddNode(Cast.Node(4, levelMax: 1), "", false));
        cluster.Settle();
        Assert.Equal(ProcedureState.Failed, cluster.Directory.View.Procedures[1].State);
        Assert.Contains("S5", cluster.Directory.View.Procedures[1].Note, StringComparison.Ordinal);
        Assert.Equal("{1 2 3}", cluster.Groups[GroupId.Directory].ToString());
        Assert.Equal("{1 2 3}", cluster.Groups[GroupId.Coordination].ToString());
    }

    [Fact]
    public async Task A_group_without_a_leader_is_waited_for()
    {
        var cluster = new ClusterInMemory(1, 2, 3);
        cluster.Unreachable.Add(GroupId.Coordination);
        cluster.Directory.Tell(DirectoryCommand.AddNode(Cast.Node(4), "", false));
        cluster.Settle();
        Assert.Equal("{1 2 3 4}", cluster.Groups[GroupId.Directory].ToString());
        var runner = new ProcedureRunner(() => cluster.Directory.View, cluster);
        Assert.Equal(0, await runner.StepAsync(CancellationToken.None));
        Assert.Contains("leader is not known", runner.Waiting[1], StringComparison.Ordinal);
        cluster.Unreachable.Clear();
        cluster.Settle();
        Assert.Equal("{1 2 3 4}", cluster.Groups[GroupId.Coordination].ToString());
    }

    [Fact]
    public async Task A_runner_that_dies_before_any_action_leaves_nothing_half_done()
    {
        // Every prefix of the actions, then death, then another runner: the end is always the same.
        for (var life = 0; life < 12; life++)
        {
            var cluster = new ClusterInMemory(1, 2, 3);
            CreateDataGroup(cluster, 1, 2, 3);
            cluster.Directory.Tell(DirectoryCommand.AddNode(Cast.Node(9, "n2"), "", true));
            var left = life;
            cluster.BeforeEachAction = () =>
            {
                if (left-- == 0) throw new OperationCanceledException();
            };
            for (var rounds = 0; rounds < 12; rounds++)
            {
                try
                {
                    await new ProcedureRunner(() => cluster.Directory.View, cluster).StepAsync(CancellationToken.None);
                }
                catch (OperationCanceledException)
                {
                    break;
                }
            }

            cluster.BeforeEachAction = null;
            cluster.Settle();
            Assert.Equal("{1 3 9}", cluster.Groups[GroupId.Directory].ToString());
            Assert.Equal("{1 3 9}", cluster.Groups[Data].ToString());
        }
    }

    /// <summary>A node comes to a place that was kept for it as a learner's.</summary>
    private static void AddLearner(ClusterInMemory cluster, ulong node)
    {
        var place = ReservedPlace.Of(Cast.Node(node)) with { IsLearner = true };
        foreach (var entry in place.Reserve()) cluster.Directory.Tell(entry);
        Assert.True(cluster.Directory.Tell(DirectoryCommand.AddNode(Cast.Node(node), JoinToken.HashOf(place.Secret), false)).Accepted);
    }

    /// <summary>Three nodes, one of which is lost for good, and another is sent away: the change would need both of two, one of whom never answers.</summary>
    [Fact]
    public void A_change_to_members_that_cannot_decide_is_not_begun()
    {
        var cluster = new ClusterInMemory(1, 2, 3);
        cluster.Silent.Add(new NodeId(3));
        cluster.Directory.Tell(DirectoryCommand.RemoveNode(new NodeId(2)));
        cluster.Settle();
        Assert.Empty(cluster.Journal);
        cluster.Directory.Tell(DirectoryCommand.AddNode(Cast.Node(9, "n3"), "", true));
        cluster.Settle();
        Assert.Equal("{1 9}", cluster.Groups[GroupId.Directory].ToString());
        Assert.Equal("{1 9}", cluster.Groups[GroupId.Coordination].ToString());
    }

    [Fact]
    public void A_deposed_leader_asks_for_no_change()
    {
        var cluster = new ClusterInMemory(1, 2, 3) { IsDeposed = true };
        cluster.Directory.Tell(DirectoryCommand.AddNode(Cast.Node(4), "", false));
        cluster.Settle();
        Assert.Empty(cluster.Journal);
    }

    [Fact]
    public void A_learner_that_was_too_slow_to_follow_a_voter_follows_later()
    {
        var cluster = new ClusterInMemory(1, 2, 3, 4, 5, 6);
        cluster.Slow.Add(new NodeId(6));
        cluster.Directory.Tell(DirectoryCommand.RemoveNode(new NodeId(2)));
        cluster.Settle();
        Assert.Equal("{1 3 4 5 6(learner)}", cluster.Groups[GroupId.Directory].ToString());
        cluster.Slow.Clear();
        cluster.Settle();
        Assert.Equal("{1 3 4 5 6}", cluster.Groups[GroupId.Directory].ToString());
        Assert.Equal("{1 3 4 5 6}", cluster.Groups[GroupId.Coordination].ToString());
    }

    [Fact]
    public void A_data_group_moves_while_a_procedure_waits_for_a_node_that_never_comes()
    {
        var cluster = new ClusterInMemory(1, 2, 3, 4);
        CreateDataGroup(cluster, 1, 2, 3);
        cluster.Slow.Add(new NodeId(9));
        cluster.Directory.Tell(DirectoryCommand.AddNode(Cast.Node(9), "", false));
        cluster.Settle();
        cluster.Directory.Tell(DirectoryCommand.PlaceGroup(Data, [.. new ulong[] { 1, 2, 4 }.Select(node => new ReplicaPlace(new NodeId(node), MemberRole.Voter))]));
        cluster.Settle();
        Assert.Equal("{1 2 4}", cluster.Groups[Data].ToString());
        Assert.Equal("{1 2 3 4 9(learner)}", cluster.Groups[GroupId.Directory].ToString());
    }

    [Fact]
    public void A_replacement_that_was_wiped_after_it_took_over_a_data_group_is_followed_there_too()
    {
        var cluster = new ClusterInMemory(1, 2, 3);
        CreateDataGroup(cluster, 1, 2, 3);
        cluster.Directory.Tell(DirectoryCommand.AddNode(Cast.Node(9, "n2"), "", true));
        cluster.Directory.Tell(DirectoryCommand.PlaceGroup(Data, [.. new ulong[] { 1, 9, 3 }.Select(node => new ReplicaPlace(new NodeId(node), MemberRole.Voter))]));
        cluster.Directory.Tell(DirectoryCommand.AddNode(Cast.Node(10, "n2"), "", true));
        cluster.Settle();
        Assert.Equal("{1 3 a}", cluster.Groups[Data].ToString());
        Assert.Equal(ProcedureState.Done, cluster.Directory.View.Procedures[2].State);
    }

    [Fact]
    public void Nothing_is_placed_on_a_node_that_is_on_its_way_out()
    {
        var cluster = new ClusterInMemory(1, 2, 3, 4);
        CreateDataGroup(cluster, 1, 2, 3);
        cluster.Directory.Tell(DirectoryCommand.RemoveNode(new NodeId(4)));
        var reply = cluster.Directory.Tell(DirectoryCommand.PlaceGroup(Data, [.. new ulong[] { 1, 2, 4 }.Select(node => new ReplicaPlace(new NodeId(node), MemberRole.Voter))]));
        Assert.False(reply.Accepted);
        Assert.Contains("way out", reply.Reason, StringComparison.Ordinal);
    }

    private static void CreateDataGroup(ClusterInMemory cluster, params ulong[] nodes)
    {
        cluster.Directory.Tell(DirectoryCommand.CreateGroup("keyspace", [.. nodes.Select(node => new ReplicaPlace(new NodeId(node), MemberRole.Voter))]));
        cluster.Groups[Data] = Configuration.OfVoters(nodes.Select(node => new NodeId(node)).ToArray());
    }
}
