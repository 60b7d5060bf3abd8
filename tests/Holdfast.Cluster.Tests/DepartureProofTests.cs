using Holdfast.Consensus;
using Holdfast.Primitives;

namespace Holdfast.Cluster.Tests;

/// <summary>When a node may free what it has of a group: every case that proves nothing, and the one that does.</summary>
public sealed class DepartureProofTests
{
    private static readonly GroupId Group = new(7);
    private static readonly NodeId Self = new(4);
    private static readonly Configuration Others = Configuration.OfVoters(new NodeId(1), new NodeId(2), new NodeId(3));

    [Fact]
    public void The_leaders_second_word_proves_it_once_all_that_its_log_had_at_the_first_is_committed_S6()
    {
        var proof = new DepartureProof(Self);
        Assert.False(proof.Look(Group, Said(last: 20, commit: 18)));
        Assert.False(proof.Look(Group, Said(last: 30, commit: 19)));
        Assert.True(proof.Look(Group, Said(last: 40, commit: 20)));
    }

    [Fact]
    public void Another_leader_proves_nothing_by_what_the_first_one_had()
    {
        var proof = new DepartureProof(Self);
        Assert.False(proof.Look(Group, Said(last: 20, commit: 18)));
        Assert.False(proof.Look(Group, Said(term: 6, last: 25, commit: 24)));
        Assert.False(proof.Look(Group, Said(term: 6, last: 26, commit: 24)));
        Assert.True(proof.Look(Group, Said(term: 6, last: 26, commit: 25)));
    }

    public static TheoryData<string> Words => ["nobody leads", "does not lead", "of an older program", "a change is under way", "counts on this node", "knows no members"];

    [Theory]
    [MemberData(nameof(Words))]
    public void What_proves_nothing_makes_it_begin_anew(string word)
    {
        var said = Said(last: 30, commit: 30);
        ReplicaReport? nothing = word switch
        {
            "nobody leads" => null,
            "does not lead" => said with { Leads = false },
            "of an older program" => said with { Last = null },
            "a change is under way" => said with { Configuration = Joint() },
            "counts on this node" => said with { Configuration = Configuration.OfVoters(new NodeId(1), new NodeId(2), Self) },
            _ => said with { Configuration = Configuration.Empty },
        };
        var proof = new DepartureProof(Self);
        Assert.False(proof.Look(Group, Said(last: 20, commit: 20)));
        Assert.False(proof.Look(Group, nothing));
        Assert.False(proof.Look(Group, said));
        Assert.True(proof.Look(Group, said));
    }

    /// <summary>What a leader says comes whole over the wire, and what a program from before says has no log's end.</summary>
    [Fact]
    public void The_logs_end_travels_behind_what_older_programs_read()
    {
        var status = new Replication.GroupStatus
        {
            Group = Group, Self = new NodeId(1), Role = RaftRole.Leader, Term = new Term(5), Leader = new NodeId(1), Commit = new LogIndex(8), Applied = new LogIndex(8), Last = new LogPosition(new Term(5), new LogIndex(9)),
            Snapshot = default, HoldsLease = true, Configuration = Others, ConfigurationIndex = new LogIndex(3), StateHash = 1, FeatureLevel = 2, HasDiverged = false, IsServingLeader = true, SnapshotFault = null, IsRestored = true,
        };
        var bytes = ClusterVerbs.Encode(status);
        Assert.Equal(new ReplicaReport(true, new Term(5), new LogIndex(8), new LogIndex(8), 2, Others) { Last = new LogIndex(9), ConfigurationIndex = new LogIndex(3) }, ClusterVerbs.DecodeReport(bytes));
        Assert.Null(ClusterVerbs.DecodeReport(bytes.AsSpan(0, bytes.Length - 2 * sizeof(ulong) - 1))!.Last);
        Assert.Equal(new LogIndex(9), ClusterVerbs.DecodeReport(bytes.AsSpan(0, bytes.Length - sizeof(ulong) - 1))!.Last);
        Assert.Null(ClusterVerbs.DecodeReport(bytes.AsSpan(0, bytes.Length - sizeof(ulong)))!.ConfigurationIndex);
        Assert.False(ClusterVerbs.DecodeReport(ClusterVerbs.Encode(status with { HasCommittedMembers = false }))!.HasCommittedMembers);
        Assert.Equal(LogIndex.Zero, ClusterVerbs.DecodeReport(ClusterVerbs.Encode(status with { IsRestored = false }))!.Applied);
    }

    private static ReplicaReport Said(ulong last, ulong commit, ulong term = 5) => new(true, new Term(term), new LogIndex(commit), new LogIndex(commit), 1, Others) { Last = new LogIndex(last) };

    private static Configuration Joint() => Configuration.OfVoters(new NodeId(1), new NodeId(2), Self).JoinTowards(Others);
}
