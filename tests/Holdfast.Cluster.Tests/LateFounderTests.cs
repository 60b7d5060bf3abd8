using System.Collections.Immutable;
using Holdfast.Consensus;
using Holdfast.Primitives;

namespace Holdfast.Cluster.Tests;

/// <summary>One of a group's first members hears of it when the directory places the group elsewhere already: its group's quorum may still need it.</summary>
public sealed class LateFounderTests
{
    private static readonly GroupId Data = new(2);
    private readonly DirectoryState directory = Cast.Founded(1, 2, 3, 4);
    private readonly SeatInMemory seat = new(3);
    private ReplicaReport? leader;

    public LateFounderTests()
    {
        Assert.True(directory.Tell(DirectoryCommand.CreateGroup("keyspace", Places(1, 2, 3))).Accepted);
        Assert.True(directory.Tell(DirectoryCommand.PlaceGroup(Data, Places(1, 2, 4))).Accepted);
    }

    [Fact]
    public async Task It_begins_with_the_first_members_while_nobody_leads_the_group()
    {
        await LookAsync(3);
        Assert.Equal(Configuration.OfVoters(new NodeId(1), new NodeId(2), new NodeId(3)), Assert.Single(seat.Begun).Value);
        Assert.Empty(seat.GivenUp);
    }

    [Fact]
    public async Task It_begins_while_the_leaders_log_counts_on_it()
    {
        leader = Said(1, 2, 3);
        await LookAsync(3);
        Assert.Equal([Data], seat.Begun.Keys);
    }

    [Fact]
    public async Task It_stays_away_when_the_group_has_committed_to_go_on_without_it()
    {
        leader = Said(1, 2, 4);
        await LookAsync(5);
        Assert.Empty(seat.Begun);
        Assert.Equal([Data], seat.GivenUp);
    }

    /// <summary>After a restart the directory is what was committed as far as this node knows, and may still have groups that were deleted here: their ids are used up (S6).</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task It_never_begins_what_its_own_log_says_is_deleted(bool isPlacedHere)
    {
        if (isPlacedHere) Assert.True(directory.Tell(DirectoryCommand.PlaceGroup(Data, Places(1, 2, 3))).Accepted);
        seat.Deleted.Add(Data);
        await LookAsync(3);
        Assert.Empty(seat.Begun);
    }

    private async Task LookAsync(int looks)
    {
        var groups = new DataGroups(seat, (_, _) => new(leader));
        for (; looks > 0; looks--)
        {
            await groups.FollowAsync(directory.View, TestContext.Current.CancellationToken);
            seat.Now += TimeSpan.FromSeconds(4);
        }
    }

    private static ReplicaReport Said(params ulong[] members) =>
        new(true, new Term(5), new LogIndex(9), new LogIndex(9), 1, Configuration.OfVoters([.. members.Select(node => new NodeId(node))])) { Last = new LogIndex(9) };

    private static ImmutableArray<ReplicaPlace> Places(params ulong[] nodes) => [.. nodes.Select(node => new ReplicaPlace(new NodeId(node), MemberRole.Voter))];
}
