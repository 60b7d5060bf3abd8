using Holdfast.Primitives;

namespace Holdfast.Cluster.Tests;

/// <summary>Nodes without a cluster that are told to meet: whoever has data keeps it, nobody is of two clusters, and all find to one (S23).</summary>
public sealed class MeetingTests
{
    private const int Seeds = 150;
    private const int StepsMax = 20_000;

    /// <summary>Who is told to meet whom, as tools do it.</summary>
    private static readonly (string Name, int[][] Wishes)[] Shapes =
    [
        ("all meet the first (redis-cli --cluster create)", [[], [0], [0], [0], [0]]),
        ("the first meets all", [[1, 2, 3, 4], [], [], [], []]),
        ("two meet each other", [[1], [0]]),
        ("a ring", [[1], [2], [3], [0]]),
        ("a chain", [[1], [2], [3], []]),
        ("a chain into a ring", [[1], [2], [3], [1], [0]]),
        ("the first meets another, and a third the first", [[1], [], [0]]),
        ("all meet all", [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]]),
    ];

    /// <summary>Two found, each for another, and are told to meet then: they stay apart.</summary>
    private static readonly (string Name, int[][] Wishes) Apart = ("two pairs, and one of each", [[1, 2], [], [3], []]);

    [Fact]
    public void However_they_are_told_all_find_to_one_cluster()
    {
        foreach (var (name, wishes) in Shapes)
            for (ulong seed = 1; seed <= Seeds; seed++)
            {
                var world = new MeetWorld(seed, wishes, crashes: false, PlantedMeetBug.None);
                Assert.True(world.Settles(StepsMax), $"{name}, seed {seed}: {world.Clusters} clusters");
            }
    }

    [Fact]
    public void Over_any_crash_no_node_gives_up_a_cluster_or_is_of_two()
    {
        foreach (var (name, wishes) in Shapes.Append(Apart))
            for (ulong seed = 1; seed <= Seeds; seed++)
                if (new MeetWorld(seed, wishes, crashes: true, PlantedMeetBug.None).Run(2000) is { } complaint) Assert.Fail($"{name}, seed {seed}: {complaint}");
    }

    [Theory]
    [InlineData(nameof(PlantedMeetBug.MemberComes))]
    [InlineData(nameof(PlantedMeetBug.PledgedFounds))]
    [InlineData(nameof(PlantedMeetBug.PledgeInMemory))]
    [InlineData(nameof(PlantedMeetBug.WaitingFounds))]
    [InlineData(nameof(PlantedMeetBug.RingUnseen))]
    public void A_planted_mistake_is_found(string bug)
    {
        var planted = Enum.Parse<PlantedMeetBug>(bug);
        foreach (var (name, wishes) in Shapes.Append(Apart))
            for (ulong seed = 1; seed <= Seeds; seed++)
                if (new MeetWorld(seed, wishes, crashes: true, planted).Run(2000) is not null || (name != Apart.Name && !new MeetWorld(seed, wishes, crashes: false, planted).Settles(StepsMax))) return;
        Assert.Fail($"{bug} was not found in {Seeds} seeds of each shape");
    }

    [Fact]
    public void A_member_never_comes_and_two_clusters_stay_apart()
    {
        var member = new Meeting(new NodeId(1), MeetStanding.Member, new ClusterId(7));
        member.Wish("n2:1");
        var other = new Meeting(new NodeId(2), MeetStanding.Member, new ClusterId(8));
        var (answer, step) = other.OnAsked(new MeetQuestion(Cast.Node(1), member.Standing, member.Cluster), "n1:1");
        Assert.Equal((MeetVerdict.Apart, MeetStep.None), (answer.Verdict, step));
        Assert.Equal(MeetStep.None, member.OnAnswer("n2:1", answer));
        Assert.Empty(member.Wishes);
        Assert.Equal(MeetStep.None, member.OnAnswer("n2:1", answer with { Verdict = MeetVerdict.Come }));
        Assert.Equal((MeetStanding.Member, new ClusterId(7)), (member.Standing, member.Cluster));
    }

    [Fact]
    public void Who_has_promised_asks_for_another_token_and_goes_nowhere_else()
    {
        var pledged = new Meeting(new NodeId(1), MeetStanding.Pledged, new ClusterId(7));
        var come = new MeetAnswer(MeetVerdict.Come, new NodeId(2), new ClusterId(7), NodeId.None, "token");
        Assert.Equal(MeetStep.Join, pledged.OnAnswer("n2:1", come));
        Assert.Equal(MeetStep.None, pledged.OnAnswer("n2:1", come with { Cluster = new ClusterId(8) }));
        Assert.Equal(MeetStep.None, pledged.OnAsked(new MeetQuestion(Cast.Node(3), MeetStanding.Alone, ClusterId.None), "n3:1").Step);
    }
}
