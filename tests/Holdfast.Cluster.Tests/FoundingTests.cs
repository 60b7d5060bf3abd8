using Holdfast.Consensus;
using Holdfast.Primitives;

namespace Holdfast.Cluster.Tests;

public sealed class FoundingTests
{
    private static readonly string[] Listed = ["n3", "n1", "n2"];

    [Fact]
    public void The_lowest_name_forms_the_genesis_once_everybody_is_present_and_empty()
    {
        var (one, two, three) = (Of(1), Of(2), Of(3));
        Assert.True(one.IsFounder);
        Ask(one, two);
        Assert.Equal(BootstrapPhase.Waiting, one.Phase);
        Assert.Equal(["n3"], one.Silent);
        Ask(one, three);
        Assert.Equal(BootstrapPhase.Form, one.Phase);
        var genesis = one.Form(new ClusterId(5), "", default);
        one.OnFormed(genesis);
        Ask(two, one);
        Ask(three, two);
        Assert.Equal((BootstrapPhase.Adopt, BootstrapPhase.Adopt), (two.Phase, three.Phase));
        Assert.Equal(genesis, three.Found);
        Assert.Equal("{1 2 3}", genesis.InitialConfiguration().ToString());
    }

    [Fact]
    public void Nobody_but_the_lowest_name_forms_a_genesis()
    {
        var (two, three) = (Of(2), Of(3));
        Ask(two, Of(1));
        Ask(two, three);
        Assert.Equal(BootstrapPhase.Waiting, two.Phase);
        Assert.Throws<InvariantBrokenException>(() => two.Form(new ClusterId(5), "", default));
    }

    [Fact]
    public void S4_a_wiped_founder_does_not_found_again_but_joins_as_a_replacement()
    {
        var (one, two, three) = Founded();
        var wiped = new Bootstrap(Cast.Node(77, "n1"), Listed);
        Ask(wiped, three);
        Assert.Equal(BootstrapPhase.JoinAsReplacement, wiped.Phase);
        Assert.Equal(one.Found, wiped.Found);
        Assert.Equal(BootstrapPhase.Adopt, two.Phase);
    }

    [Fact]
    public void A_node_that_crashed_before_it_adopted_is_shown_the_genesis_again()
    {
        var (one, _, _) = Founded();
        var restarted = Of(2);
        Ask(restarted, one);
        Assert.Equal(BootstrapPhase.Adopt, restarted.Phase);
    }

    [Fact]
    public void S4_the_genesis_of_a_founder_that_was_wiped_meanwhile_is_not_adopted()
    {
        var (one, _, _) = Founded();
        var two = Of(2);
        var answerOfTheDead = one.OnAsked(new NodeId(2), "n2");
        Ask(new Bootstrap(Cast.Node(77, "n1"), Listed), two);
        two.OnAnswer(answerOfTheDead);
        Assert.Equal(BootstrapPhase.Refused, two.Phase);
    }

    [Fact]
    public void A_node_that_the_cluster_does_not_know_is_refused()
    {
        var (one, _, _) = Founded();
        var stranger = new Bootstrap(Cast.Node(8, "n8"), ["n1", "n8"]);
        Ask(stranger, one);
        Assert.Equal(BootstrapPhase.Refused, stranger.Phase);
    }

    [Fact]
    public void Five_founders_vote_and_the_rest_learn() =>
        Assert.Equal("{1 2 3 4 5 6(learner) 7(learner)}", Cast.GenesisOf(1, 2, 3, 4, 5, 6, 7).InitialConfiguration().ToString());

    [Fact]
    public void A_joined_node_begins_with_no_configuration_of_its_own() =>
        Assert.Equal(Configuration.Empty, (Cast.GenesisOf(1, 2, 3) with { Origin = GenesisOrigin.Joined }).InitialConfiguration());

    [Fact]
    public void The_genesis_file_is_read_as_written_and_given_only_once()
    {
        var disk = new MemoryDisk();
        Assert.Null(GenesisFile.Read(disk));
        var genesis = Cast.GenesisOf(1, 2, 3);
        GenesisFile.Write(disk, genesis);
        Assert.Equal(genesis.ToBytes(), GenesisFile.Read(disk)!.ToBytes());
        Assert.Throws<InvariantBrokenException>(() => GenesisFile.Write(disk, genesis));
    }

    [Fact]
    public void Every_damaged_byte_of_a_genesis_is_noticed()
    {
        var disk = new MemoryDisk();
        GenesisFile.Write(disk, Cast.GenesisOf(1, 2, 3));
        var whole = disk["genesis"];
        for (var i = 0; i < whole.Length; i++)
        {
            var damaged = whole.ToArray();
            damaged[i] ^= 0x40;
            disk["genesis"] = damaged;
            Assert.Throws<DataDirectoryUnusableException>(() => GenesisFile.Read(disk));
            disk["genesis"] = whole[..i];
            Assert.Throws<DataDirectoryUnusableException>(() => GenesisFile.Read(disk));
        }
    }

    [Fact]
    public void A_genesis_that_was_never_completed_is_thrown_away()
    {
        var disk = new MemoryDisk { ["genesis.new"] = [1, 2, 3] };
        Assert.Null(GenesisFile.Read(disk));
        Assert.False(disk.Exists("genesis.new"));
    }

    [Fact]
    public void Advice_warns_of_one_voter_and_of_an_even_count()
    {
        Assert.Equal("single-voter", Assert.Single(ClusterAdvice.On(Cast.GenesisOf(1).InitialConfiguration())).Code);
        Assert.Equal("even-voters", Assert.Single(ClusterAdvice.On(Cast.GenesisOf(1, 2, 3, 4).InitialConfiguration())).Code);
        Assert.Empty(ClusterAdvice.On(Cast.GenesisOf(1, 2, 3).InitialConfiguration()));
    }

    private static Bootstrap Of(ulong id) => new(Cast.Node(id), Listed);

    private static void Ask(Bootstrap asker, Bootstrap asked)
    {
        var self = asker.OnAsked(NodeId.None, "");
        asker.OnAnswer(asked.OnAsked(self.Node, self.Name));
    }

    private static (Bootstrap One, Bootstrap Two, Bootstrap Three) Founded()
    {
        var (one, two, three) = (Of(1), Of(2), Of(3));
        Ask(one, two);
        Ask(one, three);
        one.OnFormed(one.Form(new ClusterId(5), "", default));
        Ask(two, one);
        Ask(three, one);
        return (one, two, three);
    }
}
